"""TensorBoard as an option: the loss of each step and the tokens a second."""

from pathlib import Path

from harness.errors import missing_package
from harness.train.problem import Moment, Progress


def on_board(folder: Path | None, also: Progress) -> Progress:
    """`also`, and where a folder is given what TensorBoard reads there."""
    if folder is None:
        return also
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise missing_package("tensorboard", "'zeroshot-harness[tensorboard]'") from error
    writer = SummaryWriter(str(folder))

    def report(moment: Moment) -> None:
        writer.add_scalar("loss", moment.loss, moment.step)
        writer.add_scalar("tokens_per_second", moment.tokens_per_second, moment.step)
        if moment.step == moment.steps:
            writer.close()
        also(moment)

    return report

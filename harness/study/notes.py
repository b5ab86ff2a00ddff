"""What a reader of a study's table must know of its trainings."""

from collections.abc import Mapping

from harness.study.budget import Budget, Shared
from harness.study.readout import Settled
from harness.study.request import Request


def notes_on(request: Request, budgets: Mapping[str, Budget], settled: Settled) -> list[str]:
    """What a reader of the table must know."""
    said = [f"{task} is left out: {reason}" for task, reason in settled.left_out.items()]
    sizes = {label: one.batch_size for label, one in budgets.items()}
    if request.match == "steps" and len(set(sizes.values())) > 1:
        shown = ", ".join(f"{label} {size}" for label, size in sizes.items())
        said.append(f"equal steps are of unequal batches ({shown}): --recipe-batch-size makes them equal")
    for label, one in budgets.items():
        if one.steps > one.own_steps:
            said.append(
                f"{label} goes through its data {one.steps / one.own_steps:.1f} times as often as its settings say"
            )
        grams, words = (_counted(one.overlap, kind) for kind in ("grams", "words"))
        if grams:
            said.append(f"{label} shares 13-grams with items of {grams}")
        if words:
            said.append(f"{label} has held-back word pairs in its training or development set: {words}")
        if any(own["exact"] for by in one.overlap.values() for own in by.values()):
            said.append(f"{label} was trained on scored texts (--allow-contaminated): its numbers are contaminated")
    return said


def _counted(overlap: Shared, kind: str) -> str:
    """`tatoeba 3, xnli 1`."""
    counts = {task: sum(own[kind] for own in by.values() if kind in own) for task, by in overlap.items()}
    return ", ".join(f"{task} {count}" for task, count in counts.items() if count)

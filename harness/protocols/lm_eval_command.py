"""lm-eval's own command line with our models in it: `harness` and, for masked models, `harness-masked`.

lm-eval looks for no entry points, so its own command can never know them."""

import sys
from collections.abc import Sequence

from lm_eval.api.registry import register_model
from lm_eval.utils import setup_logging

from harness.errors import HarnessError
from harness.protocols.lm_eval_model import HarnessLM
from harness.protocols.pseudo_likelihood import PseudoLM


def run(arguments: Sequence[str]) -> int:
    """What `lm-eval ARGUMENTS` does. lm-eval reads sys.argv."""
    from lm_eval._cli import HarnessCLI

    register()
    setup_logging()
    before = sys.argv
    sys.argv = ["lm-eval", *arguments]
    try:
        command = HarnessCLI()
        command.execute(command.parse_args())
    except (ValueError, FileNotFoundError) as error:
        # What it raises for unknown tasks, models and arguments; its own command shows a traceback.
        raise HarnessError(f"lm-eval: {error}.", "`harness lm-eval run --help` shows what it takes.") from error
    finally:
        sys.argv = before
    return 0


def register() -> None:
    """Makes our models known to lm-eval under their names; a second time does nothing."""
    for name, model in (("harness", HarnessLM), ("harness-masked", PseudoLM)):
        register_model(name)(model)

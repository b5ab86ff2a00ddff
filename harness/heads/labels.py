"""Which column of a trained head is which label of a task: matched by name, never by position."""

import re
from collections.abc import Sequence

from harness.errors import HarnessError

NAMELESS = re.compile(r"label[_ ]?\d+|\d+")
# Two spellings of one label, the second being upstream's (XNLI's own files).
SPELLINGS = {"contradictory": "contradiction", "entailed": "entailment"}


def match_labels(
    own: Sequence[str], wanted: Sequence[str], order: Sequence[str] | None = None, required: Sequence[str] | None = None
) -> tuple[str, ...]:
    """The task's name of each column of a head whose columns are called `own`, in whatever order and case; a
    column that is none of the task's labels keeps its name (an answer that is always wrong).

    `order` names the columns where the checkpoint does not (LABEL_0 ...). HarnessError where a label of
    `required` (default: all of `wanted`) has no column or two, and where names are lacking."""
    if order is not None:
        _check_order(own, wanted, order)
        own = order
    folded = {_fold(name): name for name in wanted}
    if (
        order is None
        and not set(map(_fold, own)) & folded.keys()
        and all(NAMELESS.fullmatch(_fold(one)) for one in own)
    ):
        raise HarnessError(
            f"The head's labels have no names ({', '.join(own[:3])}{', ...' if len(own) > 3 else ''}).",
            f"Name its {len(own)} columns in their order: --label-order {','.join(wanted)}",
        )
    found = tuple(folded.get(_fold(name), name) for name in own)
    needed = wanted if required is None else required
    wrong = [name for name in needed if found.count(name) != 1]
    if wrong:
        raise HarnessError(
            f"The head has not one column for each of {', '.join(wrong)}: its labels are {', '.join(own)}.",
            "Score it on a task with those labels, or correct id2label in its config.json.",
        )
    return found


def _check_order(own: Sequence[str], wanted: Sequence[str], order: Sequence[str]) -> None:
    if len(order) != len(own):
        raise HarnessError(
            f"--label-order has {len(order)} names, the head {len(own)} columns.",
            f"Name all of them, among them {', '.join(wanted)}.",
        )
    named = [_fold(name) for name in own]
    if not all(NAMELESS.fullmatch(name) for name in named) and named != [_fold(name) for name in order]:
        raise HarnessError(f"The head's columns have names of their own: {', '.join(own)}.", "Leave --label-order out.")


def _fold(name: str) -> str:
    folded = str(name).strip().casefold()
    return SPELLINGS.get(folded, folded)

"""What a study asks, found by what its rows are made of, whatever they are called."""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.report.study.estimand import PIVOTING, PRIMARY, TO_REFERENCE, VISION, Control, Question
from harness.report.study.related import ANCHOR, IMAGE, SHUFFLED, text_only
from harness.study.request import Row
from harness.train.recipes import parse

Own = Mapping[str, Mapping[str, Any]]
CONTROLS = ((VISION, IMAGE, ANCHOR), (PIVOTING, ANCHOR, SHUFFLED))


def questions(rows: Sequence[Row], treatment: str | None, reference: str) -> list[Question]:
    """What is asked: the treatment against every text-only recipe, or, where there is no treatment, each recipe against
    the reference."""
    labels = {row.label: row for row in rows}
    treatment = treatment or _treatment(rows)
    if treatment is None:
        return [Question(label, (reference,), TO_REFERENCE) for label in labels if label != reference]
    against = tuple(label for label, row in labels.items() if label != treatment and text_only(row.parts))
    if not against:
        return [Question(treatment, (reference,), TO_REFERENCE)]
    return [Question(treatment, against, PRIMARY)]


def controls(rows: Sequence[Row], own: Own) -> list[Control]:
    """The pairs of rows that differ in nothing but what captions are tied to; `own` are the rows' own options."""
    return [
        Control(kind, first.label, second.label)
        for kind, one, other in CONTROLS
        for first in _with(rows, one)
        for second in _with(rows, other)
        if _apart_from(one, first, own) == _apart_from(other, second, own)
    ]


def doubts(rows: Sequence[Row], own: Own, treatment: str | None) -> list[str]:
    """Where the rows do not say which of them is asked about, or which are to be compared."""
    said = []
    seeing = [row.label for row in _with(rows, IMAGE)]
    if treatment is None and seeing and _treatment(rows) is None:
        said.append(f"{' and '.join(seeing)} see images: --treatment names the one that the study asks about")
    found = [one.kind for one in controls(rows, own)]
    for kind, *anchors in CONTROLS:
        left, right = ([row.label for row in _with(rows, anchor)] for anchor in anchors)
        if left and right and kind not in found:
            pairs = f"{', '.join(left)} and {', '.join(right)}"
            said.append(f"no {kind} number: {pairs} differ in more than what captions are tied to")
    return said


def _treatment(rows: Sequence[Row]) -> str | None:
    """The one row that sees images; of several the one that is called so."""
    seeing = [row.label for row in _with(rows, IMAGE)]
    return seeing[0] if len(seeing) == 1 else IMAGE if IMAGE in seeing else None


def _with(rows: Sequence[Row], part: str) -> list[Row]:
    return [row for row in rows if part in row.parts]


def _apart_from(anchor: str, row: Row, own: Own) -> Any:
    """What must be equal: the other parts in their order (the first one's settings count), weights, options."""
    parts = [(part.recipe.name, part.weight) for part in parse(row.recipe or "")]
    return [("" if name == anchor else name, weight) for name, weight in parts], dict(own.get(row.label, {}))

"""Which prediction answers which label: the two files of one language as items, or a clear refusal.

Trap: the official scorer compares the numbers of sentences, never of tags within one, and seqeval <= 0.0.19
then scores the shifted sequence without a word (up to 100%). Here every length must agree."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from harness.errors import HarnessError
from harness.metrics.score import Item
from harness.report.layout import form_of
from harness.report.layout_file import Contents, Row
from harness.report.layout_lines import without_blank_end

# A label file of this many rows with one label throughout is more likely blanked than real.
PLACEHOLDER_ROWS = 50
SHOWN = 3


@dataclass(frozen=True)
class Matched:
    """Items in the label file's order (pairs: one per source id), and what a person should know of them."""

    items: tuple[Item, ...]
    warnings: tuple[str, ...]


def match(task: str, predictions: Contents, labels: Contents) -> Matched:
    """One item per label. HarnessError naming both files where their counts differ.

    A missing id has output None; ids without a label are ignored; pairs need not agree in number."""
    form = form_of(task)
    notes = _placeholder(form, labels)
    if form == "lines":
        predictions = without_blank_end(predictions, keep=len(labels.rows))
    if task == "tatoeba":
        notes += _no_rows(predictions)
    if form == "pairs":
        items = _by_source(predictions, labels)
    elif form in {"answers", "ranks"}:
        notes += _strays(predictions, labels)
        items = _by_id(predictions, labels)
    else:
        items = _in_order(predictions, labels)
    return Matched(items, (*labels.warnings, *predictions.warnings, *notes))


def _in_order(predictions: Contents, labels: Contents) -> tuple[Item, ...]:
    ours, gold = predictions.rows, labels.rows
    if len(ours) != len(gold):
        raise HarnessError(
            f"{predictions.path} has {len(ours)} predictions and {labels.path} has {len(gold)} labels.",
            "Write exactly one prediction per label, in the order of the labels.",
        )
    rows = list(zip(ours, gold, strict=True))
    unequal = [_unequal(row, label) for row, label in rows if _length(row) != _length(label)]
    if unequal:
        more = f"; and {len(unequal) - SHOWN} more" if len(unequal) > SHOWN else ""
        problem = f"{predictions.path} and {labels.path} differ in length: {'; '.join(unequal[:SHOWN])}{more}."
        raise HarnessError(problem, "Write one tag per token.")
    return tuple(Item(label.key, label.value, row.value, label.key) for row, label in rows)


def _length(row: Row) -> int:
    return len(row.value) if isinstance(row.value, tuple) else 1


def _unequal(row: Row, label: Row) -> str:
    ours, gold = (
        f"{len(row.value)} tags (from line {row.line})",
        f"{len(label.value)} (from line {label.line})",
    )
    return f"sentence {label.key} has {ours} for {gold}"


def _by_id(predictions: Contents, labels: Contents) -> tuple[Item, ...]:
    ours = {row.key: row.value for row in predictions.rows}
    return tuple(Item(row.key, row.value, ours.get(row.key), row.key) for row in labels.rows)


def _by_source(predictions: Contents, labels: Contents) -> tuple[Item, ...]:
    """Tuples of columns by their first column: sets, as `evaluate.py:bucc_f1` compares them."""
    sides: dict[str, tuple[list[tuple[str, ...]], list[tuple[str, ...]]]] = {}
    for side, row in chain(((0, row) for row in labels.rows), ((1, row) for row in predictions.rows)):
        sides.setdefault(row.key, ([], []))[side].append(row.value)
    return tuple(Item(key, gold, ours, key) for key, (gold, ours) in sides.items())


def _strays(predictions: Contents, labels: Contents) -> list[str]:
    ours, gold = {row.key for row in predictions.rows}, {row.key for row in labels.rows}
    notes = []
    if missing := len(gold - ours):
        notes.append(f"{predictions.path}: {missing} of {len(gold)} ids have no prediction and count as wrong.")
    if extra := len(ours - gold):
        notes.append(f"{predictions.path}: ids that are not in {labels.path} ({extra}) were ignored.")
    return notes


def _no_rows(predictions: Contents) -> list[str]:
    odd = [row for row in predictions.rows if not row.value.isdecimal()]
    if not odd:
        return []
    where = f"{predictions.path}, line {odd[0].line}"
    return [f"{where}: {odd[0].value!r} is no row number; such lines ({len(odd)}) count as wrong."]


def _placeholder(form: str, labels: Contents) -> list[str]:
    if form not in {"lines", "tags", "choices"} or len(labels.rows) < PLACEHOLDER_ROWS:
        return []
    values = {value for row in labels.rows for value in _values(row)}
    if len(values) > 1:
        return []
    return [f"{labels.path}: every label is {values.pop()!r}; official downloads blank test labels like that."]


def _values(row: Row) -> Sequence[object]:
    return row.value if isinstance(row.value, tuple) else [row.value]

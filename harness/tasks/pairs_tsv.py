"""Labelled sentence pairs: XTREME's TSV without a header, and upstream tables with one.

Trap: XTREME wrote its TSV with csv quoting and reads it without, so a sentence that holds `"` stands there
wrapped in quotes with the inner ones doubled. It is kept so, in training and scored files alike, as the
official reader keeps it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from harness.errors import HarnessError
from harness.examples import Classify
from harness.tasks.source import BlankedLabelsError, read_columns, read_lines

REPAIR = "Repair that line; nothing was scored."


class PairRow(NamedTuple):
    """One labelled pair and the line of the file where it stands."""

    line: int
    first: str
    second: str
    label: str


def read_pairs(path: Path) -> list[PairRow]:
    """XTREME's `first TAB second TAB label`; BlankedLabelsError where no line has a label."""
    if all(line.count("\t") == 1 for line in read_lines(path)):
        raise BlankedLabelsError(f"{path} has no labels")
    return [PairRow(number, *row) for number, row in enumerate(read_columns(path, 3), 1)]


def read_table(path: Path, wanted: Sequence[Sequence[str]]) -> list[tuple[int, list[str]]]:
    """(line, values) of a TSV with a header: for each of `wanted`, the first of its names that is a column.

    HarnessError names every wanted column that is absent, and the line that has another number of fields."""
    header = read_lines(path)[0].split("\t")
    absent = [" or ".join(names) for names in wanted if not set(names) & set(header)]
    if absent:
        raise HarnessError(f"{path}, line 1: no column {', '.join(absent)}.", "Give the file with its header.")
    places = [header.index(next(name for name in names if name in header)) for names in wanted]
    rows = read_columns(path, len(header))
    return [(number, [row[place] for place in places]) for number, row in enumerate(rows[1:], 2)]


def refuse_repeated(path: Path, ids: Iterable[tuple[int, str]]) -> None:
    """An id may stand once in a scored file; `ids` are (line, id)."""
    seen: dict[str, int] = {}
    for line, one in ids:
        if one in seen:
            raise HarnessError(f"{path}, line {line}: the id {one} stands in line {seen[one]} too.", REPAIR)
        seen[one] = line


def classify(
    path: Path, rows: Sequence[PairRow], labels: Sequence[str], cluster: Callable[[int], str] = str
) -> tuple[Classify, ...]:
    """Examples with their position as id; `cluster` maps a position to the unit that is resampled.

    HarnessError for a label that is none of `labels`, with its line."""
    for row in rows:
        if row.label not in labels:
            raise HarnessError(
                f"{path}, line {row.line}: unknown label '{row.label}' (known: {', '.join(labels)}).", REPAIR
            )
    return tuple(
        Classify(str(position), row.first, row.second, row.label, cluster(position))
        for position, row in enumerate(rows)
    )


def pair_notes(rows: Sequence[PairRow]) -> Mapping[str, str]:
    """How many pairs lack a sentence: XTREME keeps them all, so they are scored, and said."""
    empty = sum(not (row.first.strip() and row.second.strip()) for row in rows)
    return {"pairs with an empty sentence": str(empty)} if empty else {}


def complete(examples: Iterable[Classify]) -> tuple[Classify, ...]:
    """The pairs to train on: those whose sentences are both there."""
    return tuple(one for one in examples if one.first.strip() and one.second and one.second.strip())

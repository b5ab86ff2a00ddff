"""The table of a study: rows are recipes, columns target tasks, a cell the mean over seeds and the paired difference to
the reference with its interval.

Numbers of different protocols are never averaged together; an average is over the same columns for every row, and one
without the tasks that are kin to the row's recipe stands beside it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness.metrics.multi_bootstrap import Estimate, Replicas, average, estimate
from harness.report.study.matrix import Column
from harness.report.study.related import related


@dataclass(frozen=True)
class Line:
    """A row of a study: `parts` are its recipes; `steps` and `tokens` of one training (None: the base). `picked`: of a
    row that picks a recipe for each task, the parts of that."""

    label: str
    parts: tuple[str, ...]
    steps: int | None = None
    tokens: int | None = None
    picked: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def kin(self, task: str) -> bool:
        """Whether the recipe is kin to a task."""
        return related(self.picked.get(task, self.parts), task)


@dataclass(frozen=True)
class OtherReading:
    """What sentence vectors score at another layer, means over languages and seeds: `chosen` for each checkpoint and
    language on the other languages, `oracle` the best in hindsight."""

    chosen: float
    oracle: float


@dataclass(frozen=True)
class Cell:
    """One row on one task: fractions. `estimate` is the mean over seeds, `difference` that to the reference (None: the
    reference itself, or no seed in common), `languages` the differences by language."""

    estimate: Estimate
    difference: Estimate | None
    related: bool
    values: Mapping[str, float]
    languages: Mapping[str, Estimate]
    seeds: tuple[int, ...]
    reading: OtherReading | None = None


@dataclass(frozen=True)
class Mean:
    """A row's mean over the tasks of a protocol: `unrelated` leaves out those that are kin to its recipe (None: there
    are none, or none is left)."""

    protocol: str
    tasks: tuple[str, ...]
    value: float
    difference: Estimate | None
    unrelated: Estimate | None
    unrelated_tasks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """`cells` and `means` by the row's label, then by task or protocol; an absent number is an absent key. `lines` in
    the order asked for."""

    reference: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    cells: Mapping[str, Mapping[str, Cell]] = field(repr=False)
    means: Mapping[str, Mapping[str, Mean]] = field(repr=False)


Readings = Mapping[tuple[str, str], OtherReading]


def make_table(columns: Sequence[Column], lines: Sequence[Line], reference: str, readings: Readings) -> Table:
    """All cells that are scored. `readings`: (row, task) -> the score at other layers."""
    cells = {
        line.label: {one.readout.task: _cell(one, line, reference, readings) for one in columns if _has(one, line)}
        for line in lines
    }
    means = {line.label: {one.protocol: one for one in _means(columns, line, reference)} for line in lines}
    return Table(reference, tuple(columns), tuple(lines), cells, means)


def _has(column: Column, line: Line) -> bool:
    return line.label in column.cells


def _cell(column: Column, line: Line, reference: str, readings: Readings) -> Cell:
    task, row = column.readout.task, line.label
    compared = row != reference and column.difference(row, reference) is not None
    by_language = {
        code: estimate(one)
        for code in column.readout.languages
        if compared and (one := column.difference(row, reference, [code])) is not None
    }
    difference = column.difference(row, reference) if compared else None
    return Cell(
        estimate=estimate(column.over(row)),
        difference=None if difference is None else estimate(difference),
        related=line.kin(task),
        values={code: column.cells[row][code].mean for code in column.readout.languages},
        languages=by_language,
        seeds=column.seeds[row],
        reading=readings.get((row, task)),
    )


def _means(columns: Sequence[Column], line: Line, reference: str) -> Iterator[Mean]:
    for protocol in dict.fromkeys(one.readout.protocol for one in columns):
        own = [one for one in columns if one.readout.protocol == protocol and not one.readout.base_lacks]
        if not own or not all(_has(one, line) for one in own):
            continue
        far = [one for one in own if not line.kin(one.readout.task)]
        yield Mean(
            protocol=protocol,
            tasks=tuple(one.readout.task for one in own),
            value=sum(one.over(line.label).mean for one in own) / len(own),
            difference=_estimated(mean_difference(own, line.label, reference)),
            unrelated=_estimated(mean_difference(far, line.label, reference)) if 0 < len(far) < len(own) else None,
            unrelated_tasks=tuple(one.readout.task for one in far),
        )


def mean_difference(columns: Sequence[Column], row: str, other: str) -> Replicas | None:
    """The mean over tasks of the paired difference of two rows, on the seeds that all tasks have; None where a task
    lacks one of them."""
    if row == other:
        return None
    found = [one.difference(row, other) for one in columns]
    return joined([one for one in found if one is not None]) if None not in found else None


def joined(parts: Sequence[Replicas]) -> Replicas | None:
    """The mean of differences over the same seeds; None where tasks have different numbers of seeds (an unfinished
    study)."""
    return average(parts) if len({len(one.values) for one in parts}) == 1 else None


def _estimated(one: Replicas | None) -> Estimate | None:
    return None if one is None else estimate(one)

"""The page's tables of averages: a tab per benchmark, a table per kind of supervision, ranks column by column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.metrics.ranks import rank_sets
from harness.report.page.model import KnownEntry
from harness.report.page.published import PUBLISHED, Published
from harness.tasks import BENCHMARKS, find_task
from harness.tasks.xtreme import BENCHMARKS as OFFICIAL

TITLES = {
    "xtreme": "XTREME",
    "xtreme-r": "XTREME-R",
    "retrieval": "Retrieval",
    "mmlu": "MMLU",
    "image-text": "Image-text",
}
OTHER = "Other tasks"


@dataclass(frozen=True)
class Number:
    """One cell: `text` in percent, `entry` its place in the page's data (None: a mean over tasks)."""

    text: str
    value: float
    interval: str
    deviation: str
    entry: int | None
    ranks: tuple[int, int] | None = None
    covered: str = ""

    @property
    def best(self) -> bool:
        """Whether rank 1 cannot be excluded."""
        return self.ranks is not None and self.ranks[0] == 1


@dataclass(frozen=True)
class Line:
    """One checkpoint under one setting; `published` is the source of somebody else's numbers."""

    name: str
    marks: str
    kind: str
    numbers: Mapping[str, Number]
    mean: Number | None = None
    published: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def best(self) -> bool:
        """Whether the whole row is shaded."""
        whole = self.mean or (next(iter(self.numbers.values())) if len(self.numbers) == 1 else None)
        return whole is not None and whole.best


@dataclass(frozen=True)
class Column:
    """A task, its metric, and how many languages its average is over."""

    task: str
    title: str
    metric: str
    languages: int


@dataclass(frozen=True)
class Table:
    """All checkpoints of one kind of supervision on a benchmark's tasks."""

    label: str
    protocol: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    note: str = ""

    @property
    def has_mean(self) -> bool:
        """Whether any line has a mean over the columns."""
        return any(line.mean is not None for line in self.lines)

    @property
    def sources(self) -> tuple[str, ...]:
        """Where its published rows were read."""
        return tuple(dict.fromkeys(line.published for line in self.lines if line.published))


@dataclass(frozen=True)
class Tab:
    """A benchmark."""

    id: str
    title: str
    tables: tuple[Table, ...]
    tasks: tuple[str, ...] = field(default=())


def tabs(entries: Sequence[KnownEntry]) -> list[Tab]:
    """Every benchmark of which a task is scored, then what belongs to none."""
    tasks = dict.fromkeys(one.entry.task for one in entries)
    members = {name: [task for task in own if task in tasks] for name, own in BENCHMARKS.items()}
    members["other"] = [task for task in tasks if not any(task in own for own in members.values())]
    ranks: dict[tuple[object, ...], list[tuple[int, int]]] = {}
    return [
        Tab(name, TITLES.get(name, OTHER if name == "other" else name), _tables(name, own, entries, ranks), tuple(own))
        for name, own in members.items()
        if own
    ]


Ranks = dict[tuple[object, ...], list[tuple[int, int]]]


def _tables(benchmark: str, tasks: Sequence[str], entries: Sequence[KnownEntry], ranks: Ranks) -> tuple[Table, ...]:
    labels = dict.fromkeys(one.entry.supervision for one in entries if one.entry.task in tasks)
    out = []
    for label in labels:
        own = [
            (at, one) for at, one in enumerate(entries) if one.entry.task in tasks and one.entry.supervision == label
        ]
        columns = tuple(_column(task, own) for task in tasks if any(one.entry.task == task for _, one in own))
        lines = _lines(benchmark, columns, own, ranks)
        published = [_published_line(one, columns) for one in PUBLISHED.get((benchmark, label.label), ())]
        shown = tuple(line for line in published if line.numbers)
        out.append(Table(label.label, label.protocol, columns, (*lines, *shown), _note(benchmark, columns)))
    return tuple(out)


def _column(task: str, own: Sequence[tuple[int, KnownEntry]]) -> Column:
    first = next(one.entry for _, one in own if one.entry.task == task)
    found = find_task(task)
    return Column(task, found.title if found else task, first.metric, len(first.languages))


def _note(benchmark: str, columns: Sequence[Column]) -> str:
    """Where the benchmark's own language list is another than the one that is averaged here."""
    lists = OFFICIAL.get(benchmark, {})
    other = [
        f"{one.task} ({len(lists[one.task].languages)} languages)"
        for one in columns
        if one.task in lists and len(lists[one.task].languages) != one.languages
    ]
    return f"Averages are over XTREME's lists; {', '.join(other)} differ in this benchmark's own." if other else ""


def _lines(
    benchmark: str, columns: Sequence[Column], own: Sequence[tuple[int, KnownEntry]], ranks: Ranks
) -> list[Line]:
    rows: dict[tuple[str, str], dict[str, tuple[int, KnownEntry]]] = {}
    for at, one in own:
        rows.setdefault((one.entry.checkpoint, one.entry.marks), {})[one.entry.task] = (at, one)
    sets = {column.task: _column_ranks(column.task, own, ranks) for column in columns}
    means = _means(columns, rows)
    mean_sets = _ranked(means)
    out = []
    for row, found in rows.items():
        first = next(iter(found.values()))[1]
        numbers = {task: _number(at, one, sets[task].get(at)) for task, (at, one) in found.items()}
        mean = None
        if row in means:
            value, error = means[row]
            bounds = f"{100 * (value - 1.96 * error):.1f}–{100 * (value + 1.96 * error):.1f}"
            mean = Number(f"{100 * value:.1f}", value, bounds, "", None, mean_sets.get(row))
        warnings = tuple(dict.fromkeys(mark for _, one in found.values() for mark in _warnings(one)))
        out.append(Line(*row, first.known.kind, numbers, mean, "", warnings))
    return out


def _warnings(one: KnownEntry) -> list[str]:
    marks = one.entry.folder.split("@")[1:]
    said = {"contaminated": "trained on items that are also scored", "shuffled": "control: shuffled labels"}
    return [text for mark, text in said.items() if mark in marks] + [
        f"only the first {mark.removeprefix('limit')} items" for mark in marks if mark.startswith("limit")
    ]


def _number(at: int, one: KnownEntry, ranks: tuple[int, int] | None) -> Number:
    entry, cell = one.entry, one.entry.average
    covered = f"{entry.covered}/{len(entry.languages)}"
    if cell is None:
        return Number("", -1.0, "", "", at, None, covered)
    deviation = "" if cell.deviation is None else f"{100 * cell.deviation:.1f}"
    interval = f"{100 * cell.low:.1f}–{100 * cell.high:.1f}"
    return Number(f"{100 * cell.value:.1f}", cell.value, interval, deviation, at, ranks)


def _column_ranks(task: str, own: Sequence[tuple[int, KnownEntry]], ranks: Ranks) -> dict[int, tuple[int, int]]:
    chosen = {at: one.entry.average for at, one in own if one.entry.task == task and one.entry.ranked}
    cells = {at: cell for at, cell in chosen.items() if cell is not None}
    key = (task, *cells)
    if key not in ranks:
        ranks[key] = rank_sets([cell.value for cell in cells.values()], [cell.error for cell in cells.values()])
    return dict(zip(cells, ranks[key], strict=True)) if len(cells) > 1 else {}


def _means(
    columns: Sequence[Column], rows: Mapping[tuple[str, str], Mapping[str, tuple[int, KnownEntry]]]
) -> dict[tuple[str, str], tuple[float, float]]:
    """Mean over the table's tasks of the officially averaged metrics, with its error, of rows that have them all."""
    if len(columns) < 2:
        return {}
    out = {}
    for row, found in rows.items():
        own = [one.entry for _, one in found.values()]
        if len(own) == len(columns) and all(one.ranked and one.official is not None for one in own):
            value = sum(one.official or 0.0 for one in own) / len(own)
            error = sum(one.average.error**2 for one in own if one.average) ** 0.5 / len(own)
            out[row] = (value, error)
    return out


def _ranked(means: Mapping[tuple[str, str], tuple[float, float]]) -> dict[tuple[str, str], tuple[int, int]]:
    if len(means) < 2:
        return {}
    sets = rank_sets([value for value, _ in means.values()], [error for _, error in means.values()])
    return dict(zip(means, sets, strict=True))


def _published_line(one: Published, columns: Sequence[Column]) -> Line:
    numbers = {
        column.task: Number(f"{one.values[column.task]:.1f}", one.values[column.task] / 100, "", "", None)
        for column in columns
        if column.task in one.values
    }
    return Line(one.name, "", "published", numbers, None, one.source)

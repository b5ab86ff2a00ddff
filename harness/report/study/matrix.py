"""What every recipe and seed of a study scored, item by item: one column a task, read by the one pinned readout."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.errors import HarnessError
from harness.metrics.multi_bootstrap import Replicas, average, replicas
from harness.metrics.score import Item, Metric
from harness.store import AVERAGE, Result, Store
from harness.tasks import find_task
from harness.tasks.task import Task

ENGLISH = "en"


class IncomparableError(HarnessError):
    """The rows of a column were not scored alike: the column stays empty, the others stand."""


@dataclass(frozen=True)
class Readout:
    """How a task is read from every checkpoint of a study, settled on the base before the first score. `layer` and
    `pooling` are of sentence vectors alone; `languages` are those that there are data in. `base_lacks` says why the
    base cannot be read so although some recipes can (an image tower): such a task is in no mean."""

    task: str
    protocol: str
    split: str
    languages: tuple[str, ...]
    layer: int | None = None
    pooling: str | None = None
    base_lacks: str = ""

    def fits(self, result: Result) -> bool:
        """Whether a result was read so."""
        own = result.settings
        vectors = self.layer is None or (own.get("layer") == self.layer and own.get("pooling") == self.pooling)
        return (result.task, result.protocol, result.split) == (self.task, self.protocol, self.split) and vectors


@dataclass(frozen=True, eq=False)
class Column:
    """One task: for each row (a recipe) and language the replicas of its main metric, in the order of the row's
    `seeds`: those that have every language. `broken` says why its rows cannot be compared: then there are none."""

    readout: Readout
    metric: str
    seeds: Mapping[str, tuple[int, ...]]
    cells: Mapping[str, Mapping[str, Replicas]] = field(repr=False)
    broken: str = ""

    def over(self, row: str, languages: Iterable[str] | None = None) -> Replicas:
        """A row's mean over languages (default: all)."""
        codes = list(self.readout.languages if languages is None else languages)
        return average([self.cells[row][code] for code in codes])

    def difference(self, row: str, other: str, languages: Iterable[str] | None = None) -> Replicas | None:
        """A row minus another, on the seeds that both have; None where there are none."""
        shared = [seed for seed in self.seeds.get(row, ()) if seed in self.seeds.get(other, ())]
        if not shared or row not in self.cells or other not in self.cells:
            return None
        one, two = (_chosen(self.over(name, languages), self.seeds[name], shared) for name in (row, other))
        return one.minus(two)

    @property
    def foreign(self) -> tuple[str, ...]:
        """Its languages other than English."""
        return tuple(code for code in self.readout.languages if code != ENGLISH)


Names = Mapping[str, Mapping[int, str]]


def read_columns(store: Store, readouts: Sequence[Readout], names: Names) -> list[Column]:
    """The columns of a results folder. `names`: row -> seed -> the checkpoint's name there."""
    wanted = {name for by_seed in names.values() for name in by_seed.values()}
    found: dict[tuple[str, str], list[Result]] = {}
    for one in store.results():
        if one.status == "scored" and one.language != AVERAGE and one.checkpoint in wanted:
            found.setdefault((one.checkpoint, one.task), []).append(one)
    return [_column(store, readout, names, found) for readout in readouts]


def _column(store: Store, readout: Readout, names: Names, found: Mapping[tuple[str, str], Sequence[Result]]) -> Column:
    task = find_task(readout.task)
    if task is None:
        raise HarnessError(f"The task {readout.task} is not known here.", "Name its file with --include.")
    runs: dict[str, dict[int, dict[str, Result]]] = {}
    for row, by_seed in names.items():
        for seed, name in by_seed.items():
            own = [one for one in found.get((name, readout.task), ()) if readout.fits(one) and one.seed in (0, seed)]
            by_language = {one.language: one for one in own}
            if all(code in by_language for code in readout.languages):
                runs.setdefault(row, {})[seed] = by_language
    metric = task.metrics(readout.languages[0])[0].name
    try:
        _same_data(readout, [one for by_seed in runs.values() for own in by_seed.values() for one in own.values()])
        cells = _cells(store, task, readout, runs) if runs else {}
    except IncomparableError as error:
        return Column(readout, metric, {}, {}, str(error))
    seeds = {row: tuple(sorted(by_seed)) for row, by_seed in runs.items()}
    return Column(readout, metric, seeds, cells)


def _cells(
    store: Store, task: Task, readout: Readout, runs: Mapping[str, Mapping[int, Mapping[str, Result]]]
) -> dict[str, dict[str, Replicas]]:
    """Row -> language -> replicas; parallel languages share their draws, and so do all rows."""
    out: dict[str, dict[str, Replicas]] = {row: {} for row in runs}
    items: dict[str, list[list[list[Item]]]] = {}
    kept: dict[tuple[str, str, str, int], tuple[Item, ...]] = {}
    for code in readout.languages:
        metric = task.metrics(code)[0]
        read = [[_items(store, by_seed[seed][code], kept) for seed in sorted(by_seed)] for by_seed in runs.values()]
        items[code] = _aligned(read, metric, f"{task.name} {code}")
        if not task.joint:
            _fill(out, code, replicas(metric, items.pop(code), None, f"{task.name}/{code}"))
            kept.clear()
    if task.joint:
        clusters = sorted({item.cluster for own in items.values() for item in own[0][0]})
        for code, own in items.items():
            _fill(out, code, replicas(task.metrics(code)[0], own, clusters, task.name))
    return out


def _fill(out: Mapping[str, dict[str, Replicas]], code: str, found: Sequence[Replicas]) -> None:
    for own, one in zip(out.values(), found, strict=True):
        own[code] = one


def _items(store: Store, result: Result, kept: dict[tuple[str, str, str, int], tuple[Item, ...]]) -> tuple[Item, ...]:
    """The items of a result; the base's are the same for every seed of a protocol without one."""
    key = (result.checkpoint, result.folder, result.language, result.seed)
    if key not in kept:
        kept[key] = store.items(result)
    return kept[key]


def _aligned(runs: Sequence[Sequence[Sequence[Item]]], metric: Metric, where: str) -> list[list[list[Item]]]:
    """All runs in the order of the first. Mining stores no item without gold or candidate: an id that a run lacks is
    one without output there."""
    by_id = [[{item.id: item for item in run} for run in row] for row in runs]
    every = dict.fromkeys(name for row in by_id for run in row for name in run)
    if metric.weighted is None and any(len(run) != len(every) for row in by_id for run in row):
        raise IncomparableError(f"{where}: the items differ although the data are the same.", "Score them again.")
    gold = {name: item for row in by_id for run in row for name, item in run.items()}
    return [
        [[run[name] if name in run else Item(name, [], None, gold[name].cluster) for name in every] for run in row]
        for row in by_id
    ]


def _same_data(readout: Readout, results: Sequence[Result]) -> None:
    """Trap: a column compares rows only while all of them were scored on the same bytes, in the same way. Where the
    base cannot be read, layer and pooling are the recipe's own."""
    read = _READ if readout.base_lacks else (*_VECTORS, *_READ)
    for code in readout.languages:
        own = [one for one in results if one.language == code]
        for what, values in (
            ("data", {repr(one.fingerprint.get("data")) for one in own}),
            ("task versions", {repr(one.fingerprint.get("task")) for one in own}),
            ("settings", {_readable(one.settings, read) for one in own}),
        ):
            if len(values) > 1:
                raise IncomparableError(
                    f"{readout.task} {code} was scored with different {what}: {'; '.join(sorted(values))}.",
                    "Score them again in another --output.",
                )


# How an answer is read. What it was fine-tuned on may differ between rows (Turc et al. 2021), what is scored may not.
_VECTORS = ("layer", "pooling")
_READ = ("max_length", "engine", "preset", "limit", "incomplete", "template", "shots", "dtype")


def _readable(settings: Mapping[str, Any], names: Sequence[str]) -> str:
    return ", ".join(f"{key} {settings[key]}" for key in names if key in settings)


def _chosen(one: Replicas, seeds: Sequence[int], wanted: Sequence[int]) -> Replicas:
    at = [list(seeds).index(seed) for seed in wanted]
    return Replicas(one.values[at], one.draws[at])

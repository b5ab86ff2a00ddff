"""The engine "ivf": cells are made, held-back queries choose how many of them a query looks into, both sides are joined
cell by cell, candidates are scored again in float32, and other held-back queries measure the recall reached."""

import functools
import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from harness.retrieval import ranking
from harness.retrieval.cell_join import Kept, Plan, join, planned, rescored
from harness.retrieval.cells import SAMPLE, Cells, train
from harness.retrieval.exact import search_exact
from harness.retrieval.held_back import Truth, needed_probes
from harness.retrieval.rough import Rough, rough_sides
from harness.retrieval.screen import Side, survey
from harness.retrieval.snapshot import Snapshot

Progress = Callable[[int, int], None]
_MORE = 4  # candidates kept beyond k, for what the rough similarities put in the wrong order
_WORTH = 0.4  # the share of all pairs above which the exact search is no slower
_TILE = 2048
_FEW = 256
_FILLED = 8192
PROBED = 2**23  # cells of source rows that are known at once: 32 MiB


@dataclass(frozen=True)
class Inverted:
    """How to search: the recall to reach, how many cells (None: by the number of vectors), how many a source row looks
    into (None: as many as held-back queries need), the seed of the clustering, and what is multiplied: `bytes`,
    `floats` or, by `auto`, bytes where the processor has an instruction for them."""

    recall: float = 0.99
    cells: int | None = None
    probes: int | None = None
    seed: int = 0
    code: str = "auto"


@dataclass(frozen=True)
class Joined:
    """Keys of the neighbours found, sources' (n, k) and targets' (m, k'), and how."""

    forward: torch.Tensor
    backward: torch.Tensor
    how: str


def cell_count(n: int, m: int) -> int:
    """About twice the root of the mean size: finding the cells and looking into them then cost about the same."""
    return max(1, min(int(2 * ((n + m) / 2) ** 0.5), (n + m) // SAMPLE, n, m))


def search_cells(
    source: Side,
    target: Side,
    k: int,
    settings: Inverted,
    truths: tuple[Truth, Truth],
    progress: Progress | None = None,
    kept: Snapshot | None = None,
) -> Joined | None:
    """The approximate k nearest neighbours of both sides; None where the exact search would be no slower.

    A row whose cells hold fewer than k vectors is searched for among all."""
    n, m = len(source.vectors), len(target.vectors)
    sides = rough_sides(source, target, settings.code)
    cells = train(*sides, settings.cells or cell_count(n, m), settings.seed)
    home = cells.nearest(sides[1], 1)[:, 0]
    needed = min(settings.probes or needed_probes(cells, sides, home, truths, settings.recall), len(cells))
    layout = _Layout(cells, home, needed, _WORTH if settings.probes is None else 1.0)
    joined = None if needed > layout.most * len(cells) else _joined(sides, layout, k + _MORE, progress, kept)
    if joined is None:
        return None
    best, pairs = joined
    forward = rescored(source.vectors, target.vectors, best.forward, min(k, m))
    backward = rescored(target.vectors, source.vectors, best.backward, min(k, n))
    # To fill, another side of codes may be made.
    del sides, joined, best
    report = None if progress is None else functools.partial(_all_but_filled, progress, n)
    _fill(source, target, forward, report)
    _fill(target, source, backward, report)
    return Joined(forward, backward, f"{len(cells)} cells, {needed} probed, {pairs / (n * m):.2%} of all pairs")


@dataclass(frozen=True)
class _Layout:
    """The cells, the cell of each target row (m,), how many cells a source row looks into, and the share of all pairs
    above which that is given up."""

    cells: Cells
    home: torch.Tensor
    probes: int
    most: float

    def plan(self, source: Rough, first: int) -> Plan:
        """Of as many source rows as memory allows."""
        # Whole tiles: a row's products, and with them its cells, are then the same in pieces of any size.
        rows = slice(first, first + max(_TILE, PROBED // self.probes // _TILE * _TILE))
        part = Rough(source.values[rows], source.offset[rows])
        return planned(self.cells.nearest(part, self.probes), self.home, len(self.cells), first)


@dataclass(frozen=True)
class _Place:
    """Where a search stands in a plan: steps done, pairs compared in them, and in the plans before."""

    step: int = 0
    pairs: int = 0
    earlier: int = 0


def _joined(
    sides: tuple[Rough, Rough],
    layout: _Layout,
    count: int,
    progress: Progress | None,
    snapshot: Snapshot | None,
) -> tuple[Kept, int] | None:
    """The `count` best candidates of each row, from where the snapshot stands, and how many pairs were compared; None
    where those of the first rows are too many."""
    n, m, device = len(sides[0]), len(sides[1]), layout.home.device
    kept = Kept(ranking.empty(n, min(count, m), device), ranking.empty(m, min(count, n), device))
    state = snapshot.load() if snapshot else None
    plan, at = None, _Place()
    if state is not None:
        first, *place = state["at"].tolist()
        plan = layout.plan(sides[0], first)
        # Steps count cells: those of another clustering, on another machine, stand for nothing here.
        if not np.array_equal(state["plan"], _mark(plan)):
            plan = None
        else:
            at = _Place(*place)
            kept.forward.copy_(torch.from_numpy(state["forward"]))
            kept.backward.copy_(torch.from_numpy(state["backward"]))
    if plan is None:
        plan = layout.plan(sides[0], 0)
        if plan.pairs > layout.most * len(plan.probes) * m:
            return None
    while True:
        _planned_rows(sides, plan, kept, at, (progress, snapshot))
        at, first = _Place(earlier=at.earlier + plan.pairs), plan.first + len(plan.probes)
        if first == n:
            return kept, at.earlier
        del plan
        plan = layout.plan(sides[0], first)


def _planned_rows(
    sides: tuple[Rough, Rough],
    plan: Plan,
    kept: Kept,
    at: _Place,
    notes: tuple[Progress | None, Snapshot | None],
) -> None:
    """Join the rows of the plan from where the search stands, and note how far it has come."""
    progress, snapshot = notes
    mark, rows, n = _mark(plan), len(plan.probes), len(sides[0])
    last = plan.first + rows == n

    def done(steps: int, pairs: int) -> None:
        pairs += at.pairs
        if snapshot and (snapshot.due() or (last and pairs == plan.pairs)):
            place = {"plan": mark, "at": np.array([plan.first, steps, pairs, at.earlier])}
            snapshot.save(place | {"forward": kept.forward.cpu().numpy(), "backward": kept.backward.cpu().numpy()})
        if progress is not None:
            progress(plan.first + rows * pairs // max(1, plan.pairs), n)

    join(sides, plan, kept, at.step, done)


def _mark(plan: Plan) -> NDArray[np.int64]:
    """A hash of the plan (2,)."""
    digest = hashlib.blake2b(digest_size=16)
    for cells in (plan.probes, plan.home):
        digest.update(cells.cpu().contiguous().numpy().data)
    return np.frombuffer(digest.digest(), np.int64)


def _fill(queries: Side, vectors: Side, best: torch.Tensor, progress: Progress | None) -> None:
    """Search exactly, in place, for the rows that have fewer neighbours than there are places, some at a time."""
    short = (best[:, -1] == ranking.EMPTY).nonzero().flatten()
    for start in range(0, len(short), _FILLED):
        rows = short[start : start + _FILLED]
        few = survey(queries.vectors[rows])
        # For few rows, codes of the whole other side would cost more than their products.
        screen = "auto" if len(rows) > _FEW else "float"
        best[rows] = search_exact((few, vectors), best.shape[1], (_TILE, len(vectors.vectors)), screen, progress)[0]


def _all_but_filled(progress: Progress, rows: int, done: int, total: int) -> None:
    progress(rows, rows)

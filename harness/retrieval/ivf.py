"""The engine "ivf": cells are made, held-back queries choose how many of them a query looks into, both sides are joined
cell by cell, candidates are scored again in float32, and other held-back queries measure the recall reached."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from harness.retrieval import ranking
from harness.retrieval.cell_join import Kept, Plan, join, planned, rescored
from harness.retrieval.cells import SAMPLE, train
from harness.retrieval.exact import search_exact
from harness.retrieval.held_back import Truth, needed_probes
from harness.retrieval.rough import Rough, rough_sides
from harness.retrieval.screen import Side, survey
from harness.retrieval.snapshot import Snapshot

_MORE = 4  # candidates kept beyond k, for what the rough similarities put in the wrong order
_WORTH = 0.4  # the share of all pairs above which the exact search is no slower
_TILE = 2048
_FEW = 256


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
    progress: Callable[[int, int], None] | None = None,
    kept: Snapshot | None = None,
) -> Joined | None:
    """The approximate k nearest neighbours of both sides; None where the exact search would be no slower.

    A row whose cells hold fewer than k vectors is searched for among all."""
    n, m = len(source.vectors), len(target.vectors)
    sides = rough_sides(source, target, settings.code)
    cells = train(*sides, settings.cells or cell_count(n, m), settings.seed)
    home = cells.nearest(sides[1], 1)[:, 0]
    needed = settings.probes or needed_probes(cells, sides, home, truths, settings.recall)
    probes = cells.nearest(sides[0], min(needed, len(cells)))
    plan = planned(probes, home, len(cells))
    share = plan.pairs / (n * m)
    if settings.probes is None and share > _WORTH:
        return None
    best = _joined(sides, plan, k + _MORE, progress, kept)
    forward = rescored(source.vectors, target.vectors, best.forward, min(k, m))
    backward = rescored(target.vectors, source.vectors, best.backward, min(k, n))
    _fill(source, target, forward)
    _fill(target, source, backward)
    return Joined(forward, backward, f"{len(cells)} cells, {probes.shape[1]} probed, {share:.2%} of all pairs")


def _joined(
    sides: tuple[Rough, Rough],
    plan: Plan,
    count: int,
    progress: Callable[[int, int], None] | None,
    snapshot: Snapshot | None,
) -> Kept:
    """The `count` best candidates of each row, from where the snapshot stands."""
    n, m, device = len(sides[0]), len(sides[1]), plan.home.device
    kept = Kept(ranking.empty(n, min(count, m), device), ranking.empty(m, min(count, n), device))
    state, mark = snapshot.load() if snapshot else None, _mark(plan)
    step, before = 0, 0
    # Steps count cells: those of another clustering, on another machine, stand for nothing here.
    if state is not None and np.array_equal(state["plan"], mark):
        step, before = state["at"].tolist()
        kept.forward.copy_(torch.from_numpy(state["forward"]))
        kept.backward.copy_(torch.from_numpy(state["backward"]))

    def done(steps: int, pairs: int) -> None:
        if snapshot and (snapshot.due() or before + pairs == plan.pairs):
            at = {"plan": mark, "at": np.array([steps, before + pairs])}
            snapshot.save(at | {"forward": kept.forward.cpu().numpy(), "backward": kept.backward.cpu().numpy()})
        if progress is not None:
            progress(n * (before + pairs) // plan.pairs, n)

    join(sides, plan, kept, step, done)
    return kept


def _mark(plan: Plan) -> NDArray[np.int64]:
    """A hash of the plan (2,)."""
    digest = hashlib.blake2b(digest_size=16)
    for cells in (plan.probes, plan.home):
        digest.update(cells.cpu().contiguous().numpy().data)
    return np.frombuffer(digest.digest(), np.int64)


def _fill(queries: Side, vectors: Side, best: torch.Tensor) -> None:
    """Search exactly, in place, for the rows that have fewer neighbours than there are places."""
    short = (best[:, -1] == ranking.EMPTY).nonzero().flatten()
    if len(short):
        few = survey(queries.vectors[short])
        # For few rows, codes of the whole other side would cost more than their products.
        screen = "auto" if len(short) > _FEW else "float"
        best[short] = search_exact((few, vectors), best.shape[1], (_TILE, len(vectors.vectors)), screen)[0]

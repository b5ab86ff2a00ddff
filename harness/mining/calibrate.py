"""How fast this machine goes: rates from a few seconds of the real code on made-up vectors."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from harness.retrieval import ranking
from harness.retrieval.cell_join import Kept, join, planned
from harness.retrieval.neighbours import Search, search_both
from harness.retrieval.rough import rough_sides
from harness.retrieval.screen import survey

_ROWS = 8192
_TOPICS = 32
_CELLS = 32


@dataclass(frozen=True)
class Rates:
    """Per second: multiplications of all pairs by the exact search and by the join of cells, each with all that comes
    along, and vectors that are made into codes."""

    exact: float
    joined: float
    coded: float


def calibrate(width: int, k: int, device: str = "cpu") -> Rates:
    """Rates for vectors of this width, on this device, with the threads that torch uses now."""
    source, target = made_up(_ROWS, width, 0), made_up(_ROWS, width, 1)
    settings = Search(device)
    search_both(source[:1024], target[:1024], k, settings=settings)
    exact = _seconds(lambda: search_both(source, target, k, settings=settings))
    sides = tuple(survey(torch.from_numpy(side).to(device)) for side in (source, target))
    coded = _seconds(lambda: rough_sides(sides[0], sides[1]))
    rough = rough_sides(sides[0], sides[1])
    place = torch.arange(_ROWS, device=rough[0].values.device)
    plan = planned(torch.stack([place % _CELLS, (place + 1) % _CELLS], 1).int(), (place % _CELLS).int(), _CELLS)

    def cells() -> None:
        kept = Kept(ranking.empty(_ROWS, k + 4, place.device), ranking.empty(_ROWS, k + 4, place.device))
        join(rough, plan, kept)

    joined = _seconds(cells)
    return Rates(_ROWS * _ROWS * width / exact, plan.pairs * width / joined, 2 * _ROWS / coded)


def made_up(rows: int, width: int, seed: int) -> NDArray[np.float32]:
    """Unit vectors (rows, width) of a few topics, the same topics for every seed."""
    topics = np.random.default_rng(0).standard_normal((_TOPICS, width), dtype=np.float32)
    random = np.random.default_rng(seed + 1)
    vectors = topics[random.integers(_TOPICS, size=rows)] + random.standard_normal((rows, width), dtype=np.float32)
    unit: NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def _seconds(run: Callable[[], object]) -> float:
    """The faster of two runs."""
    times = []
    for _ in range(2):
        start = time.perf_counter()
        run()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return min(times)

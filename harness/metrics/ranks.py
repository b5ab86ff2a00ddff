"""Which ranks does each row's uncertainty leave open? Simultaneous confidence sets for ranks (Mogstad et al. 2024).

All pairs are compared at once with one critical value, so that with 95% confidence every set holds its row's true rank.
Rows are taken as independent, which makes sets too wide (never too narrow) where they answered the same items."""

from collections.abc import Sequence

import numpy as np

from harness.metrics.score import Array

DRAWS = 1000
SEED = 20200528
LEVEL = 0.05
CHUNK_CELLS = 2_000_000


def rank_sets(values: Sequence[float], errors: Sequence[float]) -> list[tuple[int, int]]:
    """(best, worst) rank of each row that cannot be excluded at 95% for all rows together; rank 1 has the largest
    value. `errors` are standard errors; a row of error 0 is known exactly."""
    own, spread = np.asarray(values, np.float64), np.asarray(errors, np.float64)
    count = len(own)
    if count < 2:
        return [(1, 1)] * count
    pairs = np.sqrt(spread[:, None] ** 2 + spread[None, :] ** 2)
    critical = _critical(spread, pairs)
    better = own[None, :] - own[:, None] > critical * pairs
    above, below = better.sum(axis=1), better.sum(axis=0)
    return [(1 + int(up), count - int(down)) for up, down in zip(above, below, strict=True)]


def _critical(spread: Array, pairs: Array) -> float:
    """The 95% quantile of the largest of all studentised differences, by simulation."""
    generator = np.random.default_rng(SEED)
    scale = np.where(pairs > 0, pairs, np.inf)
    rows = max(1, CHUNK_CELLS // len(spread) ** 2)
    largest = []
    for start in range(0, DRAWS, rows):
        drawn = generator.normal(size=(min(rows, DRAWS - start), len(spread))) * spread
        largest.append(np.abs((drawn[:, :, None] - drawn[:, None, :]) / scale).max(axis=(1, 2)))
    return float(np.quantile(np.concatenate(largest), 1 - LEVEL))

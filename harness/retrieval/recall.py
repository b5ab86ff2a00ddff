"""How much of the truth an approximate search found, with its interval (Wilson 1927)."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_Z = 1.959964  # 95%


@dataclass(frozen=True)
class Recall:
    """The share of held-back queries' true neighbours that were found, its 95% interval, and how many queries.

    Queries, not neighbours, are the trials: those of one query are found or missed together."""

    value: float
    low: float
    high: float
    queries: int

    def __str__(self) -> str:
        return f"{self.value:.4f} ({self.low:.4f}-{self.high:.4f}, {self.queries} queries)"


def recall_of(shares: NDArray[np.float64]) -> Recall:
    """From the share of true neighbours found of each query (q,)."""
    value, low, high = wilson(float(shares.mean()), len(shares))
    return Recall(value, low, high, len(shares))


def wilson(share: float, trials: int) -> tuple[float, float, float]:
    """The share and its 95% interval."""
    weight = _Z**2 / trials
    middle = (share + weight / 2) / (1 + weight)
    half = _Z / (1 + weight) * math.sqrt(share * (1 - share) / trials + weight / (4 * trials))
    return share, max(0.0, middle - half), min(1.0, middle + half)


def shares_found(found: NDArray[np.float32], truth: NDArray[np.float32]) -> NDArray[np.float64]:
    """The share (q,) of true similarities reached by those found, both (q, k), best first. What is as near as the last
    true one counts as true: which of several equal vectors is found says nothing about the index."""
    return np.asarray((found >= truth[:, -1:] - 1e-5).mean(axis=1))

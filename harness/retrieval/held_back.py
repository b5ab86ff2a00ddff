"""Queries whose true neighbours are found exactly, on which an approximate search is tuned and then judged.

Half of them choose how many cells a query looks into; the recall that is reported is of the other half."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from harness.retrieval.cells import Cells
from harness.retrieval.rough import Rough

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Truth:
    """Rows (q,) of one side and their k true neighbours among the other, similarity and index (q, k)."""

    rows: NDArray[np.int64]
    similarity: NDArray[np.float32]
    index: NDArray[np.int64]

    def half(self, which: int) -> "Truth":
        """Every second query: 0 to tune on, 1 to judge by."""
        return Truth(self.rows[which::2], self.similarity[which::2], self.index[which::2])


def sampled(size: int, count: int, seed: int) -> NDArray[np.int64]:
    """At most `count` rows out of `size`, ascending."""
    return np.sort(np.random.default_rng(seed).choice(size, min(count, size), replace=False))


def needed_probes(
    cells: Cells, sides: tuple[Rough, Rough], home: torch.Tensor, truths: tuple[Truth, Truth], recall: float
) -> int:
    """The fewest cells per source row with which both directions' tuning queries reach the recall, by a standard error
    more than asked for, so that the other half is likely to reach it too. `home` (m,) is each target row's cell."""
    source, _ = sides
    forward, backward = (truth.half(0) for truth in truths)
    k, k_back = forward.index.shape[1], backward.index.shape[1]
    device = home.device
    rows = torch.from_numpy(forward.rows).to(device).repeat_interleave(k)
    ahead = cells.ranks(source.rows(rows), home[torch.from_numpy(forward.index).to(device).flatten()]).view(-1, k)
    rows = torch.from_numpy(backward.index).to(device).flatten()
    back = cells.ranks(
        source.rows(rows), home[torch.from_numpy(backward.rows).to(device)].repeat_interleave(k_back)
    ).view(-1, k_back)
    return max(_needed(ranks.cpu().numpy(), recall) for ranks in (ahead, back))


def _needed(ranks: NDArray[np.int64], recall: float) -> int:
    """The fewest probes for ranks (q, k) of the cells that hold the true neighbours."""
    for probes in np.unique(ranks) + 1:
        shares = (ranks < probes).mean(axis=1)
        if shares.mean() - shares.std() / len(shares) ** 0.5 >= recall:
            return int(probes)
    return int(ranks.max()) + 1

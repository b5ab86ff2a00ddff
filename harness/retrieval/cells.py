"""Cells of like vectors: k-means (Lloyd) on the rough codes of a sample, and which cells are nearest to each vector.

An inverted file, as in Sivic & Zisserman (2003) and FAISS (arXiv 2401.08281): a query looks only into the nearest
cells."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from harness.retrieval.rough import Rough, multiply, tile_type

_CHUNK = 2048
ROUNDS = 8
SAMPLE = 48  # training vectors per cell


@dataclass(frozen=True)
class Cells:
    """Centroids; the greatest product is the least Euclidean distance: x·c - |c|²/2."""

    centroids: Rough

    def __len__(self) -> int:
        return len(self.centroids)

    def scores(self, side: Rough) -> Iterator[tuple[slice, torch.Tensor]]:
        """(rows, their nearness to all cells (r, cells)), chunk by chunk, in one buffer that is used again."""
        buffer = torch.empty(_CHUNK, len(self), dtype=tile_type(side), device=side.values.device)
        for start in range(0, len(side), _CHUNK):
            rows = slice(start, min(start + _CHUNK, len(side)))
            out = buffer[: rows.stop - start]
            multiply(side.values[rows], self.centroids.values, out)
            yield rows, out.add_(self.centroids.offset)

    def nearest(self, side: Rough, count: int) -> torch.Tensor:
        """The nearest cells (n, count) of each vector, int32, nearest first."""
        found = torch.empty(len(side), count, dtype=torch.int32, device=side.values.device)
        for rows, scores in self.scores(side):
            found[rows] = (scores.argmax(1)[:, None] if count == 1 else scores.topk(count, dim=1).indices).int()
        return found

    def ranks(self, side: Rough, cell: torch.Tensor) -> torch.Tensor:
        """How many cells are nearer to each vector than the given one: cell (n,) to (n,)."""
        ranks = torch.empty(len(side), dtype=torch.int64, device=side.values.device)
        for rows, scores in self.scores(side):
            ranks[rows] = (scores > scores.gather(1, cell[rows].long()[:, None])).sum(1)
        return ranks


def train(source: Rough, target: Rough, count: int, seed: int) -> Cells:
    """`count` cells of both sides' vectors, from an even random sample of both."""
    generator = torch.Generator().manual_seed(seed)
    parts = []
    for side in (source, target):
        size = min(len(side), -(-SAMPLE * count // 2))
        rows = torch.randperm(len(side), generator=generator)[:size].sort().values
        parts.append(side.rows(rows.to(side.values.device)))
    sample = Rough(torch.cat([part.values for part in parts]), torch.cat([part.offset for part in parts]))
    first = torch.randperm(len(sample), generator=generator)[:count].to(sample.values.device)
    means = sample.values[first].float()
    for _ in range(ROUNDS):
        means = _moved(sample, _cells(means, sample), means, generator)
    return _cells(means, sample)


def _cells(means: torch.Tensor, like: Rough) -> Cells:
    """Means (c, width) as codes of the sample's type; bytes are scaled to use their whole range."""
    half = means.square().sum(1) / 2
    if like.values.dtype != torch.int8:
        return Cells(Rough(means.to(like.values.dtype), -half))
    scale = 127 / max(1.0, float(means.abs().max()))
    return Cells(Rough((means * scale).round_().to(torch.int8), (half * -scale).round_().int()))


def _moved(sample: Rough, cells: Cells, means: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """The mean of each cell's sample vectors; an empty cell starts again at a random one."""
    near = cells.nearest(sample, 1)[:, 0].long()
    sums, counts = torch.zeros_like(means), near.bincount(minlength=len(means))
    for start in range(0, len(sample), _CHUNK):
        rows = slice(start, start + _CHUNK)
        sums.index_add_(0, near[rows], sample.values[rows].float())
    moved = sums / counts.clamp(min=1)[:, None]
    empty = (counts == 0).nonzero().flatten()
    again = torch.randint(len(sample), (len(empty),), generator=generator).to(near.device)
    moved[empty] = sample.values[again].float()
    return moved

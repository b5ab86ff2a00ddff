"""The exact search: one pass over tiles of similarities that serves both directions.

Once the first tiles have set the k-th best similarity of each row and column, next to no pair of a later tile reaches
either. What a tile costs beside its product is one subtraction of these floors and the maxima of small groups of pairs,
a few hundredths of the product; only groups whose maximum is not negative are looked into."""

import functools
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from harness.retrieval import ranking
from harness.retrieval.screen import Block, Screen

_LANES = 128  # groups that are compared side by side: a stretch of the tile holds this many, of `_MEMBERS` pairs each
_MEMBERS = 16
_STRETCH = _LANES * _MEMBERS
_HITS = 2**14  # groups looked into at once: bounds the memory where everything ties
_GATHER = 2**14


@dataclass(frozen=True)
class Tile:
    """The product of a block with some target rows, the first of which is number `left`; the block's is number `top`.

    `values` and `floors` are flat buffers, of which the first rows * columns places are the tile and more follow, up to
    the end of a stretch."""

    block: Block
    others: torch.Tensor
    top: int
    left: int
    values: torch.Tensor
    floors: torch.Tensor

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.block.vectors), len(self.others)

    def matrix(self, flat: torch.Tensor) -> torch.Tensor:
        """The tile (rows, columns) that lies in a flat buffer."""
        rows, columns = self.shape
        return flat[: rows * columns].view(rows, columns)


def sweep(
    screen: Screen, size: int, start: int, best: tuple[torch.Tensor, torch.Tensor], first: int = 0
) -> Iterator[int]:
    """Go through the blocks of `size` source rows from row `start` on, yielding how far it has come after each.

    `best` holds the keys of both sides' neighbours so far, (n, k) and (m, k'), and is updated in place; `first` is what
    the target rows' numbers begin with."""
    forward, backward = best
    source, target = screen.source.vectors, screen.target.vectors
    values, floors = torch.empty(2, buffer_length(size), dtype=screen.dtype, device=backward.device)
    for top in range(start, len(source), size):
        bottom = min(top + size, len(source))
        block = screen.block(top, bottom)
        for left in range(0, len(target), size):
            tile = Tile(block, target[left : left + size], top, first + left, values, floors)
            screen.product(block, left, left + len(tile.others), tile.matrix(values))
            _update(screen, tile, forward[top:bottom], backward[left : left + len(tile.others)])
        yield bottom


def _update(screen: Screen, tile: Tile, forward: torch.Tensor, backward: torch.Tensor) -> None:
    """Bring both directions' best keys up to date with a tile."""
    rows, columns = tile.shape
    values = tile.matrix(tile.values)
    source, target = tile.block.vectors, tile.others
    across = _floors(screen, values, forward, (source, target))
    down = _floors(screen, values.T, backward, (target, source))
    torch.minimum(across[:, None], down[None, :], out=tile.matrix(tile.floors))
    values.sub_(tile.matrix(tile.floors))
    for place in not_negative(tile.values, rows, columns):
        _merge(tile, place, forward, backward)


def not_negative(flat: torch.Tensor, rows: int, columns: int) -> Iterator[torch.Tensor]:
    """The places (p,), sorted by row, of a tile that are not negative; all of a row's or many rows' at a time.

    The tile is the first rows * columns places of `flat`, which goes on to the end of a stretch and is written to."""
    stretches = -(-rows * columns // _STRETCH)
    flat = flat[: stretches * _STRETCH]
    flat[rows * columns :] = -1
    groups = flat.view(stretches, _MEMBERS, _LANES)
    members = torch.arange(_MEMBERS, device=flat.device) * _LANES
    found = (groups.amax(1) >= 0).view(-1).nonzero().view(-1)
    for hits in torch.split(found, _HITS):
        stretch = hits.div(_LANES, rounding_mode="floor")
        lane = hits - stretch * _LANES
        first = stretch * _STRETCH + lane
        hit, member = (groups[stretch, :, lane] >= 0).nonzero(as_tuple=True)
        place = first[hit] + members[member]
        yield place.sort().values if columns % _STRETCH else place


def buffer_length(size: int) -> int:
    """How long the buffer of a tile of size x size must be."""
    return -(-size * size // _STRETCH) * _STRETCH


def _merge(tile: Tile, place: torch.Tensor, forward: torch.Tensor, backward: torch.Tensor) -> None:
    """Score the pairs at these places, which are sorted by row, and put them into both directions' keys."""
    columns = tile.shape[1]
    item = place.div(columns, rounding_mode="floor")
    other = place - item * columns
    scores = exact_scores(tile.block.vectors, tile.others, item, other)
    keys = ranking.pack(scores, other + tile.left)
    better = keys > forward[item, -1]
    ranking.merge(forward, item[better], keys[better])
    keys = ranking.pack(scores, item + tile.top)
    better = keys > backward[other, -1]
    other, order = other[better].sort()
    ranking.merge(backward, other, keys[better][order])


def _floors(
    screen: Screen, values: torch.Tensor, best: torch.Tensor, sides: tuple[torch.Tensor, torch.Tensor]
) -> torch.Tensor:
    """The tile value that a pair must reach to count for its row (r,) of `values` (r, c).

    `best` (r, k) holds the rows' keys so far; the similarities are those of sides[0] (r, d) with sides[1] (c, d)."""
    worst, k = ranking.similarities(best[:, -1]), best.shape[1]
    if k <= min(_LANES, values.shape[1]) and bool((best[:, -1] == ranking.EMPTY).any()):
        worst = torch.maximum(worst, _first_guess(values, k, sides))
    floors = (worst.double() - screen.shift) / screen.unit
    if values.dtype.is_floating_point:
        return floors.clamp_(min=torch.finfo(torch.float32).min / 4).float()
    return floors.floor_().clamp_(min=-(2.0**30)).int()


def _first_guess(values: torch.Tensor, k: int, sides: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """The least similarity (r,) of k good neighbours of each row: the best of each of its k best groups of columns."""
    lanes = min(_LANES, values.shape[1])
    groups = torch.unflatten(values[:, : values.shape[1] // lanes * lanes], 1, (-1, lanes))
    # The result must lie in memory as the tile does, or the reduction runs across it: twenty times slower.
    maxima = torch.amax(groups, 1, out=torch.empty_like(groups[:, 0]))
    lane = maxima.topk(k, dim=1).indices
    item = torch.arange(len(values), device=values.device)[:, None].expand(-1, k)
    other = groups[item, :, lane].argmax(-1) * lanes + lane
    return exact_scores(*sides, item.flatten(), other.flatten()).view(-1, k).amin(1)


def exact_scores(items: torch.Tensor, others: torch.Tensor, item: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Inner products (p,) of pairs sorted by item. Equal vectors score equally wherever they stand."""
    if items.is_cuda:
        pieces = zip(torch.split(item, _GATHER), torch.split(other, _GATHER), strict=True)
        return torch.cat([(items[i] * others[o]).sum(1) for i, o in pieces])
    _quieten_sparse()
    first = torch.zeros(len(items) + 1, dtype=torch.int64)
    torch.cumsum(item.bincount(minlength=len(items)), 0, out=first[1:])
    size = (len(items), len(others))
    pairs = torch.sparse_csr_tensor(first, other, torch.zeros(len(item)), size=size, check_invariants=False)
    scored: torch.Tensor = torch.sparse.sampled_addmm(pairs, items, others.T, beta=0.0)
    return scored.values()


@functools.cache
def _quieten_sparse() -> None:
    """Torch warns once per process that its sparse rows are in beta; nothing of them leaves `_scores`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.sparse_csr_tensor([0, 0], [], [], size=(1, 1))

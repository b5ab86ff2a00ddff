"""The approximate search: source rows meet the target rows of the cells nearest to them, in both directions at once.

Queries that look into one cell are multiplied with all of the cell in one product, bytes where the processor has them;
FAISS scans a cell for each query alone. A first pass joins every row with its own cell, so that the later ones find
good floors. What is kept is scored again in float32."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from harness.retrieval import ranking
from harness.retrieval.rough import Rough, product, tile_type
from harness.retrieval.sweep import buffer_length, exact_scores, not_negative

_TILE = 2048
_LANES = 128
_VISITS = 2**22  # visits of a cell by a query that are sorted at once: bounds the memory
_RESCORE = 2048


@dataclass(frozen=True)
class Kept:
    """Keys of the candidates so far: sources' (n, kept) and targets' (m, kept')."""

    forward: torch.Tensor
    backward: torch.Tensor


@dataclass(frozen=True)
class Visits:
    """The source rows (v,) that look into each cell, cell after cell; those of cell c end at ends[c]."""

    rows: torch.Tensor
    ends: list[int]

    def of(self, cell: int) -> torch.Tensor:
        return self.rows[self.ends[cell - 1] if cell else 0 : self.ends[cell]]


@dataclass(frozen=True)
class Plan:
    """The cells that source rows from the `first` one on look into, `probes` (r, p), nearest first; the cell of each
    target row, `home` (m,); how many cells there are, and how many pairs that makes."""

    probes: torch.Tensor
    home: torch.Tensor
    cells: int
    pairs: int
    first: int = 0


def planned(probes: torch.Tensor, home: torch.Tensor, cells: int, first: int = 0) -> Plan:
    """The plan for these probes."""
    sizes = home.bincount(minlength=cells)
    looked = torch.zeros(cells, dtype=torch.int64, device=home.device)
    for column in probes.T:
        looked += column.bincount(minlength=cells)
    return Plan(probes, home, cells, int((sizes * looked).sum()), first)


def join(
    sides: tuple[Rough, Rough], plan: Plan, kept: Kept, start: int = 0, done: Callable[[int, int], None] | None = None
) -> None:
    """Put the best pairs of source rows and the cells they look into into `kept`. `done` hears how many steps, a pass
    over a cell each, are done, and how many pairs this call has compared; `start` is where an earlier one ended."""
    source, target = sides
    members = _visits(plan.home[:, None], plan.cells)
    buffers = torch.empty(2, buffer_length(_TILE), dtype=tile_type(source), device=source.values.device)
    pairs = 0
    for number, columns in enumerate(_passes(*plan.probes.shape)):
        if start >= (number + 1) * plan.cells:
            continue
        visits = _visits(plan.probes[:, columns], plan.cells)
        for cell in range(max(0, start - number * plan.cells), plan.cells):
            rows, others = visits.of(cell) + plan.first, members.of(cell)
            if len(rows) and len(others):
                _cell((source, target), (rows, others), kept, buffers)
                pairs += len(rows) * len(others)
            if done is not None:
                done(number * plan.cells + cell + 1, pairs)


def _passes(rows: int, probes: int) -> Iterator[slice]:
    """Columns of the probes that are worked on together: the nearest cell alone, then as many as memory allows."""
    yield slice(0, 1)
    step = max(1, _VISITS // rows)
    for start in range(1, probes, step):
        yield slice(start, min(start + step, probes))


def _visits(cells: torch.Tensor, count: int) -> Visits:
    """Cells (n, p) that each row looks into, turned round."""
    flat = cells.reshape(-1)
    order = torch.sort(flat, stable=True).indices
    return Visits(order.div_(cells.shape[1], rounding_mode="floor"), flat.bincount(minlength=count).cumsum(0).tolist())


def _cell(
    sides: tuple[Rough, Rough], places: tuple[torch.Tensor, torch.Tensor], kept: Kept, buffers: torch.Tensor
) -> None:
    source, target = sides
    for others in torch.split(places[1], _TILE):
        columns = target.rows(others)
        backward = kept.backward[others]
        for items in torch.split(places[0], _TILE):
            rows = source.rows(items)
            forward = kept.forward[items]
            size = len(items) * len(others)
            values = buffers[0, :size].view(len(items), len(others))
            product(rows, columns, values)
            _update(buffers, (items, others), forward, backward)
            kept.forward[items] = forward
        kept.backward[others] = backward


def _update(
    buffers: torch.Tensor, places: tuple[torch.Tensor, torch.Tensor], forward: torch.Tensor, backward: torch.Tensor
) -> None:
    """Bring the best keys of a tile's rows and columns up to date with it."""
    items, others = places
    rows, columns = len(items), len(others)
    values, floors = (buffer[: rows * columns].view(rows, columns) for buffer in buffers)
    across, down = _floors(values, forward), _floors(values.T, backward)
    torch.minimum(across[:, None], down[None, :], out=floors)
    torch.sub(values, floors, out=floors)
    for place in not_negative(buffers[1], rows, columns):
        row = place.div(columns, rounding_mode="floor")
        column = place - row * columns
        scores = buffers[0][place].float()
        keys = ranking.pack(scores, others[column])
        better = keys > forward[row, -1]
        ranking.merge(forward, row[better], keys[better])
        keys = ranking.pack(scores, items[row])
        better = keys > backward[column, -1]
        column, order = column[better].sort()
        ranking.merge(backward, column, keys[better][order])


def _floors(values: torch.Tensor, best: torch.Tensor) -> torch.Tensor:
    """The tile value (r,) that a pair must reach to be among its row's best (r, kept)."""
    worst, kept = ranking.similarities(best[:, -1]), best.shape[1]
    lanes = min(_LANES, values.shape[1])
    if kept <= lanes and bool((best[:, -1] == ranking.EMPTY).any()):
        groups = torch.unflatten(values[:, : values.shape[1] // lanes * lanes], 1, (-1, lanes))
        maxima = torch.amax(groups, 1, out=torch.empty_like(groups[:, 0]))
        worst = torch.maximum(worst, maxima.topk(kept, dim=1).values[:, -1].float())
    if values.dtype.is_floating_point:
        return worst.clamp_(min=torch.finfo(torch.float32).min / 4)
    # Keys hold 24 bits of a value; what rounds up to the floor must not fall below it.
    return (worst - worst.abs() * 2.0**-23).floor_().clamp_(min=-(2.0**30)).int()


def rescored(queries: torch.Tensor, vectors: torch.Tensor, kept: torch.Tensor, k: int) -> torch.Tensor:
    """The k best keys (n, k) by the exact similarity among each query's candidates `kept` (n, c)."""
    best = ranking.empty(len(queries), k, kept.device)
    for start in range(0, len(queries), _RESCORE):
        part = kept[start : start + _RESCORE]
        full = part != ranking.EMPTY
        item, at = full.nonzero(as_tuple=True)
        other = ranking.indices(part)[item, at]
        scores = exact_scores(queries[start : start + _RESCORE], vectors, item, other)
        keys = torch.full_like(part, ranking.EMPTY)
        keys[item, at] = ranking.pack(scores, other)
        best[start : start + _RESCORE] = keys.topk(k, dim=1).values
    return best

"""Rows of different lengths in one flat array: how all token arrays of this package are kept and moved."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Ragged:
    """Row i is `values[bounds[i]:bounds[i + 1]]`; `values` (total, ...), `bounds` (rows + 1,)."""

    values: Array
    bounds: Integers

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @property
    def lengths(self) -> Integers:
        """(rows,)."""
        return np.diff(self.bounds)


def bounds_of(lengths: Iterable[int] | Integers) -> Integers:
    """Lengths (rows,) -> bounds (rows + 1,)."""
    counts = np.asarray(lengths if isinstance(lengths, np.ndarray) else list(lengths), np.int64)
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])


def from_lists(lists: Sequence[Sequence[int]]) -> Ragged:
    """Lists of integers as int32 rows."""
    bounds = bounds_of(map(len, lists))
    return Ragged(np.fromiter(chain.from_iterable(lists), np.int32, int(bounds[-1])), bounds)


def spread(starts: Integers, lengths: Integers) -> Integers:
    """The indices of the ranges `starts[i] .. starts[i] + lengths[i]`, one after the other."""
    bounds = bounds_of(lengths)
    return np.arange(bounds[-1]) + np.repeat(starts - bounds[:-1], lengths)


def take(source: Ragged, rows: Integers) -> Ragged:
    """These rows, in this order; a row may be asked for more than once."""
    lengths = source.lengths[rows]
    return Ragged(source.values[spread(source.bounds[:-1][rows], lengths)], bounds_of(lengths))


def padded(values: Array, starts: Integers, lengths: Integers, fill: float) -> Array:
    """(rows, longest, ...): row i is `values[starts[i]:starts[i] + lengths[i]]`, then `fill`."""
    width = int(lengths.max(initial=0))
    if (lengths == width).all():
        found: Array = values[starts[:, None] + np.arange(width)]
        return found
    out = np.full((len(lengths), width, *values.shape[1:]), fill, values.dtype)
    out[np.arange(width) < lengths[:, None]] = values[spread(starts, lengths)]
    return out

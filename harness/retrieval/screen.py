"""Which pairs of a tile can still matter: a cheap product that bounds every similarity from above.

Whatever the bound keeps is scored afresh, so that the search is exact whichever screen is used."""

import warnings
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

_CHUNK = 2048


@dataclass(frozen=True)
class Side:
    """The vectors (n, d) of one side on their device, their Euclidean lengths (n,) and their mean (d,)."""

    vectors: torch.Tensor
    lengths: torch.Tensor
    mean: torch.Tensor


@dataclass(frozen=True)
class Block:
    """Consecutive source rows: the `vectors` (r, d) as they came, the `codes` (r, d') that are multiplied, and what the
    screen adds to the products of a row, `offset` (r, 1) or (1,)."""

    vectors: torch.Tensor
    codes: torch.Tensor
    offset: torch.Tensor


class Screen(Protocol):
    """Every similarity is at most `shift + unit * value`, the value being the tile's, of type `dtype`."""

    @property
    def source(self) -> Side: ...

    @property
    def target(self) -> Side: ...

    @property
    def dtype(self) -> torch.dtype: ...

    @property
    def unit(self) -> float: ...

    @property
    def shift(self) -> float: ...

    def block(self, start: int, stop: int) -> Block:
        """Source rows start to stop."""
        ...

    def product(self, block: Block, start: int, stop: int, out: torch.Tensor) -> None:
        """Write the tile of the block with target rows start to stop into the contiguous `out` (r, stop - start)."""
        ...


def tensor_of(vectors: NDArray[np.float32]) -> torch.Tensor:
    """The same memory as a tensor, read-only memory maps included: nothing here writes to vectors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.from_numpy(np.ascontiguousarray(vectors))


def survey(vectors: torch.Tensor) -> Side:
    """Lengths and mean of vectors (n, d) in one pass. A length is not finite where a vector is not."""
    lengths = torch.empty(len(vectors), device=vectors.device)
    total = torch.zeros(vectors.shape[1], device=vectors.device)
    for start in range(0, len(vectors), _CHUNK):
        part = vectors[start : start + _CHUNK]
        torch.linalg.vector_norm(part, dim=1, out=lengths[start : start + _CHUNK])
        total += part.sum(0)
    return Side(vectors, lengths, total / len(vectors))


def rounding(source: Side, target: Side) -> float:
    """How far a float32 product and the score it stands for can differ: twice the usual bound for a sum of d products,
    and what the user's matmul precision gives away."""
    loss = {"highest": 0.0, "high": 2.0**-10, "medium": 2.0**-8}[torch.get_float32_matmul_precision()]
    width = source.vectors.shape[1]
    return (2 * width * 2.0**-24 + loss) * float(source.lengths.max()) * float(target.lengths.max())


@dataclass(frozen=True)
class FloatScreen:
    """The float32 product itself, on any device; `shift` is the rounding error. Build one with `float_screen`."""

    source: Side
    target: Side
    shift: float
    dtype: torch.dtype = torch.float32
    unit: float = 1.0

    def block(self, start: int, stop: int) -> Block:
        vectors = self.source.vectors[start:stop]
        return Block(vectors, vectors, vectors.new_zeros(1))

    def product(self, block: Block, start: int, stop: int, out: torch.Tensor) -> None:
        torch.mm(block.codes, self.target.vectors[start:stop].T, out=out)


def float_screen(source: Side, target: Side) -> FloatScreen:
    """The screen that works everywhere."""
    return FloatScreen(source, target, rounding(source, target))

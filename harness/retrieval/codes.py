"""Vectors as bytes: centred (encoders not trained for retrieval put all sentences into a narrow cone), turned by a
fixed rotation (a few dimensions of a transformer carry much of the length and would set the step of all others),
rounded."""

import math
from dataclasses import dataclass

import torch

from harness.retrieval.screen import Side

LEVELS = 127
CLIP = 4.5  # standard deviations that the levels span: below 4 too much is cut off, above 5 the step grows for nothing
_FACTOR = 64
_CHUNK = 512


@dataclass(frozen=True)
class Turn:
    """A rotation of vectors padded to a multiple of 64 dimensions: the Kronecker product of two small rotations, up to
    the order of the dimensions, which costs a tenth of a full matrix."""

    outer: torch.Tensor
    inner: torch.Tensor

    @property
    def width(self) -> int:
        return len(self.outer) * len(self.inner)

    def apply(self, vectors: torch.Tensor) -> torch.Tensor:
        """(r, width) to (r, width)."""
        half = (vectors.view(-1, len(self.inner)) @ self.inner).view(-1, len(self.outer), len(self.inner))
        return (half.transpose(1, 2).reshape(-1, len(self.outer)) @ self.outer).view(vectors.shape)


def turn_of(width: int) -> Turn:
    return Turn(_rotation(math.ceil(width / _FACTOR)), _rotation(_FACTOR))


def _rotation(size: int) -> torch.Tensor:
    """Hartley's matrix with random signs: orthogonal for any size, all entries of about the same magnitude."""
    angles = torch.outer(torch.arange(size), torch.arange(size)) % size * (2 * math.pi / size)
    signs = torch.randint(0, 2, (size, 1), generator=torch.Generator().manual_seed(size)) * 2 - 1
    return signs * (angles.cos() + angles.sin()) / math.sqrt(size)


@dataclass(frozen=True)
class Codes:
    """Vectors as bytes (r, width) times a step, the lengths (r,) of the centred vectors, and the lengths (r,) of what
    the bytes miss of each."""

    values: torch.Tensor
    lengths: torch.Tensor
    missed: torch.Tensor


def encode(vectors: torch.Tensor, centre: torch.Tensor, step: float, turn: Turn) -> Codes:
    codes = Codes(
        torch.empty(len(vectors), turn.width, dtype=torch.int8),
        torch.empty(len(vectors)),
        torch.empty(len(vectors)),
    )
    for start in range(0, len(vectors), _CHUNK):
        part = vectors[start : start + _CHUNK]
        padded = torch.zeros(len(part), turn.width)
        torch.sub(part, centre, out=padded[:, : part.shape[1]])
        turned = turn.apply(padded)
        rounded = (turned / step).round_().clamp_(-LEVELS, LEVELS)
        codes.values[start : start + _CHUNK] = rounded
        codes.lengths[start : start + _CHUNK] = torch.linalg.vector_norm(turned, dim=1)
        codes.missed[start : start + _CHUNK] = torch.linalg.vector_norm(turned.sub_(rounded.mul_(step)), dim=1)
    return codes


def spread(side: Side) -> float:
    """Root mean square length of the centred vectors."""
    return math.sqrt(max(0.0, float(side.lengths.square().mean() - side.mean.square().sum())))


def step_of(side: Side, turn: Turn) -> float:
    return CLIP * spread(side) / math.sqrt(turn.width) / LEVELS

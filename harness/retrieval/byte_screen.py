"""A screen of eight-bit products: a quarter of the float product's time where the processor multiplies bytes natively.

Vectors are centred (encoders not trained for retrieval put all sentences into a narrow cone) and turned by a fixed
rotation (a few dimensions of a transformer carry much of the length and would set the step of all others). What the
rounding to bytes loses is measured per vector, so that the bound holds by Cauchy-Schwarz for any data."""

import functools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from harness.retrieval.screen import Block, Screen, Side, float_screen, rounding

_LEVELS = 127
_CLIP = 4.5  # standard deviations that the levels span: below 4 too much is cut off, above 5 the step grows for nothing
_FACTOR = 64
_CHUNK = 512
_PILOT_ROWS = 64
_PILOT_COLUMNS = 8192
_SECONDS_PER_PAIR = 4e-7  # to find, score and merge one kept pair, measured on two cores
_SMALL = 2 * 10**9  # multiplications below which nothing is worth a pilot: twenty milliseconds


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


def _turn(width: int) -> Turn:
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


def _encode(vectors: torch.Tensor, centre: torch.Tensor, step: float, turn: Turn) -> Codes:
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
        rounded = (turned / step).round_().clamp_(-_LEVELS, _LEVELS)
        codes.values[start : start + _CHUNK] = rounded
        codes.lengths[start : start + _CHUNK] = torch.linalg.vector_norm(turned, dim=1)
        codes.missed[start : start + _CHUNK] = torch.linalg.vector_norm(turned.sub_(rounded.mul_(step)), dim=1)
    return codes


def _spread(side: Side) -> float:
    """Root mean square length of the centred vectors."""
    return math.sqrt(max(0.0, float(side.lengths.square().mean() - side.mean.square().sum())))


def _step(side: Side, turn: Turn) -> float:
    return _CLIP * _spread(side) / math.sqrt(turn.width) / _LEVELS


@dataclass(frozen=True)
class ByteScreen:
    """Products of bytes in int32, on the CPU. Build one with `byte_screen`."""

    source: Side
    target: Side
    turn: Turn
    codes: Codes
    offset: torch.Tensor
    steps: tuple[float, float]
    shift: float
    dtype: torch.dtype = torch.int32

    @property
    def unit(self) -> float:
        return self.steps[0] * self.steps[1]

    def block(self, start: int, stop: int) -> Block:
        vectors = self.source.vectors[start:stop]
        codes = _encode(vectors, self.source.mean, self.steps[0], self.turn)
        extra = codes.missed * float((self.codes.lengths + self.codes.missed).max())
        return Block(vectors, codes.values, _offset(vectors, self.target.mean, extra, self.unit)[:, None])

    def product(self, block: Block, start: int, stop: int, out: torch.Tensor) -> None:
        torch._int_mm(block.codes, self.codes.values[start:stop].T, out=out)
        out.add_(self.offset[start:stop]).add_(block.offset)


def _offset(vectors: torch.Tensor, other_mean: torch.Tensor, extra: torch.Tensor, unit: float) -> torch.Tensor:
    """What centring the other side took from the products (r,), and `extra` for what the bytes missed, in units."""
    return ((vectors @ other_mean).double() + extra).div_(unit).ceil_().int()


def byte_screen(source: Side, target: Side) -> ByteScreen | None:
    """The screen for these sides; None where their similarities are too alike for tiles of 32 bits.

    x·y = x'·y' + x·ȳ + x̄·y - x̄·ȳ for the centred x' and y', and x'·y' exceeds the product of the bytes by at most
    |x'| |missed of y| + |missed of x| |bytes of y|."""
    turn = _turn(source.vectors.shape[1])
    steps = (_step(source, turn), _step(target, turn))
    unit = steps[0] * steps[1]
    largest = float(source.lengths.max() + source.mean.norm()) * float(target.lengths.max() + target.mean.norm())
    if not 4 * largest < unit * 2**30:
        return None
    codes = _encode(target.vectors, target.mean, steps[1], turn)
    extra = codes.missed * _longest_centred(source)
    offset = _offset(target.vectors, source.mean, extra, unit)
    shift = 4 * rounding(source, target) - float(source.mean @ target.mean)
    return ByteScreen(source, target, turn, codes, offset, steps, shift)


def _longest_centred(side: Side) -> float:
    """No less than the greatest length of the centred vectors, from |x - x̄|² = |x|² - 2 x·x̄ + |x̄|²."""
    squares = side.lengths.square() - 2 * (side.vectors @ side.mean) + side.mean.square().sum()
    slack = 4 * side.vectors.shape[1] * 2.0**-24 * float(side.lengths.max()) ** 2
    return math.sqrt(max(0.0, float(squares.max())) + slack)


def choose_screen(source: Side, target: Side, k: int) -> Screen:
    """The screen expected to be faster for these vectors on this machine. The neighbours found do not depend on it."""
    plain = float_screen(source, target)
    n, (m, width) = len(source.vectors), target.vectors.shape
    exact = torch.get_float32_matmul_precision() == "highest"
    if target.vectors.is_cuda or not exact or n * m * width < _SMALL:
        return plain
    gain = _saved_per_product() * n * m * width
    if gain <= 0 or gain < _SECONDS_PER_PAIR * _extra_pairs(source, target, k):
        return plain
    return byte_screen(source, target) or plain


def _extra_pairs(source: Side, target: Side, k: int) -> float:
    """About how many pairs the bytes' slack keeps beyond the neighbours themselves, from a sample of both sides."""
    lost = _CLIP / _LEVELS / math.sqrt(12)
    slack = 2 * lost * _spread(source) * _spread(target)
    pairs = 0.0
    for rows, columns in ((source.vectors, target.vectors), (target.vectors, source.vectors)):
        sample = _every(rows, _PILOT_ROWS) @ _every(columns, _PILOT_COLUMNS).T
        least = sample.topk(min(k, sample.shape[1]), dim=1).values[:, -1:]
        pairs += float((sample >= least - slack).sum(1).float().mean() - k) * len(rows)
    return pairs


def _every(vectors: torch.Tensor, count: int) -> torch.Tensor:
    """At most `count` vectors, evenly spaced."""
    return vectors[:: math.ceil(len(vectors) / count)]


@functools.cache
def _saved_per_product() -> float:
    """Seconds saved per multiplication by bytes on this machine, not positive where it has no fast product of bytes."""
    codes = torch.ones(512, 768, dtype=torch.int8)
    floats = codes.float()
    plain = _seconds(lambda: torch.mm(floats, floats.T))
    return (plain - _seconds(lambda: torch._int_mm(codes, codes.T))) / (512 * 512 * 768)


def _seconds(run: Callable[[], object]) -> float:
    times = []
    for _ in range(4):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)

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

from harness.retrieval.codes import CLIP, LEVELS, Codes, Turn, encode, spread, step_of, turn_of
from harness.retrieval.screen import Block, Screen, Side, float_screen, rounding

_PILOT_ROWS = 64
_PILOT_COLUMNS = 8192
_SECONDS_PER_PAIR = 4e-7  # to find, score and merge one kept pair, measured on two cores
_SMALL = 2 * 10**9  # multiplications below which nothing is worth a pilot: twenty milliseconds


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
        codes = encode(vectors, self.source.mean, self.steps[0], self.turn)
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
    turn = turn_of(source.vectors.shape[1])
    steps = (step_of(source, turn), step_of(target, turn))
    unit = steps[0] * steps[1]
    largest = float(source.lengths.max() + source.mean.norm()) * float(target.lengths.max() + target.mean.norm())
    if not 4 * largest < unit * 2**30:
        return None
    codes = encode(target.vectors, target.mean, steps[1], turn)
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
    gain = saved_per_product() * n * m * width
    if gain <= 0 or gain < _SECONDS_PER_PAIR * _extra_pairs(source, target, k):
        return plain
    return byte_screen(source, target) or plain


def _extra_pairs(source: Side, target: Side, k: int) -> float:
    """About how many pairs the bytes' slack keeps beyond the neighbours themselves, from a sample of both sides."""
    lost = CLIP / LEVELS / math.sqrt(12)
    slack = 2 * lost * spread(source) * spread(target)
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
def saved_per_product() -> float:
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

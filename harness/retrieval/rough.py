"""Both sides in one cheap code whose products order pairs nearly as their similarities do.

Bytes where the processor multiplies them fast, halves on a GPU, the vectors themselves elsewhere. Nothing is certified:
whoever uses these products keeps more candidates than asked for and scores them again in float32."""

import functools
from dataclasses import dataclass
from pathlib import Path

import torch

from harness.retrieval.codes import Turn, encode, step_of, turn_of
from harness.retrieval.screen import Side

_PROCESSOR = Path("/proc/cpuinfo")
_MULTIPLIES_BYTES = {"avx512_vnni", "avx_vnni", "amx_int8"}


@dataclass(frozen=True)
class Rough:
    """Codes (n, width) of one side and what is added to each row's products (n,); both in units of the product."""

    values: torch.Tensor
    offset: torch.Tensor

    def __len__(self) -> int:
        return len(self.values)

    def rows(self, rows: torch.Tensor) -> "Rough":
        """These rows (r,) alone, copied side by side."""
        return Rough(self.values[rows], self.offset[rows])


def product(rows: Rough, columns: Rough, out: torch.Tensor) -> None:
    """Write the rough similarities of all pairs into the contiguous `out` (r, c) of `tile_type`."""
    multiply(rows.values, columns.values, out)
    if out.dtype == torch.int32:
        out.add_(columns.offset).add_(rows.offset[:, None])


def multiply(rows: torch.Tensor, columns: torch.Tensor, out: torch.Tensor) -> None:
    """Write the products of codes (r, width) and (c, width) into the contiguous `out` (r, c)."""
    if rows.dtype == torch.int8:
        torch._int_mm(rows, columns.T, out=out)
    elif rows.dtype == torch.float16:
        out.copy_(rows @ columns.T)
    else:
        torch.mm(rows, columns.T, out=out)


def tile_type(side: Rough) -> torch.dtype:
    """What products are: int32 of bytes, else float32."""
    return torch.int32 if side.values.dtype == torch.int8 else torch.float32


@functools.cache
def multiplies_bytes() -> bool:
    """Whether the processor names an instruction for products of bytes. No stopwatch: a search that goes on, or a
    worker beside, must come to the same answer however busy the machine is."""
    try:
        return not _MULTIPLIES_BYTES.isdisjoint(_PROCESSOR.read_text("ascii", "replace").split())
    except OSError:
        return False


def code_on(device: str, code: str = "auto") -> str:
    """What is multiplied there: halves, bytes or floats. `code` is bytes, floats, or auto for what the device has."""
    if device.startswith("cuda"):
        return "halves"
    return code if code != "auto" else "bytes" if multiplies_bytes() else "floats"


def rough_sides(source: Side, target: Side, code: str = "auto") -> tuple[Rough, Rough]:
    """Codes of both sides, about one centre and in one step; `code` as of `code_on`."""
    code = code_on(source.vectors.device.type, code)
    if code == "halves":
        halves = [Rough(side.vectors.half(), side.lengths.new_zeros(len(side.vectors))) for side in (source, target)]
        return halves[0], halves[1]
    turn = turn_of(source.vectors.shape[1])
    step = (step_of(source, turn) * step_of(target, turn)) ** 0.5
    largest = max(float(side.lengths.max()) for side in (source, target))
    if code != "bytes" or not 16 * largest**2 < step**2 * 2**30:
        floats = [Rough(side.vectors, side.lengths.new_zeros(len(side.vectors))) for side in (source, target)]
        return floats[0], floats[1]
    centre = (source.mean + target.mean) / 2
    return _bytes(source, centre, step, turn), _bytes(target, centre, step, turn)


def _bytes(side: Side, centre: torch.Tensor, step: float, turn: Turn) -> Rough:
    """x·y = x'·y' + x·c + y·c - c·c for the centred x' and y': the constant changes no order."""
    codes = encode(side.vectors, centre, step, turn)
    return Rough(codes.values, ((side.vectors @ centre).double() / step**2).round_().int())

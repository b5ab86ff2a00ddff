"""Where a search stands on disk, so that a killed one goes on from its last finished block of source rows.

A block's forward neighbours are written first, then the state that says how far the search is, with the backward
neighbours among the rows so far: whatever moment it is killed at, the state names only blocks that are there. Files
appear under their final name when complete."""

import contextlib
import hashlib
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray

from harness.errors import HarnessError

Keys = NDArray[np.int64]
_CHUNK = 4096
_STATE = "state.npz"


def identity(source: NDArray[np.float32], target: NDArray[np.float32], k: int, rows: int) -> str:
    """A hash of all that decides a search: both sides' bytes, k and the rows of a block."""
    digest = hashlib.blake2b(f"1 {source.shape} {target.shape} {k} {rows}".encode(), digest_size=16)
    for side in (source, target):
        for start in range(0, len(side), _CHUNK):
            digest.update(np.ascontiguousarray(side[start : start + _CHUNK]).data)
    return digest.hexdigest()


@dataclass(frozen=True)
class Shards:
    """The folder of one search."""

    folder: Path

    def load(self) -> tuple[list[int], list[Keys], Keys | None]:
        """First rows and forward keys of the blocks done, and the backward keys among them; ([], [], None) at first."""
        if not (self.folder / _STATE).exists():
            return [], [], None
        state = self._read(_STATE)
        starts = [int(start) for start in state["starts"]]
        return starts, [self._read(_name(start))["keys"] for start in starts], state["backward"]

    def save(self, starts: list[int], forward: torch.Tensor, backward: torch.Tensor) -> None:
        """Commit the block that begins at the last of `starts`, the first rows of all blocks done."""
        self.folder.mkdir(parents=True, exist_ok=True)
        keys, so_far = forward.cpu().numpy(), backward.cpu().numpy()
        with _complete(self.folder / _name(starts[-1])) as file:
            np.savez(file, keys=keys)
        with _complete(self.folder / _STATE) as file:
            np.savez(file, starts=np.asarray(starts), backward=so_far)

    def _read(self, name: str) -> dict[str, NDArray[np.int64]]:
        path = self.folder / name
        try:
            with np.load(path) as file:
                return dict(file)
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise HarnessError(f"{path} cannot be read: {error}.", "Delete the folder to start over.") from error


def _name(start: int) -> str:
    return f"rows-{start:010d}.npz"


@contextlib.contextmanager
def _complete(path: Path) -> Iterator[BinaryIO]:
    """A file to write that gets its name when it is complete."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with temporary.open("wb") as file:
        yield file
    temporary.replace(path)

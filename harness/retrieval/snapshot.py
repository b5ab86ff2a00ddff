"""Where a search stands on disk, so that a killed one goes on from there.

All of a search's state is one file that replaces the one before it: whatever moment it is killed at, what is read is
whole and of one moment."""

import hashlib
import time
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError
from harness.whole_file import whole_file

Arrays = dict[str, NDArray[np.int64]]
_CHUNK = 4096
_STATE = "state.npz"
_SHARE = 20  # at most one part in so many of the time goes into writing


def identity(source: NDArray[np.float32], target: NDArray[np.float32], *settings: object) -> str:
    """A hash of all that decides a search: both sides' bytes and its settings."""
    digest = hashlib.blake2b(f"2 {source.shape} {target.shape} {settings}".encode(), digest_size=16)
    for side in (source, target):
        for start in range(0, len(side), _CHUNK):
            digest.update(np.ascontiguousarray(side[start : start + _CHUNK]).data)
    return digest.hexdigest()


@dataclass
class Snapshot:
    """The state of one search in `folder`, written no more often than every so many seconds."""

    folder: Path
    every: float = 0.0
    _next: float = field(default=0.0, repr=False)

    def load(self) -> Arrays | None:
        """The last state; None at first."""
        path = self.folder / _STATE
        if not path.exists():
            return None
        try:
            with np.load(path) as file:
                return dict(file)
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise HarnessError(f"{path} cannot be read: {error}.", "Delete the folder to start over.") from error

    def due(self) -> bool:
        """Whether it is time to save."""
        return time.monotonic() >= self._next

    def save(self, state: Arrays) -> None:
        """Commit the state."""
        start = time.monotonic()
        self.folder.mkdir(parents=True, exist_ok=True)
        with whole_file(self.folder / _STATE) as half, half.open("wb") as file:
            np.savez(file, **state)  # type: ignore[arg-type]
        now = time.monotonic()
        self._next = now + (max(self.every, _SHARE * (now - start)) if self.every else 0.0)

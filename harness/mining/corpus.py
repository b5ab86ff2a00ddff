"""One side's sentences: spooled to disk as they are read, each distinct one found once.

Memory is some 64 bytes a line while a file is read and 16 afterwards, however long the sentences are."""

import hashlib
import os
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.mining.reading import lines, no_sentence
from harness.whole_file import whole_file

Rows = NDArray[np.int64]
Keys = NDArray[np.uint64]
_TOLD = 50_000
# 8 for its place, 16 for its key, and what sorting the keys takes for a moment.
BYTES_PER_LINE = 64


@dataclass(frozen=True)
class Corpus:
    """A side: its distinct sentences in order of first appearance. `starts` (n + 1,) are the places of all lines in the
    spooled file, `rows` (d,) the lines that the distinct ones stand on, counted from 0; `read` lines were read."""

    spool: Path
    starts: Rows
    rows: Rows
    read: int

    def __len__(self) -> int:
        return len(self.rows)

    def texts(self, start: int, stop: int) -> list[str]:
        """Distinct sentences start to stop."""
        with self.spool.open("rb") as file:
            return [_at(file.fileno(), self.starts, row) for row in self.rows[start:stop].tolist()]

    def pick(self, which: Sequence[int]) -> list[str]:
        """Distinct sentences by number, in any order."""
        with self.spool.open("rb") as file:
            return [_at(file.fileno(), self.starts, int(self.rows[one])) for one in which]


def _at(file: int, starts: Rows, row: int) -> str:
    begin, end = int(starts[row]), int(starts[row + 1])
    return os.pread(file, end - begin, begin).decode("utf-8", "surrogatepass")


def gather(path: Path, folder: Path, name: str, told: Callable[[int], None] = lambda done: None) -> Corpus:
    """Reads a file into `folder`, or opens what an earlier call read. Empty lines count as lines and are left out."""
    index = folder / f"{name}.lines.npz"
    spool = folder / f"{name}.txt"
    if not (index.is_file() and spool.is_file()):
        starts, keys = _spooled(path, spool, told)
        with whole_file(index) as half, half.open("wb") as file:
            np.savez(file, starts=starts, rows=distinct(keys))
    with np.load(index) as file:
        starts, rows = file["starts"], file["rows"]
    return Corpus(spool, starts, rows, len(starts) - 1)


def _spooled(path: Path, spool: Path, told: Callable[[int], None]) -> tuple[Rows, Keys]:
    """Places (n + 1,) and keys (n, 2) of all lines; the key of an empty one is 0."""
    starts, keys = array("q", [0]), bytearray()
    with whole_file(spool) as half, half.open("wb") as file:
        for number, line in enumerate(lines(path)):
            # A tab would look like the end of a column in the pairs.
            text = line.strip().replace("\t", " ").encode("utf-8")
            file.write(text)
            starts.append(starts[-1] + len(text))
            keys += hashlib.blake2b(text, digest_size=16).digest() if text else bytes(16)
            if number % _TOLD == 0:
                told(number)
        if not any(keys):
            raise no_sentence(path)
    return np.frombuffer(starts, np.int64), np.frombuffer(keys, np.uint64).reshape(-1, 2)


def distinct(keys: Keys) -> Rows:
    """The first row of each key (n, 2) that is not 0, ascending."""
    order = np.lexsort((keys[:, 1], keys[:, 0]))
    ordered = keys[order]
    first = np.ones(len(order), bool)
    first[1:] = (ordered[1:] != ordered[:-1]).any(1)
    first &= ordered.any(1)
    return np.sort(order[first])

"""The file of mined pairs: score, source and target between tabs, best first."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.mining.corpus import Corpus
from harness.retrieval.mine import Candidates
from harness.whole_file import whole_file

_CHUNK = 16384


@dataclass(frozen=True)
class Named:
    """How a side's rows are written: as their sentences, or, where there is no text, as `rows`, the rows of the .npy
    file counted from 0."""

    corpus: Corpus | None
    rows: NDArray[np.int64]

    def of(self, which: NDArray[np.int64]) -> list[str]:
        """The names of these distinct rows."""
        if self.corpus is not None:
            return self.corpus.pick(which.tolist())
        return [str(row) for row in self.rows[which].tolist()]


def write_pairs(path: Path, found: Candidates, sides: tuple[Named, Named], threshold: float) -> int:
    """Writes the pairs whose margin is at least the threshold, whole or not at all; returns their number. Of equal
    margins the pair of the lower source row comes first."""
    count = int(np.count_nonzero(found.score >= threshold))
    with whole_file(path) as half, half.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(_lines(found, sides, count))
    return count


def _lines(found: Candidates, sides: tuple[Named, Named], count: int) -> Iterator[str]:
    for start in range(0, count, _CHUNK):
        part = slice(start, min(start + _CHUNK, count))
        columns = found.score[part].tolist(), sides[0].of(found.source[part]), sides[1].of(found.target[part])
        for score, source, target in zip(*columns, strict=True):
            yield f"{score:.6f}\t{source}\t{target}\n"

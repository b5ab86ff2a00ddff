"""Bitext mining as XTREME's `mine_bitext` does it: margins of the nearest neighbours, best first, one to one.

Of equal margins the pair of the lower source row, then of the forward search, comes first; the official order of
ties is that of an unstable sort."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.retrieval.margin import backward_margins, margins
from harness.retrieval.neighbours import Both

Matrix = NDArray[np.float32]
Rows = NDArray[np.int64]
SearchBoth = Callable[[Matrix, Matrix, int], Both]
_CHUNK = 2**16  # pairs that are Python numbers at a time


@dataclass(frozen=True)
class Candidates:
    """Mined pairs in descending order of score: rows of the source and of the target side, and the margin."""

    source: Rows
    target: Rows
    score: NDArray[np.float64]


def mine(both: Both, k: int = 4, margin: str = "ratio") -> Candidates:
    """The one-to-one pairs with a score above 0, greedily of the best of each source row and of each target row."""
    forward = _best(both.forward_index, margins(both, margin, k))
    backward = _best(both.backward_index, backward_margins(both, margin, k))
    n, m = len(forward[0]), len(backward[0])
    either = Candidates(
        np.concatenate([np.arange(n), backward[0]]),
        np.concatenate([forward[0], np.arange(m)]),
        np.concatenate([forward[1], backward[1]]),
    )
    return _one_to_one(_descending(either), n, m)


def mine_corpora(
    texts: tuple[Sequence[str], Sequence[str]], vectors: tuple[Matrix, Matrix], search: SearchBoth, k: int = 4
) -> Candidates:
    """Mines two corpora, (source, target), row i of the vectors being text i, by `search` (vectors, vectors, k). Equal
    texts are searched as one, under the last row that has the text."""
    rows, columns = _distinct(texts[0]), _distinct(texts[1])
    found = mine(search(np.ascontiguousarray(vectors[0][rows]), np.ascontiguousarray(vectors[1][columns]), k), k)
    return Candidates(rows[found.source], columns[found.target], found.score)


def unambiguous(found: Candidates, texts: tuple[Sequence[str], Sequence[str]]) -> Candidates:
    """Without the pairs of a sentence that stands more than once on its side: which of its ids is meant cannot be told,
    and the official scripts drop all of them."""
    counts = [Counter(text.strip() for text in side) for side in texts]
    once = [
        np.array([count[text.strip()] == 1 for text in side], bool) for side, count in zip(texts, counts, strict=True)
    ]
    kept = once[0][found.source] & once[1][found.target]
    return Candidates(found.source[kept], found.target[kept], found.score[kept])


def _distinct(texts: Sequence[str]) -> Rows:
    """The last row of each distinct text, in the order of first appearance."""
    last = {text: row for row, text in enumerate(texts)}
    return np.fromiter(last.values(), np.int64, len(last))


def _best(index: Rows, scores: NDArray[np.float64]) -> tuple[Rows, NDArray[np.float64]]:
    at = scores.argmax(axis=1)[:, None]
    return np.take_along_axis(index, at, axis=1)[:, 0], np.take_along_axis(scores, at, axis=1)[:, 0]


def _descending(found: Candidates) -> Candidates:
    order = np.argsort(-found.score, kind="stable")
    order = order[found.score[order] > 0]
    return Candidates(found.source[order], found.target[order], found.score[order])


def _one_to_one(found: Candidates, n: int, m: int) -> Candidates:
    """Walks down the list; a pair of which neither row is taken is kept."""
    taken_source, taken_target = bytearray(n), bytearray(m)
    kept = np.zeros(len(found.source), bool)
    for start in range(0, len(kept), _CHUNK):
        part = slice(start, start + _CHUNK)
        pairs = zip(found.source[part].tolist(), found.target[part].tolist(), strict=True)
        for at, (row, column) in enumerate(pairs, start):
            if not taken_source[row] and not taken_target[column]:
                taken_source[row] = taken_target[column] = 1
                kept[at] = True
    return Candidates(found.source[kept], found.target[kept], found.score[kept])

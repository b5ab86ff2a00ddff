"""How much nearer two sentences are to one another than to the rest: margins (Artetxe & Schwenk 2019, arXiv
1811.01136), CSLS (Lample et al. 2018, arXiv 1710.04087) and centring. All from neighbours already found, but CSLS."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from harness.errors import unknown_names
from harness.retrieval.neighbours import Both

Matrix = NDArray[np.float32]
Similarities = NDArray[np.float64]
TILE = 2048

MARGINS: dict[str, Callable[[Similarities, Similarities], Similarities]] = {
    "ratio": lambda similarity, around: similarity / around,
    "distance": lambda similarity, around: similarity - around,
    "absolute": lambda similarity, around: similarity,
}


def neighbourhoods(both: Both, k: int) -> tuple[Similarities, Similarities]:
    """Mean similarity of each source (n,) and target (m,) to its k nearest neighbours."""
    sides = both.forward_similarity, both.backward_similarity
    source, target = (side[:, :k].mean(axis=1, dtype=np.float64) for side in sides)
    return source, target


def margins(both: Both, margin: str = "ratio", k: int = 4) -> Similarities:
    """Margins of each source row's k candidates (n, k): its similarity against the mean of both neighbourhoods."""
    source, target = neighbourhoods(both, k)
    return _margin(margin)(
        both.forward_similarity[:, :k].astype(np.float64), (source[:, None] + target[both.forward_index[:, :k]]) / 2
    )


def backward_margins(both: Both, margin: str = "ratio", k: int = 4) -> Similarities:
    """Margins of each target row's k candidates (m, k)."""
    source, target = neighbourhoods(both, k)
    return _margin(margin)(
        both.backward_similarity[:, :k].astype(np.float64), (target[:, None] + source[both.backward_index[:, :k]]) / 2
    )


def _margin(name: str) -> Callable[[Similarities, Similarities], Similarities]:
    if name not in MARGINS:
        raise unknown_names("margin", [name], MARGINS, f"Margins are {', '.join(MARGINS)}.")
    return MARGINS[name]


def csls(source: Matrix, target: Matrix, both: Both, k: int = 10) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The nearest target of each source (n,) and the nearest source of each target (m,) by
    2 cos - mean of x's k nearest - mean of y's k nearest; of equal ones the first. By tiles, never n x m."""
    of_source, of_target = (torch.from_numpy(side.astype(np.float32)) for side in neighbourhoods(both, k))
    x, y = torch.from_numpy(np.ascontiguousarray(source)), torch.from_numpy(np.ascontiguousarray(target))
    forward = torch.empty(len(x), dtype=torch.int64)
    best = torch.full((len(y),), -torch.inf)
    backward = torch.zeros(len(y), dtype=torch.int64)
    for top in range(0, len(x), TILE):
        rows = slice(top, min(top + TILE, len(x)))
        highest = torch.full((rows.stop - rows.start,), -torch.inf)
        for left in range(0, len(y), TILE):
            columns = slice(left, min(left + TILE, len(y)))
            tile = 2 * (x[rows] @ y[columns].T) - of_source[rows, None] - of_target[None, columns]
            value, index = tile.max(dim=1)
            better = value > highest
            forward[rows][better] = index[better] + left
            highest = torch.maximum(highest, value)
            value, index = tile.max(dim=0)
            better = value > best[columns]
            backward[columns][better] = index[better] + top
            best[columns] = torch.maximum(best[columns], value)
    return forward.numpy(), backward.numpy()


def centre(vectors: Matrix) -> Matrix:
    """The vectors without their mean, of length one again: takes out what all sentences of a language share."""
    moved = vectors - vectors.mean(axis=0, dtype=np.float64)
    lengths = np.linalg.norm(moved, axis=1, keepdims=True)
    return np.asarray(moved / np.where(lengths == 0, 1, lengths), np.float32)

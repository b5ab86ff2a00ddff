"""Vectors to search and what a search of them must find."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def vectors(seed: int, rows: int, width: int, shape: str = "plain") -> NDArray[np.float32]:
    """Unit vectors around ten centres; `cone`: all alike; `outlier`: two dimensions carry most; `long`: any length."""
    generator = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(10, width))
    raw = centres[generator.integers(10, size=rows)] + generator.normal(size=(rows, width))
    if shape == "cone":
        raw += 20
    if shape == "outlier":
        raw[:, :2] *= 30
    if shape != "long":
        raw /= np.linalg.norm(raw, axis=1, keepdims=True)
    else:
        raw *= generator.lognormal(sigma=2, size=(rows, 1))
    return raw.astype(np.float32)


def brute(queries: Array, index: Array, k: int) -> tuple[Array, Array]:
    similarity = queries.astype(np.float64) @ index.astype(np.float64).T
    order = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(similarity, order, axis=1), order


def assert_nearest(found: tuple[Array, Array], queries: Array, index: Array, k: int) -> None:
    """Similarities are those of the indices found and the k largest; indices are the true ones where none is close."""
    similarity, rows = found
    truth, order = brute(queries, index, k)
    scale = np.abs(truth).max()
    assert similarity.shape == rows.shape == truth.shape
    np.testing.assert_allclose(similarity, truth, atol=2e-6 * scale)
    own = np.einsum("nd,nkd->nk", queries.astype(np.float64), index[rows].astype(np.float64))
    np.testing.assert_allclose(similarity, own, atol=2e-6 * scale)
    assert (rows == order).mean() > 0.999
    assert (np.diff(similarity, axis=1) <= 0).all()

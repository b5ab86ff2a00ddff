"""Compressed inverted lists by FAISS (OPQ, IVF-PQ): for sides that do not fit into memory as bytes.

A vector is some dozens of bytes there (Jégou et al. 2011; Ge et al. 2013, OPQ). Candidates are scored again in float32
from the memory-mapped vectors; how many lists are probed and how many candidates are kept is chosen on queries whose
neighbours are known."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from harness.retrieval import ranking
from harness.retrieval.cell_join import rescored
from harness.retrieval.faiss_index import Found, load_faiss, on_all_gpus, set_probes
from harness.retrieval.held_back import Truth
from harness.retrieval.recall import shares_found

Vectors = NDArray[np.float32]
_POINTS_PER_LIST = 39  # fewer training points than this per centroid and FAISS calls the clustering unreliable
_TRAINED_PER_LIST = 64
_CODEBOOK = 256
_CHUNK = 65536
_DEPTHS = (4, 16, 64)  # candidates per neighbour asked for


@dataclass(frozen=True)
class Compressed:
    """The recall to reach, how many lists (None: by the number of vectors), bytes per vector (None: an eighth of the
    dimensions, at most 64), the seed of the training, and a file to keep the index in (None: nowhere)."""

    recall: float = 0.99
    lists: int | None = None
    bytes: int | None = None
    seed: int = 0


def search_compressed(
    queries: Vectors, vectors: Vectors, truth: Truth, settings: Compressed, file: Path | None = None
) -> Found:
    """Similarities and indices (q, k) of about the k largest inner products, k being the truth's; `truth` names some of
    the queries and their true neighbours. With `file` a whole index is read from there, or written once it is built."""
    faiss = load_faiss()
    index = _index(faiss, vectors, settings, file)
    k = truth.index.shape[1]
    probes, depth = _chosen(faiss, index, queries, vectors, truth, settings.recall)
    set_probes(faiss, index, probes)
    similarity, found = np.empty((len(queries), k), np.float32), np.empty((len(queries), k), np.int64)
    for start in range(0, len(queries), _CHUNK):
        part = np.ascontiguousarray(queries[start : start + _CHUNK])
        similarity[start : start + _CHUNK], found[start : start + _CHUNK] = _search(index, part, vectors, k, depth)
    return similarity, found


def _index(faiss: Any, vectors: Vectors, settings: Compressed, file: Path | None) -> Any:
    if file is not None and file.is_file():
        return on_all_gpus(faiss, faiss.read_index(str(file)))
    n, d = vectors.shape
    lists = settings.lists or max(1, min(int(4 * n**0.5), n // _POINTS_PER_LIST))
    parts = settings.bytes or max(1, min(64, d // 8))
    while d % parts:
        parts -= 1
    name = f"OPQ{parts},IVF{lists},PQ{parts}x8" if n >= 4 * _CODEBOOK else "Flat"
    built = faiss.index_factory(d, name, faiss.METRIC_INNER_PRODUCT)
    generator = np.random.default_rng(settings.seed)
    size = min(n, max(_TRAINED_PER_LIST * lists, _CODEBOOK * _POINTS_PER_LIST))
    built.train(np.ascontiguousarray(vectors[np.sort(generator.choice(n, size, replace=False))]))
    for start in range(0, n, _CHUNK):
        built.add(np.ascontiguousarray(vectors[start : start + _CHUNK]))
    if file is not None:
        temporary = file.with_name(f".{file.name}.{os.getpid()}")
        faiss.write_index(built, str(temporary))
        temporary.replace(file)
    return on_all_gpus(faiss, built)


def _chosen(faiss: Any, index: Any, queries: Vectors, vectors: Vectors, truth: Truth, recall: float) -> tuple[int, int]:
    """The cheapest (probes, candidates per neighbour) tried that reach the recall, else the best tried."""
    own, k = np.ascontiguousarray(queries[truth.rows]), truth.index.shape[1]
    best, reached = (1, _DEPTHS[0]), -1.0
    lists = int(faiss.extract_index_ivf(index).nlist) if "IVF" in type(index).__name__ or hasattr(index, "chain") else 1
    probes = 1
    while True:
        set_probes(faiss, index, min(probes, lists))
        for depth in _DEPTHS:
            shares = shares_found(_search(index, own, vectors, k, depth)[0], truth.similarity)
            if shares.mean() > reached:
                best, reached = (min(probes, lists), depth), float(shares.mean())
            if shares.mean() - shares.std() / len(shares) ** 0.5 >= recall:
                return min(probes, lists), depth
        if probes >= lists:
            return best
        probes *= 2


def _search(index: Any, queries: Vectors, vectors: Vectors, k: int, depth: int) -> Found:
    """Candidates by the index, scored again; (q, k)."""
    _, found = index.search(queries, min(depth * k, len(vectors)))
    candidates = torch.from_numpy(found.astype(np.int64, copy=False))
    keys = ranking.pack(torch.zeros(candidates.shape), candidates.clamp(min=0)).masked_fill(
        candidates < 0, ranking.EMPTY
    )
    return ranking.unpack(rescored(torch.from_numpy(queries), torch.from_numpy(vectors), keys, k))

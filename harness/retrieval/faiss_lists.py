"""Compressed inverted lists by FAISS (OPQ, IVF-PQ): for sides that do not fit into memory as bytes.

A vector is some dozens of bytes there (Jégou et al. 2011; Ge et al. 2013, OPQ). Candidates are scored again in float32
from the memory-mapped vectors; how many lists are probed and how many candidates are kept is chosen on queries whose
neighbours are known."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from harness.retrieval import ranking
from harness.retrieval.cell_join import rescored
from harness.retrieval.exact import search_exact
from harness.retrieval.faiss_index import Found, load_faiss, on_all_gpus, set_probes
from harness.retrieval.held_back import Truth
from harness.retrieval.recall import shares_found
from harness.retrieval.screen import survey, tensor_of
from harness.whole_file import whole_file

Vectors = NDArray[np.float32]
_POINTS_PER_LIST = 39  # fewer training points than this per centroid and FAISS calls the clustering unreliable
_FEW = 256 * _POINTS_PER_LIST  # vectors that a codebook of bytes is trained on at least
_ROTATIONS = 8
_ADDED = 65536
_QUERIES = 4096
_TILE = 2048
_DEPTHS = (4, 16, 64)  # candidates per neighbour asked for


@dataclass(frozen=True)
class Compressed:
    """The recall to reach, how many lists (None: by the number of vectors), bytes per vector (None: an eighth of the
    dimensions, at most 64), and the seed of the training."""

    recall: float = 0.99
    lists: int | None = None
    bytes: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class Effort:
    """Lists that a query looks into, and candidates kept for each neighbour asked for."""

    probes: int
    depth: int


@dataclass(frozen=True)
class Built:
    """A trained and filled index, its number of lists, and the vectors it stands for."""

    faiss: Any
    index: Any
    lists: int
    vectors: Vectors

    def search(self, queries: Vectors, k: int, effort: Effort) -> Found:
        """Candidates by the index, scored again; similarities and indices (q, k)."""
        if self.lists > 1:
            set_probes(self.faiss, self.index, effort.probes)
        _, found = self.index.search(np.ascontiguousarray(queries), min(effort.depth * k, len(self.vectors)))
        candidates = torch.from_numpy(found.astype(np.int64, copy=False))
        keys = ranking.pack(torch.zeros(candidates.shape), candidates.clamp(min=0))
        keys = keys.masked_fill(candidates < 0, ranking.EMPTY)
        return ranking.unpack(rescored(tensor_of(queries), tensor_of(self.vectors), keys, k))


def search_compressed(
    queries: Vectors, vectors: Vectors, truth: Truth, settings: Compressed, file: Path | None = None
) -> Found:
    """Similarities and indices (q, k) of about the k largest inner products, k being the truth's; `truth` names some of
    the queries and their true neighbours. With `file` a whole index is read from there, or written once it is built."""
    built = build(vectors, settings, file)
    k = truth.index.shape[1]
    effort = chosen(built, np.ascontiguousarray(queries[truth.rows]), truth, settings.recall)
    similarity, found = np.empty((len(queries), k), np.float32), np.empty((len(queries), k), np.int64)
    for start in range(0, len(queries), _QUERIES):
        part = slice(start, start + _QUERIES)
        similarity[part], found[part] = built.search(queries[part], k, effort)
    _fill(queries, vectors, (similarity, found))
    return similarity, found


def _fill(queries: Vectors, vectors: Vectors, best: Found) -> None:
    """Search exactly, in place, for the queries that found fewer than k, some at a time: the vectors stay where they
    are, memory-mapped or not."""
    similarity, found = best
    short = np.flatnonzero(~np.isfinite(similarity[:, -1]))
    if not len(short):
        return
    whole = survey(tensor_of(vectors))
    for start in range(0, len(short), _QUERIES):
        rows = short[start : start + _QUERIES]
        sides = survey(tensor_of(queries[rows])), whole
        keys = search_exact(sides, found.shape[1], (_TILE, len(vectors)), "float")[0]
        similarity[rows], found[rows] = ranking.unpack(keys)


def build(vectors: Vectors, settings: Compressed, file: Path | None) -> Built:
    """The index of these vectors, from the file or made from a sample and filled piece by piece. Too few vectors for a
    codebook stay as they are."""
    faiss = load_faiss()
    if file is not None and file.is_file():
        made = faiss.read_index(str(file))
    else:
        made = _made(faiss, vectors, settings)
        if file is not None:
            with whole_file(file) as half:
                faiss.write_index(made, str(half))
    lists = 1 if len(vectors) < _FEW else int(faiss.extract_index_ivf(made).nlist)
    return Built(faiss, on_all_gpus(faiss, made), lists, vectors)


def _made(faiss: Any, vectors: Vectors, settings: Compressed) -> Any:
    n, width = vectors.shape
    if n < _FEW:
        made = faiss.IndexFlatIP(width)
        made.add(vectors)
        return made
    lists = settings.lists or list_count(n)
    parts = settings.bytes or code_bytes(width)
    made = faiss.index_factory(width, f"OPQ{parts},IVF{lists},PQ{parts}x8np", faiss.METRIC_INNER_PRODUCT)
    faiss.extract_index_ivf(made).cp.seed = settings.seed
    rotation = faiss.downcast_VectorTransform(made.chain.at(0))
    rotation.niter, rotation.niter_pq = _ROTATIONS, _ROTATIONS  # FAISS's 50 rounds take minutes and gain little
    size = training_size(n, lists)
    rows = np.sort(np.random.default_rng(settings.seed).choice(n, size, replace=False))
    made.train(np.ascontiguousarray(vectors[rows]))
    for start in range(0, n, _ADDED):
        made.add(np.ascontiguousarray(vectors[start : start + _ADDED]))
    return made


def list_count(n: int) -> int:
    """Lists of an index of n vectors."""
    return max(1, min(int(4 * n**0.5), n // _POINTS_PER_LIST))


def code_bytes(width: int) -> int:
    """Bytes of a compressed vector: an eighth of the dimensions, at most 64, and a divisor of them."""
    return next(parts for parts in range(max(1, min(64, width // 8)), 0, -1) if width % parts == 0)


def training_size(n: int, lists: int) -> int:
    """Vectors that an index is trained on."""
    return min(n, max(_POINTS_PER_LIST * lists, _FEW))


def chosen(built: Built, queries: Vectors, truth: Truth, recall: float) -> Effort:
    """The least effort tried with which the truth's queries reach the recall by a standard error; else the best."""
    best, reached, probes = Effort(1, _DEPTHS[0]), -1.0, 1
    while True:
        for depth in _DEPTHS:
            effort = Effort(min(probes, built.lists), depth)
            shares = shares_found(built.search(queries, truth.index.shape[1], effort)[0], truth.similarity)
            if shares.mean() > reached:
                best, reached = effort, float(shares.mean())
            if shares.mean() - shares.std() / len(shares) ** 0.5 >= recall:
                return effort
        if probes >= built.lists:
            return best
        probes *= 2

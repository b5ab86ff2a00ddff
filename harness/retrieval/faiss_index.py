"""Nearest neighbours by FAISS, the one module that imports it: https://arxiv.org/abs/2401.08281.

faiss-cpu exports the names of the GPU functions too; only `StandardGpuResources` tells the packages apart, and PyPI's
faiss-gpu also imports and searches where there is no GPU."""

import math
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import missing_package

Vectors = NDArray[np.float32]
Found = tuple[NDArray[np.float32], NDArray[np.int64]]
_POINTS_PER_LIST = 39  # fewer training points than this per centroid and FAISS calls the clustering unreliable
_PROBED = 8  # one list in eight


@dataclass(frozen=True)
class Lists:
    """An inverted file: how many lists (None: the square root of the number of vectors), how many of them a query
    looks into (None: an eighth), and the seed of the clustering."""

    lists: int | None = None
    probes: int | None = None
    seed: int = 0


def load_faiss() -> ModuleType:
    """The faiss module, or the error that names its two packages."""
    try:
        import faiss
    except ImportError as error:
        raise missing_package(
            "faiss", "'zeroshot-harness[cpu]' (or 'zeroshot-harness[gpu]' on a CUDA machine)"
        ) from error
    module: ModuleType = faiss
    return module


def gpus(faiss: ModuleType) -> int:
    """How many GPUs this build of FAISS can use here."""
    return int(faiss.get_num_gpus()) if hasattr(faiss, "StandardGpuResources") else 0


def search_flat(queries: Vectors, vectors: Vectors, k: int) -> Found:
    """Similarities and indices (q, k) of the k largest inner products with `vectors` (n, d), exactly; k <= n."""
    faiss = load_faiss()
    index = _on_all_gpus(faiss, faiss.IndexFlatIP(vectors.shape[1]))
    index.add(vectors)
    return _found(index.search(queries, k))


def search_lists(queries: Vectors, vectors: Vectors, k: int, settings: Lists) -> Found:
    """As `search_flat`, but only among the vectors of the probed lists: approximate, meant for unit vectors.

    A query whose lists hold fewer than k vectors is searched for in all lists."""
    faiss = load_faiss()
    count = settings.lists or max(1, min(math.isqrt(len(vectors)), len(vectors) // _POINTS_PER_LIST))
    quantiser = faiss.IndexFlatIP(vectors.shape[1])
    built = faiss.IndexIVFFlat(quantiser, vectors.shape[1], count, faiss.METRIC_INNER_PRODUCT)
    built.cp.seed = settings.seed
    built.cp.min_points_per_centroid = 1
    index = _on_all_gpus(faiss, built)
    index.train(vectors)
    index.add(vectors)
    _probe(faiss, index, min(count, settings.probes or math.ceil(count / _PROBED)))
    similarity, found = _found(index.search(queries, k))
    short = (found < 0).any(axis=1)
    if short.any():
        _probe(faiss, index, count)
        similarity[short], found[short] = _found(index.search(queries[short], k))
    return similarity, found


def _on_all_gpus(faiss: ModuleType, index: Any) -> Any:
    return faiss.index_cpu_to_all_gpus(index) if gpus(faiss) else index


def _probe(faiss: ModuleType, index: Any, probes: int) -> None:
    space = faiss.GpuParameterSpace() if gpus(faiss) else faiss.ParameterSpace()
    space.set_index_parameter(index, "nprobe", probes)


def _found(result: tuple[Vectors, NDArray[np.int64]]) -> Found:
    return result[0], result[1].astype(np.int64, copy=False)

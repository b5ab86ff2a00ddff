"""Nearest neighbours by FAISS, the one module that imports it: https://arxiv.org/abs/2401.08281.

faiss-cpu exports the names of the GPU functions too; only `StandardGpuResources` tells the packages apart, and PyPI's
faiss-gpu also imports and searches where there is no GPU."""

from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from harness.errors import missing_package
from harness.retrieval import ranking
from harness.retrieval.cell_join import rescored
from harness.retrieval.screen import tensor_of

Vectors = NDArray[np.float32]
Found = tuple[NDArray[np.float32], NDArray[np.int64]]
_MORE = 8  # candidates that halves find beyond those asked for
_CHUNK = 65536
_GPU_PIECE = 2 * 2**30  # bytes of each side on a GPU at once


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


def search_flat(queries: Vectors, vectors: Vectors, k: int, half: bool = False) -> Found:
    """Similarities and indices (q, k) of the k largest inner products with `vectors` (n, d); k <= n.

    On every GPU there is, each with its share of the vectors. `half` searches in float16 for some more candidates and
    scores them again in float32: a neighbour is missed only where halves misplace it by more than those."""
    faiss = load_faiss()
    count = min(k + _MORE, len(vectors)) if half else k
    if gpus(faiss):
        keys = _on_gpus(faiss, queries, vectors, count, half)
    else:
        keys = _on_cpu(faiss, queries, vectors, count, half)
    if half:
        keys = rescored(tensor_of(queries), tensor_of(vectors), keys, k)
    return ranking.unpack(keys)


def _on_cpu(faiss: ModuleType, queries: Vectors, vectors: Vectors, k: int, half: bool) -> torch.Tensor:
    width = vectors.shape[1]
    if half:
        index = faiss.IndexScalarQuantizer(width, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
    else:
        index = faiss.IndexFlatIP(width)
    for start in range(0, len(vectors), _CHUNK):
        index.add(vectors[start : start + _CHUNK])
    keys = torch.empty(len(queries), k, dtype=torch.int64)
    for start in range(0, len(queries), _CHUNK):
        keys[start : start + _CHUNK] = _packed(index.search(queries[start : start + _CHUNK], k), 0)
    return keys


def _on_gpus(faiss: ModuleType, queries: Vectors, vectors: Vectors, k: int, half: bool) -> torch.Tensor:
    """The best keys over the GPUs' shares. `knn_gpu` itself cuts both sides into pieces that fit beside one another."""
    bounds = np.linspace(0, len(vectors), gpus(faiss) + 1).astype(int).tolist()
    kind = np.float16 if half else np.float32

    def share(device: int) -> torch.Tensor:
        start, stop = bounds[device], bounds[device + 1]
        if start == stop:
            return ranking.empty(len(queries), 1, torch.device("cpu"))
        result = faiss.knn_gpu(
            faiss.StandardGpuResources(),
            queries.astype(kind, copy=False),
            vectors[start:stop].astype(kind, copy=False),
            min(k, stop - start),
            metric=faiss.METRIC_INNER_PRODUCT,
            device=device,
            vectorsMemoryLimit=_GPU_PIECE,
            queriesMemoryLimit=_GPU_PIECE,
        )
        return _packed(result, start)

    with ThreadPoolExecutor(gpus(faiss)) as pool:
        shares = list(pool.map(share, range(gpus(faiss))))
    return torch.cat(shares, 1).topk(k, dim=1).values


def _packed(result: Found, first: int) -> torch.Tensor:
    similarity, found = result
    index = torch.from_numpy(found.astype(np.int64, copy=False))
    keys = ranking.pack(torch.from_numpy(similarity), index + first)
    return keys.masked_fill(index < 0, ranking.EMPTY)


def on_all_gpus(faiss: ModuleType, index: Any) -> Any:
    """The index, cut into shares over every GPU where there are any."""
    if not gpus(faiss):
        return index
    options = faiss.GpuMultipleClonerOptions()
    options.shard = True
    return faiss.index_cpu_to_all_gpus(index, co=options)


def set_probes(faiss: ModuleType, index: Any, probes: int) -> None:
    """How many lists a query looks into."""
    space = faiss.GpuParameterSpace() if gpus(faiss) else faiss.ParameterSpace()
    space.set_index_parameter(index, "nprobe", probes)

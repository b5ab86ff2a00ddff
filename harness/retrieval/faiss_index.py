"""Nearest neighbours by FAISS, the one module that imports it: https://arxiv.org/abs/2401.08281.

faiss-cpu exports the names of the GPU functions too; only `StandardGpuResources` tells the packages apart, and PyPI's
faiss-gpu also imports and searches where there is no GPU."""

from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import missing_package

Vectors = NDArray[np.float32]
Found = tuple[NDArray[np.float32], NDArray[np.int64]]


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
    index = on_all_gpus(faiss, faiss.IndexFlatIP(vectors.shape[1]))
    index.add(vectors)
    similarity, found = index.search(queries, k)
    return similarity, found.astype(np.int64, copy=False)


def on_all_gpus(faiss: ModuleType, index: Any) -> Any:
    """The index, copied to every GPU where there are any."""
    return faiss.index_cpu_to_all_gpus(index) if gpus(faiss) else index


def set_probes(faiss: ModuleType, index: Any, probes: int) -> None:
    """How many lists a query looks into."""
    space = faiss.GpuParameterSpace() if gpus(faiss) else faiss.ParameterSpace()
    space.set_index_parameter(index, "nprobe", probes)

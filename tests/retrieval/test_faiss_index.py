"""FAISS's own search, its GPUs, and what is said when it is missing."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from nearest import assert_nearest, vectors

from harness.errors import HarnessError
from harness.retrieval import faiss_index
from harness.retrieval.faiss_index import gpus, search_flat


def test_flat_search_is_a_full_sort() -> None:
    queries, index = vectors(0, 60, 24, "long"), vectors(1, 90, 24, "long")
    assert_nearest(search_flat(queries, index, 5), queries, index, 5)


def test_halves_with_scores_in_float32_find_the_same() -> None:
    queries, index = vectors(2, 60, 24), vectors(3, 900, 24)
    assert_nearest(search_flat(queries, index, 5, half=True), queries, index, 5)


def test_names_of_gpu_functions_alone_are_no_gpu() -> None:
    cpu_build: Any = SimpleNamespace(get_num_gpus=lambda: 2, index_cpu_to_all_gpus=None)
    without: Any = SimpleNamespace(get_num_gpus=lambda: 0, StandardGpuResources=None)
    gpu_build: Any = SimpleNamespace(get_num_gpus=lambda: 2, StandardGpuResources=None)
    assert [gpus(build) for build in (cpu_build, without, gpu_build)] == [0, 0, 2]


@pytest.mark.parametrize("half", [False, True])
def test_every_gpu_searches_its_share(half: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """FAISS's GPU functions by stand-ins with their signature: what is tested is who gets what, and the merge."""
    faiss: Any = faiss_index.load_faiss()
    calls: list[tuple[int, str, int]] = []

    def knn_gpu(res: object, xq: Any, xb: Any, k: int, *, metric: int, device: int, **limits: int) -> tuple[Any, Any]:
        assert metric == faiss.METRIC_INNER_PRODUCT
        assert set(limits) == {"vectorsMemoryLimit", "queriesMemoryLimit"}
        calls.append((device, str(xb.dtype), len(xb)))
        scores = xq.astype(np.float32) @ xb.astype(np.float32).T
        found = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(scores, found, 1), found

    fake = ModuleType("faiss")
    fake.__dict__.update(faiss.__dict__)
    fake.__dict__.update(StandardGpuResources=object, get_num_gpus=lambda: 3, knn_gpu=knn_gpu)
    monkeypatch.setitem(sys.modules, "faiss", fake)
    queries, index = vectors(10, 20, 8), vectors(11, 200, 8)
    assert_nearest(search_flat(queries, index, 4, half), queries, index, 4)
    kind = "float16" if half else "float32"
    assert sorted(calls) == [(0, kind, 66), (1, kind, 67), (2, kind, 67)]
    assert_nearest(search_flat(queries, index[:2], 2, half), queries, index[:2], 2)


def test_a_missing_faiss_names_both_its_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(
        HarnessError, match=r"'faiss' is not installed.*zeroshot-harness\[cpu\].*zeroshot-harness\[gpu\]"
    ):
        search_flat(vectors(0, 3, 4), vectors(0, 3, 4), 1)

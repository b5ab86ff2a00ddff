"""FAISS's own search, its GPUs, and what is said when it is missing."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from nearest import assert_nearest, vectors

from harness.errors import HarnessError
from harness.retrieval import faiss_index
from harness.retrieval.faiss_index import Lists, gpus, search_flat, search_lists


def test_flat_search_is_a_full_sort() -> None:
    queries, index = vectors(0, 60, 24, "long"), vectors(1, 90, 24, "long")
    assert_nearest(search_flat(queries, index, 5), queries, index, 5)


def test_all_lists_together_are_a_flat_search() -> None:
    queries, index = vectors(2, 200, 24), vectors(3, 800, 24)
    assert_nearest(search_lists(queries, index, 4, Lists(lists=10, probes=10)), queries, index, 4)


def test_more_probes_find_more() -> None:
    queries, index = vectors(4, 300, 24), vectors(5, 2000, 24)
    truth = search_flat(queries, index, 4)[1]
    found = [
        (search_lists(queries, index, 4, Lists(lists=30, probes=probes))[1] == truth).mean() for probes in (1, 5, 30)
    ]
    assert found[0] < found[1] < found[2] == 1


def test_a_query_whose_lists_are_too_short_still_gets_k() -> None:
    queries, index = vectors(6, 50, 8), vectors(7, 40, 8)
    similarity, found = search_lists(queries, index, 30, Lists(lists=20, probes=1))
    assert (found >= 0).all()
    assert np.isfinite(similarity).all()
    assert_nearest((similarity, found), queries, index, 30)


@pytest.mark.parametrize("rows", [1, 5, 100])
def test_a_small_index_needs_no_warning(rows: int, capfd: pytest.CaptureFixture[str]) -> None:
    search_lists(vectors(8, 10, 8), vectors(9, rows, 8), 1, Lists())
    written = capfd.readouterr()
    assert "WARNING" not in written.err + written.out


def test_names_of_gpu_functions_alone_are_no_gpu() -> None:
    cpu_build: Any = SimpleNamespace(get_num_gpus=lambda: 2, index_cpu_to_all_gpus=None)
    without: Any = SimpleNamespace(get_num_gpus=lambda: 0, StandardGpuResources=None)
    gpu_build: Any = SimpleNamespace(get_num_gpus=lambda: 2, StandardGpuResources=None)
    assert [gpus(build) for build in (cpu_build, without, gpu_build)] == [0, 0, 2]


def test_where_there_are_gpus_the_index_goes_to_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    faiss: Any = faiss_index.load_faiss()
    moved = []

    def index_cpu_to_all_gpus(index: Any) -> Any:
        moved.append(type(index).__name__)
        return index

    fake = ModuleType("faiss")
    fake.__dict__.update(faiss.__dict__)
    fake.__dict__.update(
        StandardGpuResources=None,
        get_num_gpus=lambda: 2,
        index_cpu_to_all_gpus=index_cpu_to_all_gpus,
        GpuParameterSpace=faiss.ParameterSpace,
    )
    monkeypatch.setitem(sys.modules, "faiss", fake)
    queries, index = vectors(10, 20, 8), vectors(11, 200, 8)
    search_flat(queries, index, 2)
    search_lists(queries, index, 2, Lists(lists=4))
    assert moved == ["IndexFlatIP", "IndexIVFFlat"]


def test_a_missing_faiss_names_both_its_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(
        HarnessError, match=r"'faiss' is not installed.*zeroshot-harness\[cpu\].*zeroshot-harness\[gpu\]"
    ):
        search_flat(vectors(0, 3, 4), vectors(0, 3, 4), 1)

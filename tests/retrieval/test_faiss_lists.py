"""FAISS's compressed lists: their recall is measured, an index is kept whole or not at all."""

from pathlib import Path

import numpy as np
import pytest
from nearest import assert_nearest, vectors

from harness.retrieval import faiss_index, faiss_lists
from harness.retrieval.faiss_lists import Compressed, build, search_compressed
from harness.retrieval.held_back import Truth
from harness.retrieval.neighbours import Search, search_both


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A codebook from few vectors, so that the test is short."""
    monkeypatch.setattr(faiss_lists, "_FEW", 512)
    monkeypatch.setattr(faiss_lists, "_ROTATIONS", 1)


def test_recall_is_reached_and_measured() -> None:
    source, target = vectors(0, 600, 16), vectors(1, 1200, 16)
    settings = Search(compressed=Compressed(0.9, lists=12, bytes=4), sample=400)
    both = search_both(source, target, 4, "ivfpq", settings=settings)
    assert both.recall is not None
    assert both.recall.value >= 0.85
    exact = search_both(source, target, 4)
    true = (both.forward_similarity >= exact.forward_similarity[:, -1:] - 1e-5).mean()
    assert true == pytest.approx(both.recall.value, abs=0.05)
    assert (both.forward_similarity <= exact.forward_similarity + 1e-6).all(), "scored in float32, best first"


def test_few_vectors_are_searched_as_they_are() -> None:
    source, target = vectors(2, 40, 16), vectors(3, 90, 16)
    both = search_both(source, target, 4, "ivfpq")
    assert_nearest((both.forward_similarity, both.forward_index), source, target, 4)
    assert_nearest((both.backward_similarity, both.backward_index), target, source, 4)


def test_an_index_is_kept_and_half_of_one_is_not_read(tmp_path: Path) -> None:
    target, settings = vectors(4, 700, 16), Compressed(lists=6, bytes=4)
    file = tmp_path / "target.faiss"
    (tmp_path / ".target.faiss.99").write_bytes(b"half an ind")
    first = build(target, settings, file)
    assert file.is_file()
    before = file.stat().st_mtime_ns
    second = build(target, settings, file)
    assert file.stat().st_mtime_ns == before
    assert first.lists == second.lists == 6
    found = [one.search(target[:20], 3, faiss_lists.Effort(6, 16))[1] for one in (first, second)]
    np.testing.assert_array_equal(*found)


def test_queries_that_come_up_short_are_searched_where_the_vectors_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lists of which one holds fewer vectors than asked for; no copy of the side is put into another index."""
    source, target = vectors(5, 30, 16), vectors(6, 700, 16)
    np.save(tmp_path / "target.npy", target)
    mapped = np.load(tmp_path / "target.npy", mmap_mode="r")
    built: list[object] = []
    monkeypatch.setattr(faiss_lists, "chosen", lambda *given: faiss_lists.Effort(1, 1))
    monkeypatch.setattr(faiss_index, "_on_cpu", lambda *given: built.append(given))
    monkeypatch.setattr(faiss_lists, "_QUERIES", 8)
    truth = Truth(np.arange(1), np.zeros((1, 120), np.float32), np.zeros((1, 120), np.int64))
    settings = Compressed(lists=12, bytes=4)
    part = build(mapped, settings, None).search(source, 120, faiss_lists.Effort(1, 1))[0]
    assert np.isinf(part[:, -1]).sum() > 8
    found = search_compressed(source, mapped, truth, settings)
    assert not built
    short = np.isinf(part[:, -1])
    assert_nearest((found[0][short], found[1][short]), source[short], target, 120)

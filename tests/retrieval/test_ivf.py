"""The search by cells: complete where all cells are looked into, honest about its recall, the same after a kill."""

import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from nearest import assert_nearest, vectors
from numpy.typing import NDArray

from harness.retrieval import ivf, neighbours, rough
from harness.retrieval.cell_join import planned
from harness.retrieval.cells import Cells, train
from harness.retrieval.exact import search_exact
from harness.retrieval.held_back import Truth, needed_probes, sampled
from harness.retrieval.ivf import Inverted
from harness.retrieval.neighbours import Both, Search, search_both
from harness.retrieval.rough import Rough, product, rough_sides, tile_type
from harness.retrieval.screen import survey, tensor_of


def bunched(seed: int, rows: int, width: int = 48, topics: int = 60) -> NDArray[np.float32]:
    """Unit vectors in many tight topics, so that cells pay."""
    centres = np.random.default_rng(7).standard_normal((topics, width))
    random = np.random.default_rng(seed)
    raw = centres[random.integers(topics, size=rows)] + 0.5 * random.standard_normal((rows, width))
    return np.asarray(raw / np.linalg.norm(raw, axis=1, keepdims=True), np.float32)


def arrays(both: Both) -> tuple[NDArray[Any], ...]:
    return both.forward_similarity, both.forward_index, both.backward_similarity, both.backward_index


def share_found(rough: Both, exact: Both) -> list[float]:
    return [
        float(np.mean([len(set(a) & set(b)) / len(a) for a, b in zip(one.tolist(), other.tolist(), strict=True)]))
        for one, other in (
            (exact.forward_index, rough.forward_index),
            (exact.backward_index, rough.backward_index),
        )
    ]


@pytest.mark.parametrize("shape", ["plain", "cone", "outlier", "long"])
def test_all_cells_together_are_the_exact_search(shape: str) -> None:
    source, target = vectors(0, 300, 40, shape), vectors(1, 500, 40, shape)
    settings = Search(inverted=Inverted(cells=6, probes=6, code="floats"))
    both = search_both(source, target, 4, "ivf", settings=settings)
    assert_nearest((both.forward_similarity, both.forward_index), source, target, 4)
    assert_nearest((both.backward_similarity, both.backward_index), target, source, 4)
    assert "6 cells, 6 probed, 100.00% of all pairs" in both.how


@pytest.mark.parametrize("shape", ["plain", "cone"])
def test_bytes_lose_next_to_nothing(shape: str) -> None:
    source, target = vectors(0, 300, 256, shape), vectors(1, 500, 256, shape)
    settings = Search(inverted=Inverted(cells=6, probes=6, code="bytes"))
    both = search_both(source, target, 4, "ivf", settings=settings)
    assert min(share_found(both, search_both(source, target, 4))) > 0.995


def test_what_is_found_has_the_exact_search_s_own_similarity() -> None:
    source, target = bunched(0, 900), bunched(1, 700)
    exact = search_both(source, target, 4)
    rough = search_both(source, target, 4, "ivf", settings=Search(inverted=Inverted(cells=30, probes=4)))
    same = exact.forward_index == rough.forward_index
    assert same.mean() > 0.9
    assert (exact.forward_similarity == rough.forward_similarity)[same].all()


def test_more_probes_find_more_and_the_measured_recall_says_so() -> None:
    source, target = vectors(4, 800, 32), vectors(5, 1500, 32)
    exact, last = search_both(source, target, 4), 0.0
    for probes in (1, 4, 12):
        settings = Search(inverted=Inverted(cells=30, probes=probes), sample=1600)
        rough = search_both(source, target, 4, "ivf", settings=settings)
        found = share_found(rough, exact)
        assert rough.recall is not None
        assert rough.recall.low - 0.02 <= np.mean(found) <= rough.recall.high + 0.02
        assert last < np.mean(found)
        last = float(np.mean(found))


@pytest.mark.parametrize("recall", [0.8, 0.95, 0.99])
def test_probes_are_chosen_to_reach_the_recall(recall: float) -> None:
    source, target = bunched(2, 2500, topics=120), bunched(3, 2000, topics=120)
    rough = search_both(source, target, 4, "ivf", settings=Search(inverted=Inverted(recall), sample=1000))
    assert rough.recall is not None
    found = share_found(rough, search_both(source, target, 4))
    assert min(found) >= recall - 0.01
    assert rough.recall.high >= recall
    share = float(rough.how.split("% of all pairs")[0].split()[-1])
    assert share < 40


def test_less_recall_is_less_work() -> None:
    source, target = bunched(4, 2500, topics=120), bunched(5, 2000, topics=120)
    sides = rough_sides(survey(tensor_of(source)), survey(tensor_of(target)), "floats")
    cells = train(*sides, 60, 0)
    home = cells.nearest(sides[1], 1)[:, 0]
    truths = truth(source, target), truth(target, source)
    needed = [needed_probes(cells, sides, home, truths, recall) for recall in (0.5, 0.9, 0.999, 1.0)]
    assert needed == sorted(needed)
    assert needed[0] < needed[-1]


def truth(queries: NDArray[np.float32], others: NDArray[np.float32]) -> Truth:
    rows = sampled(len(queries), 400, 0)
    exact = search_both(queries[rows], others, 4)
    return Truth(rows, exact.forward_similarity, exact.forward_index)


def test_what_cannot_be_indexed_is_searched_exactly_and_says_so() -> None:
    random = np.random.default_rng(0)
    source, target = (random.standard_normal((1000, 64)).astype(np.float32) for _ in range(2))
    both = search_both(source, target, 4, "ivf")
    assert "exact" in both.how
    assert both.recall is not None
    assert both.recall.value == 1
    for mine, theirs in zip(arrays(both), arrays(search_both(source, target, 4)), strict=True):
        assert mine.tobytes() == theirs.tobytes()


def test_rows_whose_cells_hold_too_little_still_get_k() -> None:
    """Targets of a topic that no source has: no source looks into their cell."""
    source, target = bunched(6, 200, topics=3), bunched(7, 300, topics=60)
    settings = Search(inverted=Inverted(cells=40, probes=1))
    both = search_both(source, target, 6, "ivf", settings=settings)
    assert np.isfinite(both.forward_similarity).all()
    assert np.isfinite(both.backward_similarity).all()
    assert both.backward_index.min() >= 0
    assert both.backward_index.max() < 200
    for row in (both.forward_index, both.backward_index):
        assert all(len(set(found)) == 6 for found in row.tolist()), "no neighbour twice"


@pytest.mark.parametrize(("rows", "columns", "k"), [(1, 1, 1), (3, 2, 5), (50, 7, 10)])
def test_any_size(rows: int, columns: int, k: int) -> None:
    source, target = vectors(8, rows, 5), vectors(9, columns, 5)
    both = search_both(source, target, k, "ivf", settings=Search(inverted=Inverted(cells=2, probes=2)))
    assert_nearest((both.forward_similarity, both.forward_index), source, target, min(k, columns))
    assert_nearest((both.backward_similarity, both.backward_index), target, source, min(k, rows))


class KilledError(Exception):
    """Stands for a signal."""


@pytest.mark.parametrize("moment", [0.05, 0.4, 0.9])
def test_a_killed_search_goes_on_to_the_same_bytes(moment: float, tmp_path: Path) -> None:
    source, target = bunched(10, 900), bunched(11, 700)
    settings = Search(inverted=Inverted(cells=25, probes=5))
    straight = search_both(source, target, 4, "ivf", settings=settings)

    def kill(done: int, total: int) -> None:
        if done >= moment * total:
            raise KilledError

    with pytest.raises(KilledError):
        search_both(source, target, 4, "ivf", kill, settings, tmp_path)
    seen: list[int] = []
    resumed = search_both(source, target, 4, "ivf", lambda done, total: seen.append(done), settings, tmp_path)
    assert min(seen) >= moment * 900
    assert seen[-1] == 900
    for mine, theirs in zip(arrays(straight), arrays(resumed), strict=True):
        assert mine.tobytes() == theirs.tobytes()


@pytest.mark.parametrize("moment", [0.2, 0.5, 0.95])
def test_source_rows_planned_in_pieces_find_the_same(
    moment: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many cells of source rows are never known at once, and a search killed in any piece goes on from there."""
    source, target = bunched(22, 6000), bunched(23, 500)
    settings = Search(inverted=Inverted(cells=25, probes=5))
    whole, known = search_both(source, target, 4, "ivf", settings=settings), []
    nearest = Cells.nearest

    def look(cells: Cells, side: Rough, count: int) -> torch.Tensor:
        known.append(len(side) * count)
        return nearest(cells, side, count)

    def kill(done: int, total: int) -> None:
        if done >= moment * total:
            raise KilledError

    monkeypatch.setattr(Cells, "nearest", look)
    monkeypatch.setattr(ivf, "PROBED", 5 * 2048)
    with pytest.raises(KilledError):
        search_both(source, target, 4, "ivf", kill, settings, tmp_path)
    seen: list[int] = []
    resumed = search_both(source, target, 4, "ivf", lambda done, total: seen.append(done), settings, tmp_path)
    assert max(known) == 5 * 2048
    assert seen == sorted(seen)
    assert seen[0] >= moment * 6000
    assert seen[-1] == 6000
    assert resumed.how == whole.how
    for mine, theirs in zip(arrays(whole), arrays(resumed), strict=True):
        assert mine.tobytes() == theirs.tobytes()


def test_what_cannot_be_indexed_is_given_up_before_all_its_cells_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    random, known = np.random.default_rng(0), []
    source, target = (random.standard_normal((1000, 64)).astype(np.float32) for _ in range(2))
    nearest = Cells.nearest

    def look(cells: Cells, side: Rough, count: int) -> torch.Tensor:
        known.append(count)
        return nearest(cells, side, count)

    monkeypatch.setattr(Cells, "nearest", look)
    assert "exact" in search_both(source, target, 4, "ivf").how
    assert set(known) == {1}


def test_rows_that_come_up_short_are_filled_in_pieces_beside_no_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = bunched(6, 200, topics=3), bunched(7, 300, topics=60)
    settings = Search(inverted=Inverted(cells=40, probes=1, code="bytes"))
    whole = search_both(source, target, 6, "ivf", settings=settings)
    codes: list[weakref.ref[torch.Tensor]] = []
    pieces: list[int] = []
    seen: list[int] = []

    def coded(*given: Any) -> tuple[Rough, Rough]:
        sides = rough_sides(*given)
        codes.extend(weakref.ref(side.values) for side in sides)
        return sides

    def filled(sides: Any, *given: Any) -> Any:
        assert [code() for code in codes] == [None, None]
        pieces.append(len(sides[0].vectors))
        return search_exact(sides, *given)

    monkeypatch.setattr(ivf, "rough_sides", coded)
    monkeypatch.setattr(ivf, "search_exact", filled)
    monkeypatch.setattr(ivf, "_FILLED", 40)
    pieced = search_both(source, target, 6, "ivf", lambda done, total: seen.append(done), settings)
    assert len(pieces) > 2
    assert max(pieces) == 40
    assert seen[-len(pieces) :] == [200] * len(pieces), "a memory bound is looked at in every piece"
    for mine, theirs in zip(arrays(whole), arrays(pieced), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_a_killed_search_of_what_cannot_be_indexed_goes_on(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    source, target = (random.standard_normal((1000, 64)).astype(np.float32) for _ in range(2))
    settings = Search(tile=100)

    def kill(done: int, total: int) -> None:
        if done >= total / 2:
            raise KilledError

    with pytest.raises(KilledError):
        search_both(source, target, 4, "ivf", kill, settings, tmp_path)
    seen: list[int] = []
    resumed = search_both(source, target, 4, "ivf", lambda done, total: seen.append(done), settings, tmp_path)
    assert "exact" in resumed.how
    assert seen[0] == 600
    for mine, theirs in zip(arrays(resumed), arrays(search_both(source, target, 4)), strict=True):
        assert mine.tobytes() == theirs.tobytes()


def test_a_state_of_other_cells_is_not_gone_on_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As another machine's rounding may make them of the same vectors and settings."""
    source, target = bunched(10, 900), bunched(11, 700)
    settings = Search(inverted=Inverted(cells=25, probes=5))

    def kill(done: int, total: int) -> None:
        if done >= total / 2:
            raise KilledError

    with pytest.raises(KilledError):
        search_both(source, target, 4, "ivf", kill, settings, tmp_path)
    monkeypatch.setattr("harness.retrieval.ivf.train", lambda *sides: train(*sides[:-1], seed=1))
    straight = search_both(source, target, 4, "ivf", settings=settings)
    resumed = search_both(source, target, 4, "ivf", settings=settings, snapshots=tmp_path)
    for mine, theirs in zip(arrays(straight), arrays(resumed), strict=True):
        assert mine.tobytes() == theirs.tobytes()


def test_what_is_multiplied_is_the_processor_s_to_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = bunched(20, 200), bunched(21, 200)
    settings = Search(inverted=Inverted(cells=5, probes=2))
    flags = {"flags : fma avx2 avx512_vnni": torch.int8, "flags : fma avx2": torch.float32, "": torch.float32}
    for number, (text, kind) in enumerate(flags.items()):
        processor = tmp_path / str(number)
        if text:
            processor.write_text(text, encoding="ascii")
        monkeypatch.setattr(rough, "_PROCESSOR", processor)
        rough.multiplies_bytes.cache_clear()
        sides = rough_sides(survey(tensor_of(source)), survey(tensor_of(target)))
        assert [side.values.dtype for side in sides] == [kind, kind]
        search_both(source, target, 2, "ivf", settings=settings, snapshots=tmp_path / "states")
        assert len(list((tmp_path / "states").iterdir())) == min(number + 1, 2), "bytes and floats apart"
    rough.multiplies_bytes.cache_clear()


def test_the_passes_of_one_query_s_cells_may_be_cut_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = bunched(12, 400), bunched(13, 300)
    settings = Search(inverted=Inverted(cells=20, probes=7))
    whole = search_both(source, target, 4, "ivf", settings=settings)
    monkeypatch.setattr("harness.retrieval.cell_join._VISITS", 900)
    monkeypatch.setattr("harness.retrieval.cell_join._TILE", 32)
    for mine, theirs in zip(
        arrays(whole), arrays(search_both(source, target, 4, "ivf", settings=settings)), strict=True
    ):
        assert mine.tobytes() == theirs.tobytes()


@pytest.mark.parametrize("shape", ["plain", "cone", "outlier"])
def test_rough_products_order_nearly_as_similarities(shape: str) -> None:
    source, target = vectors(14, 200, 96, shape), vectors(15, 300, 96, shape)
    rough = rough_sides(survey(tensor_of(source)), survey(tensor_of(target)), "bytes")
    assert rough[0].values.dtype == torch.int8
    out = torch.empty(200, 300, dtype=tile_type(rough[0]))
    product(*rough, out)
    true = source.astype(np.float64) @ target.astype(np.float64).T
    for row in range(0, 200, 20):
        assert np.corrcoef(out[row].numpy(), true[row])[0, 1] > 0.999


def test_cells_are_the_nearest_by_distance() -> None:
    means = torch.tensor([[0.0, 0.0], [3.0, 0.0], [0.0, 9.0]])
    cells = Cells(Rough(means, -means.square().sum(1) / 2))
    side = Rough(torch.tensor([[1.0, 0.5], [2.0, 0.1], [0.5, 6.0]]), torch.zeros(3))
    assert cells.nearest(side, 1)[:, 0].tolist() == [0, 1, 2]
    assert cells.nearest(side, 3).tolist() == [[0, 1, 2], [1, 0, 2], [2, 0, 1]]
    assert cells.ranks(side, torch.tensor([1, 1, 0])).tolist() == [1, 0, 1]


def test_a_plan_counts_its_pairs() -> None:
    probes = torch.tensor([[0, 1], [1, 2], [0, 2]]).int()
    assert planned(probes, torch.tensor([0, 0, 0, 1, 2, 2]).int(), 3).pairs == 2 * 3 + 2 * 1 + 2 * 2


def test_fewer_distinct_vectors_than_cells() -> None:
    source, target = np.tile(bunched(16, 3), (50, 1)), np.tile(bunched(17, 2), (60, 1))
    settings = Search(inverted=Inverted(cells=10, probes=10))
    both = search_both(source, target, 3, "ivf", settings=settings)
    exact = search_both(source, target, 3)
    np.testing.assert_array_equal(both.forward_similarity, exact.forward_similarity)
    np.testing.assert_array_equal(both.backward_similarity, exact.backward_similarity)


def test_settings_of_other_searches_have_states_of_their_own(tmp_path: Path) -> None:
    source, target = bunched(18, 200), bunched(19, 200)
    for number, inverted in enumerate((Inverted(cells=5, probes=2), Inverted(cells=5, probes=3)), 1):
        search_both(source, target, 2, "ivf", settings=Search(inverted=inverted), snapshots=tmp_path)
        assert len(list(tmp_path.iterdir())) == number
    assert neighbours.ENGINES == ("exact", "faiss", "faiss16", "ivf", "ivfpq")

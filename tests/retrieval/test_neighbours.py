"""The exact search against a full sort in float64, whatever the tile, the screen and the interruption."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from nearest import assert_nearest, vectors
from numpy.typing import NDArray

from harness.errors import HarnessError
from harness.retrieval import neighbours
from harness.retrieval.neighbours import Both, Search, search_both

Array = NDArray[Any]
SCREENS = ("float", "byte", "auto")


def arrays(both: Both) -> tuple[Array, ...]:
    return both.forward_similarity, both.forward_index, both.backward_similarity, both.backward_index


def assert_same(one: Both, other: Both) -> None:
    for mine, theirs in zip(arrays(one), arrays(other), strict=True):
        assert mine.dtype == theirs.dtype
        assert mine.tobytes() == theirs.tobytes()


@pytest.mark.parametrize("shape", ["plain", "cone", "outlier", "long"])
@pytest.mark.parametrize("screen", SCREENS)
def test_nearest_are_those_of_a_full_sort(screen: str, shape: str) -> None:
    source, target = vectors(0, 700, 96, shape), vectors(1, 450, 96, shape)
    both = search_both(source, target, 4, settings=Search(screen=screen, tile=256))
    assert both.recall is None
    assert_nearest((both.forward_similarity, both.forward_index), source, target, 4)
    assert_nearest((both.backward_similarity, both.backward_index), target, source, 4)


@pytest.mark.parametrize(
    ("rows", "columns", "width", "k"), [(1, 1, 1, 1), (5, 3, 4, 4), (130, 260, 65, 10), (64, 90, 7, 200)]
)
@pytest.mark.parametrize("screen", SCREENS)
def test_any_size_and_any_tile_gives_the_same_bytes(screen: str, rows: int, columns: int, width: int, k: int) -> None:
    source, target = vectors(2, rows, width, "long"), vectors(3, columns, width, "long")
    whole = search_both(source, target, k)
    assert whole.forward_index.shape == (rows, min(k, columns))
    assert whole.backward_index.shape == (columns, min(k, rows))
    assert_nearest((whole.forward_similarity, whole.forward_index), source, target, min(k, columns))
    for tile in (33, 64, 100):
        assert_same(whole, search_both(source, target, k, settings=Search(screen=screen, tile=tile)))


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("tile", [16, 2048])
def test_of_equal_similarities_the_lower_index_comes_first(screen: str, tile: int) -> None:
    base = vectors(4, 3, 32)
    source, target = np.tile(base, (40, 1)), np.tile(base, (50, 1))
    both = search_both(source, target, 5, settings=Search(screen=screen, tile=tile))
    for row, found in enumerate(both.forward_index.tolist()):
        assert found == [row % 3 + 3 * place for place in range(5)]
    assert (np.ptp(both.forward_similarity, axis=1) == 0).all(), "equal vectors must score equally wherever they stand"
    for row, found in enumerate(both.backward_index.tolist()):
        assert found == [row % 3 + 3 * place for place in range(5)]


@pytest.mark.parametrize("value", [0.0, -0.0, 0.25])
@pytest.mark.parametrize("screen", SCREENS)
def test_vectors_that_are_all_equal(screen: str, value: float) -> None:
    both = search_both(
        np.full((300, 16), value, np.float32), np.full((200, 16), value, np.float32), 3, settings=Search(screen=screen)
    )
    assert (both.forward_index == [0, 1, 2]).all()
    assert (both.backward_index == [0, 1, 2]).all()
    assert (both.forward_similarity == 16 * value * value).all()


def test_negative_and_opposite_zero_similarities_are_ordered() -> None:
    source = np.array([[1, 0]], np.float32)
    target = np.array([[-1, 0], [-0.0, 1], [0.0, 1], [-2, 0], [1, 5]], np.float32)
    both = search_both(source, target, 5)
    assert both.forward_index.tolist() == [[4, 1, 2, 0, 3]]
    assert both.forward_similarity.tolist() == [[1, 0, 0, -1, -2]]


@pytest.mark.parametrize("engine", ["faiss", "exact"])
def test_engines_agree(engine: str) -> None:
    source, target = vectors(5, 900, 48), vectors(6, 700, 48)
    exact, other = search_both(source, target, 4), search_both(source, target, 4, engine)
    np.testing.assert_allclose(exact.forward_similarity, other.forward_similarity, atol=1e-6)
    np.testing.assert_allclose(exact.backward_similarity, other.backward_similarity, atol=1e-6)
    assert (exact.forward_index == other.forward_index).mean() > 0.999
    assert (exact.backward_index == other.backward_index).mean() > 0.999


def test_a_read_only_memory_map_is_searched_without_a_word(tmp_path: Path) -> None:
    source, target = vectors(9, 100, 20), vectors(10, 80, 20)
    for name, side in (("source", source), ("target", target)):
        np.save(tmp_path / f"{name}.npy", side)
    maps = [np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in ("source", "target")]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_same(search_both(source, target, 3), search_both(maps[0], maps[1], 3))


@pytest.mark.parametrize("precision", ["high", "medium"])
def test_a_lower_matmul_precision_costs_nothing_but_time(precision: str) -> None:
    source, target = vectors(11, 300, 256, "cone"), vectors(12, 300, 256, "cone")
    whole = search_both(source, target, 4)
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision(precision)
        for screen in SCREENS:
            assert_same(whole, search_both(source, target, 4, settings=Search(screen=screen)))
    finally:
        torch.set_float32_matmul_precision(before)


def test_all_mistakes_are_named_at_once() -> None:
    with pytest.raises(HarnessError, match=r"k is 0.*source has shape \(3,\).*target is float64") as caught:
        search_both(np.ones(3, np.float32), np.ones((3, 2)), 0)  # type: ignore[arg-type]
    assert "one model" in caught.value.remedy
    with pytest.raises(HarnessError, match="source has 4 dimensions, the target 5"):
        search_both(vectors(0, 3, 4), vectors(0, 3, 5), 1)
    with pytest.raises(HarnessError, match=r"target has shape \(0, 4\)"):
        search_both(vectors(0, 3, 4), vectors(0, 0, 4), 1)
    with pytest.raises(HarnessError, match="Did you mean faiss"):
        search_both(vectors(0, 3, 4), vectors(0, 3, 4), 1, "fais")
    with pytest.raises(HarnessError, match="Screens are auto"):
        search_both(vectors(0, 3, 4), vectors(0, 3, 4), 1, settings=Search(screen="bit"))
    with pytest.raises(HarnessError, match="'faiss' cannot resume"):
        search_both(vectors(0, 3, 4), vectors(0, 3, 4), 1, "faiss", snapshots=Path("nowhere"))


@pytest.mark.parametrize("engine", neighbours.ENGINES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused_with_its_row(engine: str, bad: float) -> None:
    source, target = vectors(13, 50, 8), vectors(14, 50, 8)
    target[17, 3] = target[20, 0] = bad
    with pytest.raises(HarnessError, match="2 of the target, the first in row 17"):
        search_both(source, target, 2, engine)


def test_products_that_overflow_are_refused() -> None:
    huge = np.full((2, 2), 1e19, np.float32)
    with pytest.raises(HarnessError, match="products of the longest are not finite"):
        search_both(huge, huge, 1)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_missing_gpu_is_named() -> None:
    with pytest.raises(HarnessError, match="torch sees no GPU"):
        search_both(vectors(0, 3, 4), vectors(0, 3, 4), 1, settings=Search(device="cuda"))


def test_a_device_it_does_not_run_on_is_named() -> None:
    with pytest.raises(HarnessError, match="does not run on the device 'mps'"):
        search_both(vectors(0, 3, 4), vectors(0, 3, 4), 1, settings=Search(device="mps"))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_finds_the_same_neighbours() -> None:
    source, target = vectors(15, 700, 96), vectors(16, 500, 96)
    both = search_both(source, target, 4, settings=Search(device="cuda", tile=256))
    assert_nearest((both.forward_similarity, both.forward_index), source, target, 4)
    assert_nearest((both.backward_similarity, both.backward_index), target, source, 4)


class KilledError(Exception):
    """Stands for a signal."""


def _killed_after(rows: int) -> neighbours.Progress:
    def progress(done: int, total: int) -> None:
        if done >= rows:
            raise KilledError

    return progress


@pytest.mark.parametrize("screen", SCREENS)
def test_a_killed_search_goes_on_to_the_same_bytes(screen: str, tmp_path: Path) -> None:
    source, target = vectors(17, 500, 24), vectors(18, 300, 24)
    settings = Search(tile=128, screen=screen)
    straight = search_both(source, target, 4, settings=settings)
    with pytest.raises(KilledError):
        search_both(source, target, 4, progress=_killed_after(256), settings=settings, snapshots=tmp_path / "shards")
    seen: list[tuple[int, int]] = []
    resumed = search_both(
        source,
        target,
        4,
        progress=lambda done, total: seen.append((done, total)),
        settings=settings,
        snapshots=tmp_path / "shards",
    )
    assert seen == [(384, 500), (500, 500)]
    assert_same(straight, resumed)
    seen.clear()
    again = search_both(
        source, target, 4, progress=lambda *at: seen.append(at), settings=settings, snapshots=tmp_path / "shards"
    )
    assert not seen
    assert_same(straight, again)


def test_half_a_state_is_never_read(tmp_path: Path) -> None:
    source, target = vectors(19, 300, 24), vectors(20, 200, 24)
    settings = Search(tile=128)
    straight = search_both(source, target, 4, settings=settings)
    with pytest.raises(KilledError):
        search_both(source, target, 4, progress=_killed_after(128), settings=settings, snapshots=tmp_path)
    (folder,) = tmp_path.iterdir()
    (folder / ".state.npz.123").write_bytes(b"half a fi")
    assert_same(straight, search_both(source, target, 4, settings=settings, snapshots=tmp_path))


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("shard", [7, 64, 100, 299])
def test_target_shards_give_the_same_bytes(screen: str, shard: int) -> None:
    source, target = vectors(25, 200, 40, "cone"), vectors(26, 300, 40, "cone")
    whole = search_both(source, target, 9)
    assert_same(whole, search_both(source, target, 9, settings=Search(tile=64, shard=shard, screen=screen)))


def test_a_search_killed_in_its_second_shard_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    source, target = vectors(27, 250, 24), vectors(28, 300, 24)
    settings = Search(tile=128, shard=150)
    straight = search_both(source, target, 4, settings=Search())
    with pytest.raises(KilledError):
        search_both(source, target, 4, progress=_killed_after(378), settings=settings, snapshots=tmp_path)
    seen: list[tuple[int, int]] = []
    resumed = search_both(
        source, target, 4, progress=lambda *at: seen.append(at), settings=settings, snapshots=tmp_path
    )
    assert seen == [(500, 500)]
    assert_same(straight, resumed)


def test_snapshots_are_no_more_often_than_asked_for(tmp_path: Path) -> None:
    source, target = vectors(29, 400, 8), vectors(30, 100, 8)
    written = []
    for every in (0.0, 1000.0):
        folder = tmp_path / str(every)
        with pytest.raises(KilledError):
            search_both(
                source, target, 2, progress=_killed_after(300), settings=Search(tile=100, every=every), snapshots=folder
            )
        with np.load(next(folder.rglob("state.npz"))) as state:
            written.append(state["at"].tolist())
    assert written == [[0, 300], [0, 100]]


def test_other_searches_have_shards_of_their_own(tmp_path: Path) -> None:
    source, target = vectors(21, 100, 8), vectors(22, 100, 8)
    changed = target.copy()
    changed[99, 7] += 1
    for number, (other, k, tile) in enumerate([(target, 2, 2048), (changed, 2, 2048), (target, 3, 2048)]):
        settings = Search(tile=tile)
        found = search_both(source, other, k, settings=settings, snapshots=tmp_path)
        assert_same(search_both(source, other, k, settings=settings), found)
        assert len(list(tmp_path.iterdir())) == number + 1


def test_a_damaged_state_is_named(tmp_path: Path) -> None:
    source, target = vectors(23, 100, 8), vectors(24, 100, 8)
    search_both(source, target, 2, snapshots=tmp_path)
    (folder,) = tmp_path.iterdir()
    (folder / "state.npz").write_bytes(b"nothing")
    with pytest.raises(HarnessError, match=r"state\.npz cannot be read"):
        search_both(source, target, 2, snapshots=tmp_path)

"""A screen's bound holds for every pair, is tight enough to be of use, and is chosen where it is faster."""

import numpy as np
import pytest
import torch
from nearest import vectors

from harness.retrieval import byte_screen
from harness.retrieval.byte_screen import choose_screen
from harness.retrieval.screen import FloatScreen, Screen, float_screen, survey

SHAPES = ["plain", "cone", "outlier", "long"]


def _excess(screen: Screen, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """How far the bound lies above each similarity."""
    block = screen.block(0, len(source))
    values = torch.empty(len(source), len(target), dtype=screen.dtype)
    screen.product(block, 0, len(target), values)
    return screen.shift + screen.unit * values.double() - source.double() @ target.double().T


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("width", [5, 64, 200])
def test_no_similarity_exceeds_its_bound(shape: str, width: int) -> None:
    source, target = (torch.from_numpy(vectors(seed, 300, width, shape)) for seed in (0, 1))
    sides = survey(source), survey(target)
    for screen in (float_screen(*sides), byte_screen.byte_screen(*sides)):
        assert screen is not None
        assert float(_excess(screen, source, target).min()) >= 0


@pytest.mark.parametrize(("shape", "most"), [("plain", 0.03), ("cone", 0.001), ("outlier", 0.03)])
def test_the_bound_is_tight(shape: str, most: float) -> None:
    source, target = (torch.from_numpy(vectors(seed, 300, 256, shape)) for seed in (2, 3))
    sides = survey(source), survey(target)
    screen = byte_screen.byte_screen(*sides)
    assert screen is not None
    assert float(_excess(screen, source, target).mean()) < most
    assert float(_excess(float_screen(*sides), source, target).max()) < 1e-4


def test_the_turn_is_a_rotation_of_any_width() -> None:
    for width in (1, 64, 65, 384, 770):
        turn = byte_screen.turn_of(width)
        matrix = turn.apply(torch.eye(turn.width)).double()
        assert turn.width >= width
        torch.testing.assert_close(matrix @ matrix.T, torch.eye(turn.width, dtype=torch.float64), atol=2e-6, rtol=0)
        assert float(matrix.abs().max()) < 2.1 / turn.width**0.5


def test_vectors_too_alike_for_bytes_have_no_byte_screen() -> None:
    same = survey(torch.ones(10, 8))
    assert byte_screen.byte_screen(same, same) is None


@pytest.mark.parametrize(("saved", "kind"), [(0.0, "FloatScreen"), (-1e-12, "FloatScreen"), (1e-6, "ByteScreen")])
def test_bytes_are_chosen_where_they_save_time(monkeypatch: pytest.MonkeyPatch, saved: float, kind: str) -> None:
    monkeypatch.setattr(byte_screen, "_SMALL", 0)
    monkeypatch.setattr(byte_screen, "saved_per_product", lambda: saved)
    sides = tuple(survey(torch.from_numpy(vectors(seed, 200, 64))) for seed in (4, 5))
    assert type(choose_screen(*sides, 4)).__name__ == kind


def test_bytes_are_not_chosen_where_they_keep_too_many_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(byte_screen, "_SMALL", 0)
    monkeypatch.setattr(byte_screen, "saved_per_product", lambda: 1e-12)
    generator = np.random.default_rng(0)
    near = np.ones((400, 64)) + 0.05 * generator.normal(size=(400, 64))
    near[::2] *= -1  # the spread is wide, yet half of all similarities lie within the bytes' error of the largest
    one_cluster = survey(torch.from_numpy(near.astype(np.float32)))
    assert type(choose_screen(one_cluster, one_cluster, 4)) is FloatScreen


def test_a_small_search_is_not_worth_choosing_for() -> None:
    side = survey(torch.from_numpy(vectors(6, 50, 16)))
    assert type(choose_screen(side, side, 4)) is FloatScreen

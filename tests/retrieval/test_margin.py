"""Margins, CSLS and centring against plain second implementations."""

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.retrieval.margin import MARGINS, backward_margins, centre, csls, margins
from harness.retrieval.neighbours import search_both


def _unit(seed: int, rows: int, width: int = 16) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(rows, width)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("margin", MARGINS)
def test_margins_are_those_of_a_loop_over_pairs(margin: str) -> None:
    source, target = _unit(0, 30), _unit(1, 40)
    both = search_both(source, target, 4)
    similarity = (source @ target.T).astype(np.float64)
    of_source = np.sort(similarity, axis=1)[:, -4:].mean(axis=1)
    of_target = np.sort(similarity, axis=0)[-4:].mean(axis=0)
    rules = {
        "ratio": lambda s, around: s / around,
        "distance": lambda s, around: s - around,
        "absolute": lambda s, around: s,
    }
    expected = [
        [rules[margin](similarity[x, y], (of_source[x] + of_target[y]) / 2) for y in both.forward_index[x]]
        for x in range(30)
    ]
    np.testing.assert_allclose(margins(both, margin, 4), expected, atol=1e-6)
    swapped = search_both(target, source, 4)
    np.testing.assert_allclose(backward_margins(both, margin, 4), margins(swapped, margin, 4), atol=1e-6)


def test_csls_is_that_of_the_full_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = _unit(2, 50), _unit(3, 70)
    both = search_both(source, target, 10)
    similarity = source @ target.T
    of_source = np.sort(similarity, axis=1)[:, -10:].mean(axis=1)
    of_target = np.sort(similarity, axis=0)[-10:].mean(axis=0)
    full = 2 * similarity - of_source[:, None] - of_target
    for tile in (2048, 16):
        monkeypatch.setattr("harness.retrieval.margin.TILE", tile)
        forward, backward = csls(source, target, both)
        assert forward.tolist() == full.argmax(axis=1).tolist()
        assert backward.tolist() == full.argmax(axis=0).tolist()


def test_centred_vectors_have_no_mean_direction_and_length_one() -> None:
    vectors = _unit(4, 100) + np.float32(0.5)
    moved = centre(vectors)
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), 1, atol=1e-6)
    assert np.linalg.norm(moved.mean(axis=0)) < 0.1


def test_centring_equal_vectors_gives_zeros_not_nan() -> None:
    assert (centre(np.ones((3, 4), np.float32)) == 0).all()


def test_an_unknown_margin_is_refused() -> None:
    with pytest.raises(HarnessError, match="Did you mean ratio"):
        margins(search_both(_unit(0, 5), _unit(1, 5), 2), "rato", 2)

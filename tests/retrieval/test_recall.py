"""Shares found and their interval, against the textbook."""

import numpy as np
import pytest

from harness.retrieval.choice import choose_engine
from harness.retrieval.recall import recall_of, shares_found, wilson


def test_wilson_is_the_textbook_s() -> None:
    # Newcombe (1998), table I: 81 of 263 -> 0.2553 to 0.3662; 0 of 20 -> 0 to 0.1611.
    share, low, high = wilson(81 / 263, 263)
    assert (share, low, high) == pytest.approx((81 / 263, 0.2553, 0.3662), abs=5e-5)
    assert wilson(0.0, 20)[1:] == pytest.approx((0, 0.1611), abs=5e-5)


def test_a_query_is_a_trial() -> None:
    recall = recall_of(np.array([1.0, 0.5, 1.0, 1.0]))
    assert recall.value == 0.875
    assert recall.queries == 4
    assert str(recall).startswith("0.8750 (0.")
    assert recall.low < 0.875 < recall.high


def test_as_near_as_the_last_true_one_is_found() -> None:
    truth = np.array([[0.9, 0.8], [0.7, 0.7]], np.float32)
    found = np.array([[0.9, 0.5], [0.7, 0.7]], np.float32)
    assert shares_found(found, truth).tolist() == [0.5, 1.0]


@pytest.mark.parametrize(
    ("n", "m", "device", "fits", "engine"),
    [
        (1000, 1000, "cpu", True, "exact"),
        (10_000_000, 5_000, "cpu", True, "exact"),
        (400_000, 400_000, "cpu", True, "ivf"),
        (400_000, 400_000, "cpu", False, "ivfpq"),
        (400_000, 400_000, "cuda:0", True, "exact"),
        (4_000_000, 4_000_000, "cuda", True, "ivf"),
    ],
)
def test_auto_goes_by_size_device_and_memory(n: int, m: int, device: str, fits: bool, engine: str) -> None:
    choice = choose_engine(n, m, 1024, device, fits)
    assert choice.engine == engine
    assert choice.why

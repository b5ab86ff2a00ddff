"""Paired tests: exact cases by hand, level and power by simulation, joint draws, Holm."""

from math import comb

import numpy as np
import pytest

from harness.metrics.accuracy import ACCURACY
from harness.metrics.mining import bucc_metrics
from harness.metrics.paired import average, contrast, holm, mcnemar_p, right_or_wrong, verdict
from harness.metrics.score import Item
from harness.metrics.spans import squad_metrics


def _items(right: np.ndarray) -> list[Item]:
    return [Item(str(at), 1, int(one), str(at)) for at, one in enumerate(right)]


def _pair(generator: np.random.Generator, n: int, only_a: float, only_b: float) -> tuple[list[Item], list[Item]]:
    """Two systems that disagree on the given shares of items."""
    draw = generator.random(n)
    a = (draw < only_a) | ((draw >= only_a + only_b) & (draw < 0.7))
    b = (draw >= only_a) & (draw < 0.7)
    return _items(a), _items(b)


def test_equal_systems_do_not_differ() -> None:
    items = _items(np.arange(50) % 3 > 0)
    said = verdict(contrast(ACCURACY, [(items, items)]))
    assert (said.difference, said.low, said.high) == (0.0, 0.0, 0.0)
    assert said.p_bootstrap == said.p_randomisation == said.p_mcnemar == 1.0
    assert (said.only_a, said.only_b) == (0, 0)


def test_mcnemar_by_hand() -> None:
    assert mcnemar_p(0, 0) == 1.0
    assert mcnemar_p(5, 5) == 1.0
    assert mcnemar_p(0, 6) == pytest.approx(2 / 64)
    assert mcnemar_p(2, 8) == mcnemar_p(8, 2) == pytest.approx(2 * (1 + 10 + comb(10, 2)) / 1024)
    assert mcnemar_p(0, 2000) < 1e-300 or mcnemar_p(0, 2000) == 0.0


def test_randomisation_is_mcnemars_test_on_accuracies() -> None:
    a, b = _items(np.array([1] * 4 + [0] * 14 + [1] * 100)), _items(np.array([0] * 4 + [1] * 14 + [1] * 100))
    said = verdict(contrast(ACCURACY, [(a, b)]))
    assert (said.only_a, said.only_b) == (4, 14)
    assert said.p_randomisation == pytest.approx(said.p_mcnemar, abs=0.025)
    assert said.p == said.p_randomisation


def test_pairing_narrows_the_interval() -> None:
    a, b = _pair(np.random.default_rng(0), 2000, 0.03, 0.05)
    said = verdict(contrast(ACCURACY, [(a, b)]))
    paired = np.sqrt((0.08 - said.difference**2) / 2000)
    assert (said.high - said.low) / (2 * 1.96) == pytest.approx(paired, rel=0.15)


def test_no_change_is_called_a_change_as_often_as_stated() -> None:
    generator = np.random.default_rng(1)
    found = [verdict(contrast(ACCURACY, [_pair(generator, 150, 0.1, 0.1)])) for _ in range(200)]
    assert sum(one.p <= 0.05 for one in found) <= 200 * 0.05 + 2.6 * np.sqrt(200 * 0.05 * 0.95)
    covered = sum(one.low <= 0 <= one.high for one in found)
    assert covered >= 200 * 0.95 - 2.6 * np.sqrt(200 * 0.05 * 0.95)


def test_a_clear_change_is_found() -> None:
    said = verdict(contrast(ACCURACY, [_pair(np.random.default_rng(2), 1000, 0.02, 0.08)]))
    assert said.p == said.p_bootstrap == pytest.approx(1 / 1001)
    assert 0.02 < said.low < said.difference < said.high < 0.1


def test_seeds_are_averaged() -> None:
    a, b = _pair(np.random.default_rng(3), 300, 0.02, 0.10)
    one, same = contrast(ACCURACY, [(a, b)]), contrast(ACCURACY, [(a, b), (a, b)])
    np.testing.assert_allclose(one.resampled, same.resampled)
    opposite = verdict(contrast(ACCURACY, [(a, b), (b, a)]))
    assert opposite.difference == pytest.approx(0)
    assert opposite.p_mcnemar is None


def test_parallel_languages_share_their_draws() -> None:
    a, b = _pair(np.random.default_rng(4), 400, 0.05, 0.08)
    units = [item.cluster for item in a]
    joint = [contrast(ACCURACY, [(a, b)], units, "") for _ in range(2)]
    apart = [contrast(ACCURACY, [(a, b)], None, code) for code in ("de", "fr")]
    np.testing.assert_allclose(average(joint).resampled, joint[0].resampled)
    np.testing.assert_allclose(average(joint).swapped, joint[0].swapped)
    assert average(apart).resampled.std() == pytest.approx(joint[0].resampled.std() / np.sqrt(2), rel=0.15)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


def test_a_tuned_metric_has_a_bootstrap_and_no_swaps() -> None:
    items = [
        Item(
            f"{split}/{at}", [f"t{at}"], {"target": f"t{at}" if at % 4 else "x", "score": 1 + at / 100}, f"{split}/{at}"
        )
        for split in ("dev", "test")
        for at in range(40)
    ]
    said = verdict(contrast(bucc_metrics()[0], [(items, items)]))
    assert said.difference == 0
    assert said.p_randomisation is None
    assert said.p == said.p_bootstrap == 1.0


def test_only_shares_of_right_items_have_discordant_items() -> None:
    items = [Item("1", ["the red house"], "red house", "1"), Item("2", ["a"], "b c", "2")]
    assert right_or_wrong(ACCURACY, _items(np.array([1, 0]))) is not None
    assert right_or_wrong(squad_metrics()[1], [*items, Item("3", ["x y"], "y z", "3")]) is None

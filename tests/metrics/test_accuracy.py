"""Accuracy compares strings as they stand."""

import numpy as np
import pytest

from harness.metrics.accuracy import ACCURACY, accuracy_of, hits
from harness.metrics.score import Item, evaluate


def item(gold: object, output: object, **readings: object) -> Item:
    return Item("1", gold, output, "1", readings)


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([], 0.0),
        ([("neutral", "neutral")], 1.0),
        ([("neutral", "Neutral")], 0.0),
        ([("1", 1)], 0.0),
        ([("a", "a"), ("a", "b"), ("b", "a"), ("b", None)], 0.25),
        ([(3, 3), (4, 3)], 0.5),
    ],
)
def test_hand_computed(pairs: list[tuple[object, object]], expected: float) -> None:
    assert evaluate(ACCURACY, [item(gold, output) for gold, output in pairs]) == expected


def test_a_reading_is_scored_under_its_own_name() -> None:
    items = [item(0, 0, csls=1), item(1, 0, csls=1), item(2, 2, csls=2)]
    metric = accuracy_of("csls")
    assert metric.name == "csls"
    assert evaluate(metric, items) == pytest.approx(2 / 3)
    assert evaluate(ACCURACY, items) == pytest.approx(2 / 3)
    assert metric.statistics(items).tolist() == [[0, 1], [1, 1], [1, 1]]


def test_statistics_add_up() -> None:
    generator = np.random.default_rng(0)
    right = generator.random(50)
    assert ACCURACY.value(hits(list(right)).sum(axis=0)) == pytest.approx(right.mean())
    assert hits([]).shape == (0, 2)

"""Further readings by hand: other outputs, means, spreads, values, and items that have none."""

import numpy as np
import pytest

from harness.metrics.accuracy import ACCURACY
from harness.metrics.readings import mean_over, of_reading, spread_over, value_of
from harness.metrics.score import Item, evaluate
from harness.metrics.spans import squad_metrics


def _items() -> list[Item]:
    return [
        Item("0", "a", "a", "0", {"x": "a", "y": "b", "v": 0.5}),
        Item("1", "b", "a", "1", {"x": "b", "y": "b", "v": 1.0}),
        Item("2", "a", "a", "2", {"x": "b", "y": "b"}),
    ]


def test_a_reading_is_scored_by_the_main_metric() -> None:
    assert evaluate(of_reading("r", ACCURACY, "x"), _items()) == pytest.approx(2 / 3)
    assert evaluate(of_reading("r", ACCURACY, "y"), _items()) == pytest.approx(1 / 3)


def test_mean_and_spread() -> None:
    assert evaluate(mean_over("m", ACCURACY, ["x", "y"]), _items()) == pytest.approx(1 / 2)
    assert evaluate(spread_over("s", ACCURACY, ["x", "y"]), _items()) == pytest.approx(1 / 3)
    statistics = spread_over("s", ACCURACY, ["x", "y"]).statistics(_items())
    assert spread_over("s", ACCURACY, ["x", "y"]).value(np.stack([statistics.sum(0)] * 2)) == pytest.approx([1 / 3] * 2)


def test_items_without_a_reading_are_left_out() -> None:
    assert evaluate(value_of("v"), _items()) == pytest.approx(0.75)
    assert evaluate(of_reading("r", ACCURACY, "z"), _items()) == 0.0


def test_written_answers() -> None:
    f1 = squad_metrics()[1]
    items = [Item("0", ["the cat"], "dog", "0", {"x": "cat", "y": "cat dog"})]
    assert evaluate(of_reading("r", f1, "x"), items) == 1.0
    assert evaluate(mean_over("m", f1, ["x", "y"]), items) == pytest.approx((1 + 2 / 3) / 2)

"""Further readings of the same items under a task's own metric: another output in place of the main one, and the
mean and the spread over several."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from harness.metrics.score import Array, Item, Metric, mean_of


def of_reading(name: str, main: Metric, key: str) -> Metric:
    """`main` of the outputs `Item.readings[key]`; items without one are left out."""

    def statistics(items: Sequence[Item]) -> Array:
        there = np.array([key in item.readings for item in items])
        found = main.statistics([replace(item, output=item.readings.get(key)) for item in items])
        return np.where(there[:, None], found, 0.0)

    return Metric(name, statistics, main.value)


def mean_over(name: str, main: Metric, keys: Sequence[str]) -> Metric:
    """The mean of `main` over some readings; for metrics that are means over items."""
    parts = [of_reading(name, main, key) for key in keys]

    def statistics(items: Sequence[Item]) -> Array:
        return np.mean([part.statistics(items) for part in parts], axis=0)  # type: ignore[no-any-return]

    return Metric(name, statistics, main.value)


def spread_over(name: str, main: Metric, keys: Sequence[str]) -> Metric:
    """The best less the worst value of `main` among some readings."""
    parts = [of_reading(name, main, key) for key in keys]

    def statistics(items: Sequence[Item]) -> Array:
        return np.concatenate([part.statistics(items) for part in parts], axis=1)

    def value(sums: Array) -> Array:
        values = np.stack([main.value(one) for one in np.split(sums, len(parts), axis=-1)])
        return np.asarray(values.max(axis=0) - values.min(axis=0))

    return Metric(name, statistics, value)


def value_of(key: str) -> Metric:
    """The mean of a value (0 to 1) that each item brings along in `Item.readings[key]`, where it does."""

    def statistics(items: Sequence[Item]) -> Array:
        rows: list[tuple[Any, float]] = [(item.readings.get(key, 0.0), float(key in item.readings)) for item in items]
        return np.array(rows, np.float64).reshape(len(rows), 2)

    return Metric(key, statistics, mean_of)

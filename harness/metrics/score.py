"""What a prediction, a metric and a score are.

A metric reduces each item to a small vector of statistics and is a function of their (weighted) sum,
so that intervals, paired tests and averages need no code of their own (the idea is sacrebleu's)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Item:
    """One scored item: a line of a predictions file. `cluster` is the unit that the bootstrap resamples;
    `readings` holds outputs of further readings (metric name -> output) made from the same vectors or logits."""

    id: str
    gold: Any
    output: Any
    cluster: str
    readings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Metric:
    """`statistics` maps n items to an array (n, width); `value` maps sums (..., width) to values (...), fractions 0-1.

    A metric that is no function of a plain sum (BUCC tunes a threshold) gives `weighted` instead:
    statistics (n, width) and weights (r, n) to values (r,)."""

    name: str
    statistics: Callable[[Sequence[Item]], Array]
    value: Callable[[Array], Array]
    weighted: Callable[[Array, Array], Array] | None = None


@dataclass(frozen=True)
class Score:
    """A value with its 95% interval: fractions 0-1, over `n` items."""

    metric: str
    value: float
    low: float
    high: float
    n: int
    main: bool = False
    signature: str = ""


def ratio(numerator: Array, denominator: Array) -> Array:
    """Elementwise quotient; 0 where the denominator is 0 (no prediction, no gold: nothing was right)."""
    out = np.zeros(np.broadcast_shapes(numerator.shape, denominator.shape))
    np.divide(numerator, denominator, out=out, where=denominator != 0)
    return out


def mean_of(sums: Array) -> Array:
    """Statistics (right, 1) -> mean."""
    return ratio(sums[..., 0], sums[..., 1])


def precision_of(sums: Array) -> Array:
    """Statistics (correct, predicted, gold) -> precision."""
    return ratio(sums[..., 0], sums[..., 1])


def recall_of(sums: Array) -> Array:
    """Statistics (correct, predicted, gold) -> recall."""
    return ratio(sums[..., 0], sums[..., 2])


def f1_of(sums: Array) -> Array:
    """Statistics (correct, predicted, gold) -> F1, the harmonic mean of precision and recall."""
    return ratio(2 * sums[..., 0], sums[..., 1] + sums[..., 2])


def evaluate(metric: Metric, items: Sequence[Item]) -> float:
    """The metric's value on all items (fraction 0-1)."""
    statistics = metric.statistics(items)
    if metric.weighted is not None:
        return float(metric.weighted(statistics, np.ones((1, len(items))))[0])
    return float(metric.value(statistics.sum(axis=0)))

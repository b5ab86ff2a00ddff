"""Would the difference hold for other training seeds and other items? Seeds are crossed with item clusters.

The Multi-Bootstrap (Sellam et al. 2022, arXiv 2106.16163) resamples both; a pair of recipes keeps its seeds and its
items together. Trap: with few seeds its percentiles are far too narrow (at 5 seeds some 83% instead of 95% where seeds
decide; docs/decisions.md), so the interval here takes the variances from the same draws and Student's quantile for the
seeds."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from harness.metrics.bootstrap import RESAMPLES, SEED, by_unit, draw, resampled_statistics, units_of
from harness.metrics.score import Array, Item, Metric, evaluate

# Below this no interval over recipes is given, and below the second a claim is indicative only.
FEWEST, ENOUGH = 3, 5
LEVEL, POWER = 0.05, 0.80


@dataclass(frozen=True, eq=False)
class Replicas:
    """A number, or a difference of numbers, for each seed: `values` (seeds,) on all items, `draws` (seeds, RESAMPLES)
    on resampled clusters. Seeds share the resamples, and so do recipes: differences are paired in both."""

    values: Array
    draws: Array

    @property
    def mean(self) -> float:
        """The mean over seeds."""
        return float(self.values.mean())

    def minus(self, other: "Replicas") -> "Replicas":
        """The paired difference, seed by seed and draw by draw."""
        return Replicas(self.values - other.values, self.draws - other.draws)


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds with its 95% interval (None below three seeds). `seeds` and `items` are the standard errors of
    the two parts, the first with what seeds and items do together; `p` is two-sided."""

    value: float
    low: float | None
    high: float | None
    seeds: float | None
    items: float
    p: float | None
    count: int

    @property
    def indicative(self) -> bool:
        """Whether there are too few seeds for a claim."""
        return self.count < ENOUGH


def average(parts: Sequence[Replicas]) -> Replicas:
    """The plain mean of several numbers (languages, tasks), draw by draw."""
    return Replicas(
        np.mean([one.values for one in parts], axis=0), np.mean([one.draws for one in parts], axis=0, dtype=np.float64)
    )


def replicas(
    metric: Metric, runs: Sequence[Sequence[Sequence[Item]]], clusters: Sequence[str] | None, salt: str
) -> list[Replicas]:
    """For each recipe its replicas on one language; `runs` holds for each recipe the items of each seed, all in the
    same order. Equal `clusters` and `salt` give equal draws, as in `bootstrap.resampled`."""
    values = [np.array([evaluate(metric, items) for items in recipe]) for recipe in runs]
    names = [item.cluster for item in runs[0][0]]
    statistics = [metric.statistics(items) for recipe in runs for items in recipe]
    if metric.weighted is not None:
        drawn = [resampled_statistics([one], [metric], names, clusters, salt)[0] for one in statistics]
    else:
        drawn = _shared_draws(metric, statistics, names, clusters, salt)
    found = iter(drawn)
    return [Replicas(own, np.stack([next(found) for _ in own])) for own in values]


def _shared_draws(
    metric: Metric, statistics: Sequence[Array], names: Sequence[str], clusters: Sequence[str] | None, salt: str
) -> list[Array]:
    """The values of many runs on the same items under the same draws, drawn once: (runs) arrays of (RESAMPLES,)."""
    units, unit_of = units_of(names, clusters)
    summed = np.hstack([by_unit(one, unit_of, len(units)) for one in statistics])
    width = statistics[0].shape[1]
    generator = np.random.default_rng([SEED, zlib.crc32(salt.encode())])
    chunks = [
        metric.value((weights @ summed).reshape(len(weights), len(statistics), width))
        for weights in draw(np.zeros(len(units), np.int64), generator)
    ]
    return list(np.concatenate(chunks).T)


def estimate(one: Replicas) -> Estimate:
    """The mean over seeds with its interval.

    Variances of a mean over S seeds and the clusters at hand: `between` seeds, which holds what seeds do alone and with
    items; `own` of the clusters alone. Their bounds add as squares (MOVER), Student's with S - 1 degrees of freedom for
    the first and the normal for the second."""
    count = len(one.values)
    _, over_items = components(one)
    if count < 2:
        return Estimate(one.mean, None, None, None, sqrt(over_items), None, count)
    between = float(one.values.var(ddof=1)) / count
    if count < FEWEST:
        return Estimate(one.mean, None, None, sqrt(between), sqrt(over_items), None, count)
    half = half_width(between, over_items, count, LEVEL)
    low, high = round(one.mean - half, 6), round(one.mean + half, 6)
    p = _p(one.mean, between, over_items, count)
    return Estimate(one.mean, low, high, sqrt(between), sqrt(over_items), p, count)


def components(one: Replicas) -> tuple[float, float]:
    """(variance of the mean over seeds that one seed's clusters make together with the seed, variance that the clusters
    make alone), both from the draws. Of one seed all is the clusters'."""
    count = len(one.values)
    together = float(one.draws.mean(axis=0).var())
    if count < 2:
        return 0.0, together
    each = float(one.draws.var(axis=1).mean())
    interplay = max(0.0, (each - together) / (count - 1))
    return interplay, max(0.0, together - interplay)


def half_width(between: float, over_items: float, count: int, level: float) -> float:
    """Half of the two-sided interval at a level, from the two variances of the mean."""
    from scipy.special import ndtri, stdtrit

    student, normal = stdtrit(count - 1, 1 - level / 2), ndtri(1 - level / 2)
    return float(sqrt(student**2 * between + normal**2 * over_items))


def percentile_interval(one: Replicas) -> tuple[float, float]:
    """The Multi-Bootstrap's own 95% percentiles: seeds drawn anew in each resample of the clusters. No report
    shows them: they are too narrow for few seeds, which the tests measure on this, and why `estimate` has another."""
    seeds, resamples = one.draws.shape
    chosen = np.random.default_rng([SEED, 2]).integers(0, seeds, size=(seeds, resamples))
    drawn = np.take_along_axis(one.draws, chosen, axis=0).mean(axis=0)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return round(float(low), 6), round(float(high), 6)


def smallest_effect(deviation: float, seeds: int) -> float | None:
    """The difference that `seeds` seeds find four times in five (two-sided 5%) where items add nothing; `deviation` is
    that of the paired difference over seeds. None below three seeds."""
    from scipy.special import stdtrit

    if seeds < FEWEST:
        return None
    student = stdtrit(seeds - 1, 1 - LEVEL / 2) + stdtrit(seeds - 1, POWER)
    return float(student * deviation / sqrt(seeds))


def _p(value: float, between: float, over_items: float, count: int) -> float:
    """The level at which the interval just reaches 0."""
    if value == 0 or (between == 0 and over_items == 0):
        return 1.0 if value == 0 else 0.0
    low, high = 1e-16, 1.0
    for _ in range(60):
        middle = sqrt(low * high)
        low, high = (low, middle) if half_width(between, over_items, count, middle) < abs(value) else (middle, high)
    return float(high)


__all__ = [
    "ENOUGH",
    "FEWEST",
    "RESAMPLES",
    "Estimate",
    "Replicas",
    "average",
    "components",
    "estimate",
    "half_width",
    "percentile_interval",
    "replicas",
    "smallest_effect",
]

"""Do two systems differ by more than noise, on the same items? One routine for every metric.

Paired bootstrap (Koehn 2004), approximate randomisation (Noreen 1989), McNemar's exact test, Holm's correction.
Trap: sacrebleu's bootstrap p compares |d| - mean|d| with the difference, which is one-sided for clear differences;
ours is two-sided, about twice as large."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np

from harness.metrics.bootstrap import RESAMPLES, SEED, by_unit, percentiles, resampled, units_of
from harness.metrics.score import Array, Item, Metric, evaluate, mean_of

Pair = tuple[Sequence[Item], Sequence[Item]]


@dataclass(frozen=True)
class Contrast:
    """Two systems on one language or on an average: values (fractions), differences b - a under resampling (R,) and
    under swapping (R,) of clusters, and how many items only one of them has right (None: no plain right or wrong).
    `swapped` is None where the metric is no function of a sum (BUCC tunes its threshold)."""

    n: int
    value_a: float
    value_b: float
    resampled: Array
    swapped: Array | None
    only_a: int | None = None
    only_b: int | None = None


@dataclass(frozen=True)
class Verdict:
    """What a contrast says: b - a with its 95% paired interval, p-values (two-sided); `holm` is the corrected one."""

    n: int
    value_a: float
    value_b: float
    difference: float
    low: float
    high: float
    p_bootstrap: float
    p_randomisation: float | None
    p_mcnemar: float | None
    only_a: int | None
    only_b: int | None

    @property
    def p(self) -> float:
        """Approximate randomisation, which assumes least; the bootstrap's where there is none."""
        return self.p_bootstrap if self.p_randomisation is None else self.p_randomisation


def contrast(metric: Metric, pairs: Sequence[Pair], clusters: Sequence[str] | None = None, salt: str = "") -> Contrast:
    """Two systems on one language; one pair (items of a, items of b in the same order) per seed, which are averaged.

    `clusters` and `salt` as in `bootstrap.resampled`: equal ones give equal draws, so that parallel languages share
    them. The draws are over items; training again would add to their spread."""
    draws = [resampled(b, [metric], clusters, salt)[0] - resampled(a, [metric], clusters, salt)[0] for a, b in pairs]
    values = np.array([[evaluate(metric, side) for side in pair] for pair in pairs]).mean(axis=0)
    swaps = None if metric.weighted else np.mean(_swapped(metric, pairs, clusters, salt), axis=0)
    only_a, only_b = _discordant(metric, pairs)
    return Contrast(len(pairs[0][0]), float(values[0]), float(values[1]), np.mean(draws, axis=0), swaps, only_a, only_b)


def average(contrasts: Sequence[Contrast]) -> Contrast:
    """The plain mean over languages, draw by draw."""
    swaps = [one.swapped for one in contrasts if one.swapped is not None]
    return Contrast(
        n=sum(one.n for one in contrasts),
        value_a=float(np.mean([one.value_a for one in contrasts])),
        value_b=float(np.mean([one.value_b for one in contrasts])),
        resampled=np.mean([one.resampled for one in contrasts], axis=0),
        swapped=np.mean(swaps, axis=0) if len(swaps) == len(contrasts) else None,
    )


def verdict(one: Contrast) -> Verdict:
    """Interval and p-values of a contrast."""
    difference = one.value_b - one.value_a
    low, high = percentiles(one.resampled)
    mcnemar = None if one.only_a is None or one.only_b is None else mcnemar_p(one.only_a, one.only_b)
    return Verdict(
        n=one.n,
        value_a=one.value_a,
        value_b=one.value_b,
        difference=difference,
        low=low,
        high=high,
        p_bootstrap=share_beyond(one.resampled - one.resampled.mean(), difference),
        p_randomisation=None if one.swapped is None else share_beyond(one.swapped, difference),
        p_mcnemar=mcnemar,
        only_a=one.only_a,
        only_b=one.only_b,
    )


def share_beyond(null: Array, difference: float) -> float:
    """(1 + draws at least as far from 0 as the difference) / (1 + draws): never 0, and valid at any level."""
    # A swap that reproduces the difference must count although its last digit may differ.
    beyond = int((np.abs(null) >= abs(difference) - 1e-12).sum())
    return (1 + beyond) / (1 + len(null))


def mcnemar_p(only_a: int, only_b: int) -> float:
    """Exact two-sided McNemar: the discordant items are a fair coin. It takes items as independent of one another."""
    total, smaller = only_a + only_b, min(only_a, only_b)
    if only_a == only_b:
        return 1.0
    tail = sum(comb(total, k) for k in range(smaller + 1))
    return float(min(1.0, 2 * tail / 2**total))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's (1979) step-down: p-values that hold for the whole family at once."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    out = [0.0] * len(p_values)
    running = 0.0
    for place, index in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - place) * p_values[index]))
        out[index] = running
    return out


def right_or_wrong(metric: Metric, items: Sequence[Item]) -> Array | None:
    """(n,) of 0 and 1 where the metric is a share of right items; None where it is anything else."""
    if metric.weighted is not None or metric.value is not mean_of:
        return None
    statistics = metric.statistics(items)
    plain = statistics.shape[1] == 2 and bool(np.isin(statistics[:, 0], (0, 1)).all() and (statistics[:, 1] == 1).all())
    return statistics[:, 0] if plain else None


def _discordant(metric: Metric, pairs: Sequence[Pair]) -> tuple[int | None, int | None]:
    if len(pairs) > 1:
        return None, None
    a, b = (right_or_wrong(metric, side) for side in pairs[0])
    if a is None or b is None:
        return None, None
    return int(((a == 1) & (b == 0)).sum()), int(((a == 0) & (b == 1)).sum())


def _swapped(metric: Metric, pairs: Sequence[Pair], clusters: Sequence[str] | None, salt: str) -> list[Array]:
    """Per seed the differences (R,) after each cluster's two sides were exchanged with probability one half."""
    units, unit_of = units_of([item.cluster for item in pairs[0][0]], clusters)
    generator = np.random.default_rng([SEED, 1, zlib.crc32(salt.encode())])
    mask = generator.integers(0, 2, size=(RESAMPLES, len(units)), dtype=np.int8).astype(np.float64)
    out = []
    for a, b in pairs:
        sums_a, sums_b = (by_unit(metric.statistics(side), unit_of, len(units)) for side in (a, b))
        moved = mask @ (sums_b - sums_a)
        out.append(metric.value(sums_b.sum(axis=0) - moved) - metric.value(sums_a.sum(axis=0) + moved))
    return out

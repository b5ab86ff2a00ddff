"""Is a new number worse than the old one by more than a tolerance? Non-inferiority with errors held for a whole gate.

`worse` needs a drop that Holm's correction over all gated numbers finds (5% for the gate, not per number) and that
measures more than the tolerance. `within tolerance` needs each number's own one-sided 95% bound: a gate passes only if
all its numbers do, so 5% hold for the gate without a correction (Berger 1982). Items are linearised by the
infinitesimal jackknife. Trap: with k seeds the seed deviation is itself a guess with k - 1 degrees of freedom; a
Satterthwaite mixture of both parts is far too sure where the k seeds happen to lie close together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, sqrt

import numpy as np

from harness.metrics.paired import holm
from harness.metrics.score import Array

LEVEL = 0.05
POWER = 0.90
FEW = 40
FLIPS = 9999
SEED = 20200527

SAME, WITHIN, BETTER, WORSE = "same", "within tolerance", "better", "worse"
INCONCLUSIVE, MISSING = "inconclusive", "missing"


@dataclass(frozen=True)
class Effect:
    """Candidate minus baseline of one number (fractions), with the variance of that difference over items and over
    seeds. `freedom` counts degrees of freedom of the seed part (`inf`: known or none; 0: unknown).
    `p_drop` replaces the normal p of a drop where few items differ."""

    difference: float
    items: float
    seeds: float = 0.0
    freedom: float = inf
    identical: bool = False
    p_drop: float | None = None


@dataclass(frozen=True)
class Judged:
    """What the gate says of one number; `low` is the one-sided 95% bound of the difference, `p` the corrected p of a
    drop, `detectable` the true drop that this gate calls worse nine times in ten (None where seeds are unknown)."""

    verdict: str
    low: float | None
    p: float | None
    detectable: float | None


def judge(effects: Sequence[Effect], tolerance: float) -> list[Judged]:
    """One verdict per effect; all of them are one family. `tolerance` is a fraction (one point is 0.01)."""
    known = [one for one in effects if one.identical or one.freedom > 0]
    drops = holm([_p(one, -1) for one in known])
    gains = holm([_p(one, 1) for one in known])
    corrected = {id(one): pair for one, pair in zip(known, zip(drops, gains, strict=True), strict=True)}
    return [_judge(one, corrected.get(id(one)), tolerance, len(effects)) for one in effects]


def _judge(one: Effect, p_values: tuple[float, float] | None, tolerance: float, family: int) -> Judged:
    if p_values is None:
        return Judged(INCONCLUSIVE, None, None, None)
    low = one.difference - half_width(one, LEVEL)
    detectable = max(tolerance, half_width(one, LEVEL / family) + _z(1 - POWER) * sqrt(one.items + one.seeds))
    if one.identical:
        return Judged(SAME, 0.0, 1.0, detectable)
    if p_values[0] <= LEVEL and one.difference < -tolerance:
        verdict = WORSE
    elif p_values[1] <= LEVEL:
        verdict = BETTER
    else:
        verdict = WITHIN if low > -tolerance else INCONCLUSIVE
    return Judged(verdict, low, p_values[0], detectable)


def half_width(one: Effect, level: float) -> float:
    """The one-sided bound's distance: normal over items and Student over seeds, added as squares (MOVER)."""
    squared = _z(level) ** 2 * one.items
    if one.seeds:
        squared += _t(level, one.freedom) ** 2 * one.seeds
    return sqrt(squared)


def _p(one: Effect, sign: int) -> float:
    """One-sided p of a drop (-1) or a gain (1): the level at which the bound just reaches 0."""
    if one.identical:
        return 1.0
    distance = sign * one.difference
    if one.p_drop is not None:
        return one.p_drop if sign < 0 else 1 - one.p_drop
    if distance <= 0:
        return 0.5 if distance == 0 else 1 - _p(one, -sign)
    low, high = 1e-16, 0.5
    for _ in range(60):
        middle = sqrt(low * high)
        low, high = (low, middle) if half_width(one, middle) < distance else (middle, high)
    return high


def _z(level: float) -> float:
    from scipy.special import ndtri

    return float(-ndtri(level))


def _t(level: float, freedom: float) -> float:
    from scipy.special import stdtrit

    return _z(level) if freedom == inf else float(-stdtrit(freedom, level))


def influences(value: Callable[[Array], Array], sums: Array) -> Array:
    """How much each unit (its statistics' row of (units, width)) moves the value: the infinitesimal jackknife,
    (units,), whose squares sum to the value's variance over units."""
    return sums @ gradient(value, sums.sum(axis=0))


def gradient(value: Callable[[Array], Array], total: Array) -> Array:
    """The value's derivative by each summed statistic (width,), by central differences."""
    steps = np.maximum(np.abs(total), 1.0) * 1e-5
    moved = np.diag(steps)
    return np.asarray((value(total + moved) - value(total - moved)) / (2 * steps))


def variance(influence: Array) -> float:
    """Variance over units from their influences, with the small-sample factor of the mean."""
    units = len(influence)
    return float((influence**2).sum()) * units / max(1, units - 1)


def seed_variance(baseline: Sequence[float], candidate: Sequence[float]) -> tuple[float, float]:
    """(variance of the difference of the two means over seeds, its degrees of freedom); one seed a side: (0, 0).

    The scatter of scores on the same items holds the seeds' own effect and their interplay with the items."""
    sides = [np.asarray(side, np.float64) for side in (baseline, candidate)]
    freedom = sum(len(side) - 1 for side in sides)
    if freedom == 0:
        return 0.0, 0
    pooled = sum(float(((side - side.mean()) ** 2).sum()) for side in sides) / freedom
    return pooled * sum(1 / len(side) for side in sides), freedom


def sign_flip_p(contributions: Array) -> float | None:
    """One-sided p of a drop where few units differ, for which the normal is too sure; None where enough do."""
    own = contributions[contributions != 0]
    if len(own) >= FEW:
        return None
    signs = np.random.default_rng(SEED).choice((-1.0, 1.0), size=(FLIPS, len(own)))
    return float(1 + (signs @ own <= own.sum() + 1e-12).sum()) / (1 + FLIPS)

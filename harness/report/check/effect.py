"""The difference of one gated number between two sides, and how uncertain it is: over items, and over seeds.

Parallel tasks share their clusters over languages; others have their own. Items are paired where their ids are the
same on both sides; where they are not, the two sides' item variances add."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.metrics.bootstrap import resampled_statistics
from harness.metrics.gate import Effect, gradient, influences, seed_variance, sign_flip_p, variance
from harness.metrics.score import Array, Metric
from harness.report.check.baseline import Replica
from harness.report.check.sheet import Sheet

Languages = Mapping[str, Mapping[Replica, Sheet]]


@dataclass(frozen=True)
class Number:
    """One gated number: the plain mean of `languages`, which both sides have. `joint` as of the task."""

    metrics: Mapping[str, Metric]
    joint: bool

    @property
    def languages(self) -> tuple[str, ...]:
        """What is averaged."""
        return tuple(self.metrics)


@dataclass(frozen=True)
class Measured:
    """An effect with both sides' values (means over seeds) and seeds; `paired` by item; `differing` of `units`
    clusters have other statistics (None where they cannot be told)."""

    effect: Effect
    baseline: float
    candidate: float
    seeds: tuple[int, int]
    retrained: bool
    paired: bool
    differing: int | None
    units: int


def measure(number: Number, baseline: Languages, candidate: Languages, seed_deviation: float | None) -> Measured:
    """Candidate minus baseline. `seed_deviation` (a fraction) stands in for a scatter that too few seeds can show."""
    runs = [_replicas(number, side) for side in (baseline, candidate)]
    values = [_values(number, side, own) for side, own in zip((baseline, candidate), runs, strict=True)]
    retrained = _retrained(number, (baseline, candidate), runs)
    paired = all(_ids_agree(baseline[code], candidate[code], number.metrics[code]) for code in number.languages)
    items, differing, units, contributions = 0.0, 0, 0, np.zeros(0)
    for codes in [list(number.languages)] if number.joint else [[code] for code in number.languages]:
        part = _items(number, codes, (baseline, candidate), runs, paired)
        items += part.variance
        differing += part.differing
        units += part.units
        contributions = np.concatenate([contributions, part.contributions])
    difference = float(np.mean(values[1]) - np.mean(values[0]))
    identical = paired and differing == 0 and difference == 0
    seeds, freedom = (0.0, np.inf) if not retrained else seed_variance(*values)
    if retrained and freedom == 0 and seed_deviation is not None:
        seeds, freedom = seed_deviation**2 * sum(1 / len(one) for one in runs), np.inf
    few = sign_flip_p(contributions) if paired and not retrained and len(contributions) else None
    return Measured(
        effect=Effect(difference, items, seeds, freedom, identical, few),
        baseline=float(np.mean(values[0])),
        candidate=float(np.mean(values[1])),
        seeds=(len(runs[0]), len(runs[1])),
        retrained=retrained,
        paired=paired,
        differing=differing if paired else None,
        units=units,
    )


@dataclass(frozen=True)
class _Part:
    variance: float
    differing: int
    units: int
    contributions: Array


def _items(
    number: Number, codes: Sequence[str], sides: Sequence[Languages], runs: Sequence[Sequence[Replica]], paired: bool
) -> _Part:
    """The item part over languages that share their clusters."""
    sheets = [[side[code][one] for one in own for code in codes] for side, own in zip(sides, runs, strict=True)]
    if number.metrics[codes[0]].weighted is not None:
        return _tuned(number, codes, sheets, paired)
    names = sorted({name for own in sheets for one in own for name in one.clusters})
    place = {name: at for at, name in enumerate(names)}
    sums = [[_summed(one, place) for one in own] for own in sheets]
    weight = 1 / len(number.languages)
    linear = [
        weight / len(own) * _influence(number, side, summed)
        for own, side, summed in zip(runs, sheets, sums, strict=True)
    ]
    if not paired:
        return _Part(variance(linear[0]) + variance(linear[1]), 0, len(place), np.zeros(0))
    moved = np.zeros(len(place))
    changed = np.zeros(len(place), bool)
    # Same seeds stand at the same places; with unequal counts only the first ones meet.
    for first, a, b in zip(sheets[0], sums[0], sums[1], strict=False):
        middle = gradient(number.metrics[first.language].value, (a.sum(axis=0) + b.sum(axis=0)) / 2)
        moved += weight * ((b - a) @ middle) / min(len(own) for own in runs)
        changed |= (a != b).any(axis=1)
    return _Part(variance(linear[1] - linear[0]), int(changed.sum()), len(place), np.where(changed, moved, 0.0))


def _influence(number: Number, sheets: Sequence[Sheet], sums: Sequence[Array]) -> Array:
    parts = [influences(number.metrics[one.language].value, own) for one, own in zip(sheets, sums, strict=True)]
    return np.asarray(np.sum(parts, axis=0), np.float64)


def _tuned(number: Number, codes: Sequence[str], sheets: Sequence[Sequence[Sheet]], paired: bool) -> _Part:
    """A metric that tunes has no derivative: its variance is the bootstrap's. Sides share their draws where they are
    paired: items that one side does not store are none of its candidates and have no gold."""
    weight, total, differing, units = 1 / len(number.languages), 0.0, 0, 0
    for code in codes:
        own = [[one for one in side if one.language == code] for side in sheets]
        names = (
            [{name for side in own for one in side for name in one.clusters}] * 2
            if paired
            else [{name for one in side for name in one.clusters} for side in own]
        )
        draws = [
            np.mean([_draws(number.metrics[code], one, sorted(known)) for one in side], axis=0)
            for side, known in zip(own, names, strict=True)
        ]
        spread = (draws[1] - draws[0]).var() if paired else draws[0].var() + draws[1].var()
        total += weight**2 * float(spread)
        units += len(names[0])
        rows = [dict(zip(side[0].ids, map(tuple, side[0].statistics), strict=True)) for side in own]
        differing += sum(rows[0].get(name) != rows[1].get(name) for name in {*rows[0], *rows[1]})
    return _Part(total, differing, units, np.zeros(0))


def _draws(metric: Metric, sheet: Sheet, units: Sequence[str]) -> Array:
    drawn: Array = resampled_statistics([sheet.statistics], [metric], sheet.clusters, units)[0]
    return drawn


def _summed(sheet: Sheet, place: Mapping[str, int]) -> Array:
    out = np.zeros((len(place), sheet.statistics.shape[1]))
    np.add.at(out, [place[name] for name in sheet.clusters], sheet.statistics)
    return out


def _replicas(number: Number, side: Languages) -> list[Replica]:
    """The trainings that have every language."""
    return sorted(set.intersection(*(set(side[code]) for code in number.languages)))


def _values(number: Number, side: Languages, runs: Sequence[Replica]) -> list[float]:
    return [float(np.mean([side[code][one].value for code in number.languages])) for one in runs]


def _retrained(number: Number, sides: Sequence[Languages], runs: Sequence[Sequence[Replica]]) -> bool:
    """Not the very same models: other weights, or heads trained with other seeds or settings."""
    made = [
        {
            (str(side[code][one].fingerprint.get("weights")), one[1], repr(side[code][one].fingerprint.get("settings")))
            for one in own
            for code in number.languages
        }
        for side, own in zip(sides, runs, strict=True)
    ]
    return made[0] != made[1]


def _ids_agree(baseline: Mapping[Replica, Sheet], candidate: Mapping[Replica, Sheet], metric: Metric) -> bool:
    first = next(iter(baseline.values()))
    others = [*baseline.values(), *candidate.values()]
    if metric.weighted is not None:
        return all(one.fingerprint.get("data") == first.fingerprint.get("data") for one in others)
    return all(one.ids == first.ids and one.clusters == first.clusters for one in others)

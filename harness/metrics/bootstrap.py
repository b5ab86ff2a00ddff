"""95% percentile bootstrap intervals (Efron 1979), resampling clusters; one routine for every metric.

Items of one cluster (a premise, a passage, a source sentence) are drawn together. Languages whose items are
translations of one another share their draws; others draw their own. Seeded: equal input gives equal digits."""

import zlib
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.metrics.score import Array, Item, Metric, Score, evaluate

RESAMPLES = 1000
SEED = 20200526
CHUNK_CELLS = 4_000_000


def score_items(metrics: Sequence[Metric], items: Sequence[Item]) -> tuple[Score, ...]:
    """Every metric of one language with its interval (signatures are the caller's); the first metric is main."""
    draws = resampled(items, metrics)
    return tuple(
        Score(metric.name, evaluate(metric, items), *percentiles(drawn), n=len(items), main=index == 0)
        for index, (metric, drawn) in enumerate(zip(metrics, draws, strict=True))
    )


def score_average(
    items: Mapping[str, Sequence[Item]], metrics: Mapping[str, Sequence[Metric]], joint: bool
) -> tuple[Score, ...]:
    """Plain means over languages of the metrics that every language has, with intervals."""
    names = [one.name for one in next(iter(metrics.values()))]
    names = [name for name in names if all(name in [m.name for m in own] for own in metrics.values())]
    own = {code: [m for m in metrics[code] if m.name in names] for code in items}
    clusters = sorted({item.cluster for code in items for item in items[code]}) if joint else None
    values = np.array([[evaluate(metric, items[code]) for metric in own[code]] for code in items])
    draws = np.mean([resampled(items[code], own[code], clusters, salt="" if joint else code) for code in items], axis=0)
    count = sum(len(one) for one in items.values())
    return tuple(
        Score(name, float(value), *percentiles(drawn), n=count, main=index == 0)
        for index, (name, value, drawn) in enumerate(zip(names, values.mean(axis=0), draws, strict=True))
    )


def resampled(
    items: Sequence[Item], metrics: Sequence[Metric], clusters: Sequence[str] | None = None, salt: str = ""
) -> Array:
    """Values of each metric in each resample: (metrics, RESAMPLES).

    `clusters` is the whole set of units to draw from (default: those of `items`, in order of appearance);
    equal clusters and salt give equal draws."""
    names = [item.cluster for item in items]
    return resampled_statistics([metric.statistics(items) for metric in metrics], metrics, names, clusters, salt)


def resampled_statistics(
    statistics: Sequence[Array],
    metrics: Sequence[Metric],
    names: Sequence[str],
    clusters: Sequence[str] | None = None,
    salt: str = "",
) -> Array:
    """The same from each metric's statistics (n, width) and the items' cluster names."""
    units, unit_of = units_of(names, clusters)
    summed = [by_unit(one, unit_of, len(units)) for one in statistics]
    strata = _strata(units) if any(metric.weighted for metric in metrics) else np.zeros(len(units), np.int64)
    chunks: list[list[Array]] = [[] for _ in metrics]
    for weights in draw(strata, np.random.default_rng([SEED, zlib.crc32(salt.encode())])):
        for chunk, metric, raw, sums in zip(chunks, metrics, statistics, summed, strict=True):
            if metric.weighted is not None:
                chunk.append(metric.weighted(raw, weights[:, unit_of]))
            else:
                chunk.append(metric.value(weights @ sums))
    return np.stack([np.concatenate(chunk) for chunk in chunks])


def draw(strata: NDArray[np.int64], generator: np.random.Generator) -> Iterator[Array]:
    """How often each unit is drawn, in chunks (r, units) of RESAMPLES rows: with replacement within its stratum."""
    units = len(strata)
    rows = max(1, min(RESAMPLES, CHUNK_CELLS // max(1, units)))
    members = [np.flatnonzero(strata == one) for one in np.unique(strata)]
    for start in range(0, RESAMPLES, rows):
        count = min(rows, RESAMPLES - start)
        weights = np.empty((count, units))
        for member in members:
            size = len(member)
            drawn = generator.integers(0, size, size=(count, size)) + size * np.arange(count)[:, None]
            weights[:, member] = np.bincount(drawn.ravel(), minlength=count * size).reshape(count, size)
        yield weights


def percentiles(draws: Array) -> tuple[float, float]:
    """The central 95% of resampled values, to six digits: the Monte Carlo error is far larger."""
    low, high = np.percentile(draws, [2.5, 97.5])
    return round(float(low), 6), round(float(high), 6)


def units_of(names: Sequence[str], clusters: Sequence[str] | None) -> tuple[Sequence[str], NDArray[np.int64]]:
    """(the units to draw from, the unit of each item), from the items' cluster names."""
    units = list(dict.fromkeys(names)) if clusters is None else clusters
    place = {cluster: index for index, cluster in enumerate(units)}
    return units, np.array([place[name] for name in names], np.int64)


def by_unit(statistics: Array, unit_of: NDArray[np.int64], units: int) -> Array:
    """Statistics (n, width) summed within each unit: (units, width)."""
    summed = np.zeros((units, statistics.shape[1]))
    np.add.at(summed, unit_of, statistics)
    return summed


def _strata(units: Sequence[str]) -> NDArray[np.int64]:
    """The sample that each unit belongs to: what stands before the slash of `dev/<id>` and `test/<id>`."""
    names = [unit.partition("/")[0] if "/" in unit else "" for unit in units]
    order = {name: index for index, name in enumerate(dict.fromkeys(names))}
    return np.array([order[name] for name in names], np.int64)

"""How well bitext mining found the gold pairs: F1 at a tuned threshold (BUCC, Zweigenbaum et al. 2018).

Trap: the official tuner walks down the sorted candidates and crashes when the best F1 stands at the last of
them; it also ignores a given threshold when it is handed a gold file. Here dev tunes, test is scored, and in
a bootstrap each resample tunes anew. Mewsli-X's `map@20`, which with one gold entity is a reciprocal rank,
stands here too."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError
from harness.metrics.accuracy import hits
from harness.metrics.score import Array, Item, Metric, f1_of, mean_of, precision_of, recall_of

Ints = NDArray[np.int64]
Pair = tuple[str, str]

# Columns of the statistics of one source sentence.
SCORE, FOUND, CORRECT, GOLD, DEV = range(5)
# Resamples worked on at once: about ten arrays of (rows, candidates) doubles must stay below this.
CHUNK_BYTES = 150_000_000


def best_threshold(scores: Array, correct: Array | NDArray[np.bool_], gold_total: float) -> tuple[float, float]:
    """The threshold whose candidates have the highest F1, and that F1 (fraction).

    `scores` (n,) and `correct` (n,) of all candidates, in any order (equal scores: in the order given);
    `gold_total` counts gold pairs. Official walk (`bucc_optimize`): after each candidate from the top, F1;
    the threshold is midway between the first best candidate and the next, the score itself where there is no
    next, 0 where nothing is right."""
    order = np.argsort(-scores, kind="stable")
    weights = np.ones((1, len(order)))
    thresholds, f1 = _tune(scores[order], correct[order].astype(np.float64), weights, np.array([gold_total]))
    return float(thresholds[0]), float(f1[0])


def bucc_metrics() -> tuple[Metric, Metric, Metric]:
    """`f1`, `precision`, `recall` at the threshold tuned on the dev items, over the test items (or over the
    dev items where there are none). Items: one per source sentence, id `dev/…` or `test/…`, gold a list of
    target ids, output {"target", "score"} or None. HarnessError where no item is there to tune on."""
    return (
        _tuned("f1", f1_of),
        _tuned("precision", precision_of),
        _tuned("recall", recall_of),
    )


def tuning_metrics() -> tuple[Metric, Metric]:
    """Further readings of the same items: `dev_f1`, what the tuning reached, and the `threshold` that it chose
    (a margin, no fraction)."""
    return (
        Metric("dev_f1", mining_statistics, _no_sum, _dev_f1),
        Metric("threshold", mining_statistics, _no_sum, _thresholds),
    )


def mined_pairs(items: Sequence[Item]) -> tuple[list[Pair], float]:
    """The (source id, target id) pairs of the scored sample at or above the tuned threshold, best first; and
    the threshold itself."""
    statistics = mining_statistics(items)
    dev = _candidates(statistics, statistics[:, DEV] == 1)
    gold = float(statistics[statistics[:, DEV] == 1, GOLD].sum())
    threshold, _ = best_threshold(statistics[dev, SCORE], statistics[dev, CORRECT], gold)
    kept = [at for at in _candidates(statistics, scored(statistics)) if statistics[at, SCORE] >= threshold]
    return [(source_id(items[at]), items[at].output["target"]) for at in kept], threshold


def gold_pairs(items: Sequence[Item]) -> list[Pair]:
    """The gold pairs of the sample that is scored, in item order."""
    statistics = mining_statistics(items)
    return [
        (source_id(item), target)
        for item, counts in zip(items, scored(statistics), strict=True)
        if counts
        for target in dict.fromkeys(item.gold)
    ]


def source_id(item: Item) -> str:
    """The sentence id in the benchmark's files: without `dev/` or `test/`."""
    return item.id.partition("/")[2]


def mining_statistics(items: Sequence[Item]) -> Array:
    """(n, 5): score of the candidate (0 without), has one, it is right, gold targets, belongs to dev."""
    out = np.zeros((len(items), 5))
    for row, item in zip(out, items, strict=True):
        gold = set(item.gold)
        if item.output is not None:
            row[SCORE], row[FOUND], row[CORRECT] = item.output["score"], 1, item.output["target"] in gold
        row[GOLD], row[DEV] = len(gold), _is_dev(item)
    if not out[:, DEV].any():
        raise HarnessError(
            "Bitext mining has no dev items, so no threshold can be tuned.", "Give the dev sample as well."
        )
    return out


def scored(statistics: Array) -> NDArray[np.bool_]:
    """Which items are scored: those of test, those of dev where there is no test."""
    test: NDArray[np.bool_] = statistics[:, DEV] == 0
    return test if test.any() else ~test


def set_metrics() -> tuple[Metric, Metric, Metric]:
    """`f1`, `precision`, `recall` over sets of tuples: gold and output of an item are the tuples under one
    key. Duplicates collapse, column order matters (`evaluate.py:bucc_f1`)."""
    return (
        Metric("f1", _set_counts, f1_of),
        Metric("precision", _set_counts, precision_of),
        Metric("recall", _set_counts, recall_of),
    )


def rank_metric(depth: int = 20) -> Metric:
    """`map@<depth>`, one gold each: 1 / rank of `gold` in the list `output`; 0 beyond `depth` or for None."""

    def statistics(items: Sequence[Item]) -> Array:
        return hits([_reciprocal_rank(item, depth) for item in items])

    return Metric(f"map@{depth}", statistics, mean_of)


def _reciprocal_rank(item: Item, depth: int) -> float:
    ranked = list(item.output or ())[:depth]
    return 1 / (ranked.index(item.gold) + 1) if item.gold in ranked else 0.0


def _set_counts(items: Sequence[Item]) -> Array:
    sets = [(set(item.gold), set(item.output)) for item in items]
    return np.array([[len(gold & out), len(out), len(gold)] for gold, out in sets], np.float64).reshape(-1, 3)


def _is_dev(item: Item) -> bool:
    sample = item.id.partition("/")[0]
    if sample not in {"dev", "test"}:
        raise HarnessError(f"Item {item.id}: a mining item's id starts with dev/ or test/.", "Export it again.")
    return sample == "dev"


def _tuned(name: str, of_sums: Callable[[Array], Array]) -> Metric:
    return Metric(name, mining_statistics, _no_sum, partial(_weighted, of_sums=of_sums))


def _no_sum(sums: Array) -> Array:
    raise TypeError("a tuned threshold is no function of summed statistics: use `weighted`")


def _weighted(statistics: Array, weights: Array, of_sums: Callable[[Array], Array]) -> Array:
    """Statistics (n, 5) and weights (r, n) to values (r,): each row tunes on dev and scores on its own."""
    return _chunked(statistics, weights, lambda *given: of_sums(_sums_at_threshold(*given)))


def _chunked(statistics: Array, weights: Array, values: Callable[[Array, Array], Array]) -> Array:
    rows = max(1, CHUNK_BYTES // (80 * max(1, len(statistics))))
    chunks = [weights[start : start + rows] for start in range(0, len(weights), rows)]
    return np.concatenate([values(statistics, chunk) for chunk in chunks])


def _dev_f1(statistics: Array, weights: Array) -> Array:
    return _chunked(statistics, weights, lambda s, w: _tuning(s, w)[1])


def _thresholds(statistics: Array, weights: Array) -> Array:
    return _chunked(statistics, weights, lambda s, w: _tuning(s, w)[0])


def _tuning(statistics: Array, weights: Array) -> tuple[Array, Array]:
    """The threshold that each row's dev items choose, and their F1 there: (r,), (r,)."""
    is_dev = statistics[:, DEV] == 1
    dev = _candidates(statistics, is_dev)
    gold = weights[:, is_dev] @ statistics[is_dev, GOLD]
    return _tune(statistics[dev, SCORE], statistics[dev, CORRECT], weights[:, dev], gold)


def _sums_at_threshold(statistics: Array, weights: Array) -> Array:
    """(correct, predicted, gold) of the scored sample, (r, 3), each row at the threshold its dev chooses."""
    is_scored = scored(statistics)
    test = _candidates(statistics, is_scored)
    thresholds, _ = _tuning(statistics, weights)
    kept = np.searchsorted(-statistics[test, SCORE], -thresholds, side="right")
    extracted = _cumulated(weights[:, test])
    correct = _cumulated(weights[:, test] * statistics[test, CORRECT])
    row = np.arange(len(weights))
    total = weights[:, is_scored] @ statistics[is_scored, GOLD]
    return np.stack([correct[row, kept], extracted[row, kept], total], axis=-1)


def _candidates(statistics: Array, where: NDArray[np.bool_]) -> Ints:
    """Indices of the candidates among `where`, best score first, equal scores in item order."""
    found = np.flatnonzero(where & (statistics[:, FOUND] == 1))
    return found[np.argsort(-statistics[found, SCORE], kind="stable")]


def _cumulated(values: Array) -> Array:
    """Running sums along rows with a leading 0: column k is the sum of the first k."""
    out = np.zeros((values.shape[0], values.shape[1] + 1))
    np.cumsum(values, axis=1, out=out[:, 1:])
    return out


def _tune(scores: Array, correct: Array, weights: Array, gold: Array) -> tuple[Array, Array]:
    """Thresholds and F1 (r,). Best candidate first: scores, correct (n,), weights (r, n); gold (r,).

    F1 follows the official order of operations, so that equal values round alike and the same one wins."""
    if not len(scores):
        return np.zeros(len(weights)), np.zeros(len(weights))
    right = np.cumsum(weights * correct, axis=1)
    extracted = np.cumsum(weights, axis=1)
    precision = np.divide(right, extracted, out=np.zeros_like(right), where=right > 0)
    recall = np.divide(right, gold[:, None], out=np.zeros_like(right), where=right > 0)
    f1 = np.divide(2 * precision * recall, precision + recall, out=np.zeros_like(right), where=right > 0)
    row = np.arange(len(weights))
    first = f1.argmax(axis=1)
    highest = f1[row, first]
    # What a resample did not draw is not there: the next candidate is the next with a weight.
    later = (np.arange(len(scores)) > first[:, None]) & (weights > 0)
    following = np.where(later.any(axis=1), later.argmax(axis=1), first)
    return np.where(highest > 0, (scores[first] + scores[following]) / 2, 0.0), highest

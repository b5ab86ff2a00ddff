"""Intervals: coverage by simulation, clusters, joint draws, strata, and the same digits twice."""

import numpy as np
import pytest

from harness.metrics.bootstrap import draw, resampled, score_average, score_items
from harness.metrics.score import Array, Item, Metric, evaluate, mean_of


def _right(items: list[Item]) -> Array:
    return np.array([[float(item.output == item.gold), 1.0] for item in items])


ACCURACY = Metric("accuracy", _right, mean_of)


def _items(right: np.ndarray, clusters: np.ndarray | None = None) -> list[Item]:
    names = np.arange(len(right)) if clusters is None else clusters
    return [Item(str(at), 1, int(one), str(name)) for at, (one, name) in enumerate(zip(right, names, strict=True))]


def interval(metric: Metric, items: list[Item]) -> tuple[float, float]:
    score = score_items([metric], items)[0]
    return score.low, score.high


def test_all_right_and_all_wrong_have_intervals_of_no_width() -> None:
    assert interval(ACCURACY, _items(np.ones(20))) == (1.0, 1.0)
    assert interval(ACCURACY, _items(np.zeros(20))) == (0.0, 0.0)


def test_two_runs_print_the_same_digits() -> None:
    items = _items(np.random.default_rng(0).random(300) < 0.6)
    assert score_items([ACCURACY], items) == score_items([ACCURACY], items)


def test_interval_agrees_with_the_binomial_one() -> None:
    items = _items(np.arange(2000) % 10 < 7)
    low, high = interval(ACCURACY, items)
    half = 1.96 * np.sqrt(0.7 * 0.3 / 2000)
    assert low == pytest.approx(0.7 - half, abs=0.003)
    assert high == pytest.approx(0.7 + half, abs=0.003)


def test_items_of_one_cluster_are_drawn_together() -> None:
    right = np.repeat(np.arange(100) % 2, 10)
    apart = interval(ACCURACY, _items(right))
    together = interval(ACCURACY, _items(right, np.repeat(np.arange(100), 10)))
    ratio = (together[1] - together[0]) / (apart[1] - apart[0])
    assert ratio == pytest.approx(np.sqrt(10), rel=0.15)


def test_interval_covers_at_its_nominal_rate() -> None:
    generator = np.random.default_rng(1)
    hits = 0
    for _ in range(300):
        low, high = interval(ACCURACY, _items(generator.random(200) < 0.4))
        hits += low <= 0.4 <= high
    assert 0.90 <= hits / 300 <= 0.985


def test_parallel_languages_share_their_draws() -> None:
    """Equal items in two languages: averaging does not narrow the interval when they are drawn jointly."""
    items = _items(np.random.default_rng(2).random(400) < 0.5)
    languages = {"de": items, "fr": items}
    metrics = {"de": [ACCURACY], "fr": [ACCURACY]}
    joint = score_average(languages, metrics, joint=True)[0]
    apart = score_average(languages, metrics, joint=False)[0]
    single = score_items([ACCURACY], items)[0]
    width = single.high - single.low
    assert joint.high - joint.low == pytest.approx(width, rel=0.15)
    assert apart.high - apart.low == pytest.approx(width / np.sqrt(2), rel=0.15)
    assert joint.value == apart.value == single.value


def test_macro_average_weighs_languages_alike() -> None:
    languages = {"de": _items(np.ones(1000)), "sw": _items(np.zeros(10))}
    score = score_average(languages, {"de": [ACCURACY], "sw": [ACCURACY]}, joint=False)[0]
    assert score.value == 0.5
    assert score.n == 1010


def test_draws_keep_each_sample_at_its_own_size() -> None:
    strata = np.array([0] * 30 + [1] * 50)
    weights = np.concatenate(list(draw(strata, np.random.default_rng(0))))
    assert weights.shape == (1000, 80)
    assert (weights[:, :30].sum(axis=1) == 30).all()
    assert (weights[:, 30:].sum(axis=1) == 50).all()


def test_a_metric_that_tunes_sees_every_items_weight() -> None:
    def weighted(statistics: Array, weights: Array) -> Array:
        return mean_of(weights @ statistics)

    tuned = Metric("accuracy", _right, mean_of, weighted)
    items = _items(np.random.default_rng(3).random(150) < 0.3)
    np.testing.assert_allclose(resampled(items, [tuned]), resampled(items, [ACCURACY]))
    assert evaluate(tuned, items) == pytest.approx(evaluate(ACCURACY, items))

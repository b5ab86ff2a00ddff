"""The tuned threshold: the official walk, its guarded end, weights as repetition, the official golden run."""

import json
import random
from pathlib import Path

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.metrics import mining
from harness.metrics.mining import (
    best_threshold,
    bucc_metrics,
    gold_pairs,
    mined_pairs,
    rank_metric,
    set_metrics,
    tuning_metrics,
)
from harness.metrics.score import Item, evaluate

Candidate = tuple[str, str, float]


def item(one: str, gold: list[str], target: str | None = None, score: float = 0.0) -> Item:
    return Item(one, gold, None if target is None else {"target": target, "score": score}, one)


@pytest.mark.parametrize(
    ("scores", "correct", "gold", "threshold", "f1"),
    [
        ([], [], 3, 0.0, 0.0),
        ([1.2, 1.1], [0, 0], 2, 0.0, 0.0),
        ([1.4], [1], 1, 1.4, 1.0),
        ([1.4, 1.2, 1.0], [1, 1, 1], 3, 1.0, 1.0),
        ([1.0, 1.4, 1.2], [0, 1, 1], 2, 1.1, 1.0),
        ([1.4, 1.3, 1.2, 1.1, 1.0], [1, 0, 0, 0, 1], 2, 1.35, 2 / 3),
        ([1.4, 1.3, 1.3, 1.0], [1, 1, 0, 0], 2, 1.3, 1.0),
        ([1.3, 1.2], [0, 1], 1, 1.2, 2 / 3),
    ],
)
def test_hand_computed_thresholds(
    scores: list[float], correct: list[int], gold: int, threshold: float, f1: float
) -> None:
    found = best_threshold(np.array(scores), np.array(correct, bool), gold)
    assert found == (pytest.approx(threshold), pytest.approx(f1))


def walk(candidates: list[tuple[float, bool]], gold: int) -> float:
    """The official walk (`bucc_optimize`), step by step, with the last candidate guarded."""
    ranked = sorted(candidates, key=lambda one: -one[0])
    best = threshold = 0.0
    correct = 0
    for extracted, (score, right) in enumerate(ranked, 1):
        correct += right
        if correct:
            precision, recall = correct / extracted, correct / gold
            f1 = 2 * precision * recall / (precision + recall)
            if f1 > best:
                best = f1
                threshold = (score + ranked[min(extracted, len(ranked) - 1)][0]) / 2
    return threshold


def plain(items: list[Item]) -> tuple[float, float, float]:
    """F1, precision and recall from sets of pairs at the walk's threshold."""
    dev = [one for one in items if one.id.startswith("dev/")]
    test = [one for one in items if one.id.startswith("test/")] or dev
    found = [(one.output["score"], one.output["target"] in one.gold) for one in dev if one.output]
    threshold = walk(found, sum(len(one.gold) for one in dev))
    kept = [one for one in test if one.output and one.output["score"] >= threshold]
    correct, gold = sum(one.output["target"] in one.gold for one in kept), sum(len(one.gold) for one in test)
    precision, recall = correct / len(kept) if kept else 0.0, correct / gold if gold else 0.0
    return (2 * correct / (len(kept) + gold) if correct else 0.0), precision, recall


def random_items(draw: random.Random, samples: tuple[str, ...], size: int) -> list[Item]:
    items = []
    for number in range(size):
        gold = [f"en-{number}", f"en-{number}b"][: draw.choice([0, 1, 1, 2])]
        target = draw.choice([None, f"en-{number}", f"en-{number}", "en-x"])
        score = round(draw.gauss(1.0 + 0.1 * (target in gold), 0.1), draw.choice([2, 6]))
        if gold or target:
            items.append(item(f"{draw.choice(samples)}/{number}", gold, target, score))
    return [*items, item("dev/first", ["en-first"], "en-first", 1.05)]


@pytest.mark.parametrize("samples", [("dev",), ("dev", "test")])
def test_unit_weights_equal_the_plain_computation_exactly(samples: tuple[str, ...]) -> None:
    draw = random.Random(11)
    for _ in range(60):
        items = random_items(draw, samples, draw.randint(0, 40))
        for metric, value in zip(bucc_metrics(), plain(items), strict=True):
            assert evaluate(metric, items) == value


@pytest.mark.parametrize("chunk", [1, 10**9])
def test_weights_are_repetitions(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(mining, "CHUNK_BYTES", chunk)
    draw, generator = random.Random(2), np.random.default_rng(2)
    items = random_items(draw, ("dev", "test"), 40)
    weights = generator.integers(0, 4, (50, len(items))).astype(float)
    weights[:, -1] = 1
    for position, metric in enumerate(bucc_metrics()):
        assert metric.weighted is not None
        values = metric.weighted(metric.statistics(items), weights)
        for row, value in zip(weights, values, strict=True):
            repeated = [one for one, times in zip(items, row, strict=True) for _ in range(int(times))]
            test_there = any(one.id.startswith("test/") for one in repeated)
            assert test_there
            assert value == pytest.approx(plain(repeated)[position], abs=1e-12)


def test_a_resample_without_dev_keeps_everything_above_zero() -> None:
    items = [item("dev/1", ["a"], "a", 1.2), item("test/1", ["a"], "a", 0.1), item("test/2", ["b"], "x", 0.2)]
    precision = bucc_metrics()[1]
    assert precision.weighted is not None
    assert precision.weighted(precision.statistics(items), np.array([[0.0, 1, 1], [1, 1, 1]])).tolist() == [
        0.5,
        0.0,
    ]


def test_pairs_of_the_scored_sample() -> None:
    items = [
        item("dev/1", ["a"], "a", 1.2),
        item("dev/2", ["b"], "x", 1.0),
        item("test/3", ["c", "d"], "c", 1.15),
        item("test/4", [], "e", 1.3),
        item("test/5", ["f"], "f", 1.05),
        item("test/6", ["g"]),
    ]
    pairs, threshold = mined_pairs(items)
    assert (pairs, threshold) == ([("4", "e"), ("3", "c")], pytest.approx(1.1))
    assert gold_pairs(items) == [("3", "c"), ("3", "d"), ("5", "f"), ("6", "g")]
    assert mined_pairs(items[:2])[0] == [("1", "a")]
    assert evaluate(bucc_metrics()[0], items) == pytest.approx(2 * 1 / (2 + 4))


def test_items_without_a_sample_or_without_dev_are_refused() -> None:
    with pytest.raises(HarnessError, match="starts with dev/ or test/"):
        evaluate(bucc_metrics()[0], [item("de-1", ["a"])])
    with pytest.raises(HarnessError, match="no dev items"):
        evaluate(bucc_metrics()[0], [item("test/1", ["a"])])


def test_sets_of_tuples() -> None:
    items = [
        Item("1", [("1", "a"), ("1", "a")], [("1", "a"), ("1", "b"), ("1", "a")], "1"),
        Item("2", [("2", "c")], [], "2"),
        Item("", [], [("",)], ""),
    ]
    assert [evaluate(metric, items) for metric in set_metrics()] == pytest.approx([2 / 5, 1 / 3, 1 / 2])
    assert [evaluate(metric, []) for metric in set_metrics()] == [0, 0, 0]


def test_reciprocal_rank_stops_at_its_depth() -> None:
    ranked = [str(number) for number in range(1, 30)]
    items = [Item(gold, gold, ranked, gold) for gold in ("1", "4", "20", "21", "99")] + [Item("m", "1", None, "m")]
    assert rank_metric().name == "map@20"
    assert evaluate(rank_metric(), items) == pytest.approx((1 + 1 / 4 + 1 / 20) / 6)


def official_items(root: Path, language: str) -> list[Item]:
    """Items from the official candidates; a sentence that stands twice on a side has no id there."""
    items = []
    for sample in ("dev", "test"):
        ids = []
        for side in (language, "en"):
            lines = (root / f"bucc2018/{language}-en.{sample}.{side}").read_text("utf-8").splitlines()
            known: dict[str, list[str]] = {}
            for one, sentence in (line.split("\t", 1) for line in lines):
                known.setdefault(sentence.strip(), []).append(one)
            ids.append({sentence: own[0] for sentence, own in known.items() if len(own) == 1})
        gold: dict[str, list[str]] = {}
        for line in (root / f"bucc2018/{language}-en.{sample}.gold").read_text("utf-8").splitlines():
            gold.setdefault(line.split("\t")[0], []).append(line.split("\t")[1])
        found = {}
        for line in (root / f"official/{language}/cand.{sample}.tsv").read_text("utf-8").splitlines():
            score, source, target = (column.strip() for column in line.split("\t"))
            if source in ids[0] and target in ids[1]:
                found[ids[0][source]] = {"target": ids[1][target], "score": float(score)}
        for one in dict.fromkeys([*found, *gold]):
            items.append(Item(f"{sample}/{one}", gold.get(one, []), found.get(one), one))
    return items


@pytest.mark.parametrize("language", ["de", "fr"])
def test_official_threshold_pairs_and_scores(shared: Path, language: str) -> None:
    root = shared / "golden/retrieval"
    items = official_items(root, language)
    golden = json.loads((root / f"official/{language}/scores.json").read_text("utf-8"))
    pairs, threshold = mined_pairs(items)
    assert threshold == pytest.approx(golden["dev"]["best-threshold"], abs=1e-12)
    lines = (root / f"official/{language}/test-{language}.tsv").read_text("utf-8").splitlines()
    assert {f"{source}\t{target}" for source, target in pairs} == set(lines)
    for metric in bucc_metrics():
        assert 100 * evaluate(metric, items) == pytest.approx(golden["test_at_dev_threshold"][metric.name], abs=1e-9)
        dev = [one for one in items if one.id.startswith("dev/")]
        name = {"f1": "F1"}.get(metric.name, metric.name)
        assert 100 * evaluate(metric, dev) == pytest.approx(golden["dev"][name], abs=1e-9)
    readings = {metric.name: evaluate(metric, items) for metric in tuning_metrics()}
    assert readings["threshold"] == pytest.approx(threshold, abs=1e-12)
    assert 100 * readings["dev_f1"] == pytest.approx(golden["dev"]["F1"], abs=1e-9)

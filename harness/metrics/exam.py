"""Scores of an exam: the share of right answers, by subject and by category, beside what no knowledge would give.

Main: micro, over questions. `macro` is the plain mean over subjects, `chance` guessing, `majority_baseline` what always
giving the commonest right letter would score (always D gets 26.95% of the 3,710 English questions at hand, so 25% is no
baseline)."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from harness.metrics.accuracy import ACCURACY
from harness.metrics.readings import value_of
from harness.metrics.score import Array, Item, Metric, mean_of, ratio

SUBJECT = "subject"
TAGS = ("category", "culture")
RESAMPLES = 2000
LEVEL = 0.05
SEED = 20200907


def exam_metrics(language: str) -> tuple[Metric, ...]:
    """What every exam has; subjects and categories are known from the items alone (`group_metrics`)."""
    return (ACCURACY, BASELINE, CHANCE)


def group_metrics(groups: Sequence[tuple[str, str]], whole: bool) -> tuple[Metric, ...]:
    """`macro` where all subjects are there, then the accuracy of each (tag, value)."""
    rows = tuple(Metric(f"accuracy_{value}", partial(_in_group, name, value), mean_of) for name, value in groups)
    return (*((MACRO,) if whole else ()), *rows)


def exam_marks(items: Sequence[Item]) -> dict[str, Any]:
    """Whether the main answers agree with the right ones more often than chance would have it."""
    p = above_chance(items)
    return {"above_chance": "yes" if p < LEVEL else "no", "above_chance_p": round(p, 4)}


def above_chance(items: Sequence[Item], reading: str | None = None) -> float:
    """One-sided p: how often the right answers, dealt out anew within each subject, agree with the given ones at
    least as often. A model that always gives one letter gets 1, whatever that letter's share."""
    generator = np.random.default_rng(SEED)
    gold = np.array([item.gold for item in items])
    given = np.array([_given(item, reading) for item in items])
    subjects = np.array([str(item.readings.get(SUBJECT, "")) for item in items])
    order = np.argsort(subjects, kind="stable")
    gold, given, subjects = gold[order], given[order], subjects[order]
    hits = int((gold == given).sum())
    starts = np.flatnonzero(np.r_[True, subjects[1:] != subjects[:-1]])
    sizes = np.diff(np.r_[starts, len(gold)])
    block = np.repeat(np.arange(len(starts)), sizes)
    reached = 0
    for _ in range(RESAMPLES):
        # Sorting random numbers within blocks: the blocks' numbers are the larger part of the key.
        dealt = gold[np.argsort(block + generator.random(len(gold)))]
        reached += int((dealt == given).sum()) >= hits
    return (reached + 1) / (RESAMPLES + 1)


def _given(item: Item, reading: str | None) -> Any:
    output = item.output if reading is None else item.readings.get(reading)
    return -1 if output is None else output


def _in_group(name: str, value: str, items: Sequence[Item]) -> Array:
    inside = np.array([item.readings.get(name) == value for item in items], np.float64)
    right = np.array([item.output == item.gold for item in items], np.float64)
    return np.stack([inside * right, inside], axis=1)


def _by_subject(items: Sequence[Item]) -> Array:
    """(n, 2 x subjects): right answers, then questions, of each subject."""
    names = sorted({str(item.readings.get(SUBJECT, "")) for item in items})
    place = {name: at for at, name in enumerate(names)}
    out = np.zeros((len(items), 2 * len(names)))
    for row, item in enumerate(items):
        at = place[str(item.readings.get(SUBJECT, ""))]
        out[row, at] = item.output == item.gold
        out[row, len(names) + at] = 1
    return out


def _mean_of_subjects(sums: Array) -> Array:
    """The plain mean over the subjects that were drawn."""
    right, asked = np.split(sums, 2, axis=-1)
    there = (asked > 0).sum(axis=-1)
    return np.asarray(ratio(ratio(right, asked).sum(axis=-1), there.astype(np.float64)))


def _keys(items: Sequence[Item]) -> Array:
    """(n, options): which option is right."""
    return np.eye(1 + max(int(item.gold) for item in items))[[int(item.gold) for item in items]]


def _largest(sums: Array) -> Array:
    return np.asarray(ratio(sums.max(axis=-1), sums.sum(axis=-1)))


MACRO = Metric("macro", _by_subject, _mean_of_subjects)
BASELINE = Metric("majority_baseline", _keys, _largest)
# One over the number of a question's options, which differs in MMLU-ProX.
CHANCE = value_of("chance")

"""Scores of an exam by hand: macro, groups, the baseline of the commonest letter, and the mark above chance."""

from itertools import permutations
from typing import Any

import numpy as np
import pytest

from harness.metrics.exam import BASELINE, CHANCE, MACRO, above_chance, exam_marks, group_metrics
from harness.metrics.score import Item, evaluate


def item(number: int, gold: int, output: int | None, subject: str = "s", **tags: Any) -> Item:
    return Item(str(number), gold, output, str(number), {"subject": subject, **tags})


ITEMS = [
    item(0, 0, 0, "anatomy", category="Other", culture="CS"),
    item(1, 3, 0, "anatomy", category="Other", culture="CA"),
    item(2, 3, 3, "algebra", category="STEM", culture="CA"),
    item(3, 2, 2, "algebra", category="STEM"),
    item(4, 3, 2, "algebra", category="STEM"),
]


def test_macro_is_the_plain_mean_over_subjects() -> None:
    assert evaluate(MACRO, ITEMS) == pytest.approx((1 / 2 + 2 / 3) / 2)
    # A resample that draws nothing of a subject averages over the others.
    weights = np.array([[0.0, 0.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 1.0]])
    assert MACRO.value(weights @ MACRO.statistics(ITEMS)) == pytest.approx([2 / 3, 7 / 12])


def test_groups_and_baseline() -> None:
    found = {one.name: evaluate(one, ITEMS) for one in group_metrics([("category", "STEM"), ("culture", "CA")], True)}
    assert found == {"macro": pytest.approx(7 / 12), "accuracy_STEM": pytest.approx(2 / 3), "accuracy_CA": 0.5}
    assert [one.name for one in group_metrics([("culture", "CS")], False)] == ["accuracy_CS"]
    assert evaluate(BASELINE, ITEMS) == pytest.approx(3 / 5)
    guesses = [item(number, 0, 0, chance=share) for number, share in enumerate((0.25, 0.1))]
    assert evaluate(CHANCE, guesses) == pytest.approx(0.175)


def test_the_mark_is_the_share_of_dealings_that_do_as_well() -> None:
    """Against every permutation of two small subjects."""
    items = [item(0, 0, 0, "a"), item(1, 1, 1, "a"), item(2, 2, 0, "a"), item(3, 1, 1, "b"), item(4, 0, 1, "b")]
    reached = total = 0
    for first in permutations([0, 1, 2]):
        for second in permutations([1, 0]):
            hits = sum(a == b for a, b in zip((*first, *second), (0, 1, 0, 1, 1), strict=True))
            reached += hits >= 3
            total += 1
    assert above_chance(items) == pytest.approx(reached / total, abs=0.03)


def test_one_letter_for_all_is_never_above_chance() -> None:
    draw = np.random.default_rng(0)
    golds = draw.choice(4, 400, p=[0.2, 0.2, 0.2, 0.4])
    always = [item(number, int(gold), 3, str(number % 5)) for number, gold in enumerate(golds)]
    assert exam_marks(always) == {"above_chance": "no", "above_chance_p": 1.0}
    good = [item(number, int(gold), int(gold) if number % 2 else 0, "s") for number, gold in enumerate(golds)]
    assert exam_marks(good)["above_chance"] == "yes"
    # A model that knows the usual letter of each subject, and nothing else, is not marked either.
    by_subject = [item(number, number % 2, number % 2, str(number % 2)) for number in range(40)]
    assert exam_marks(by_subject)["above_chance"] == "no"


def test_no_answer_is_no_hit() -> None:
    assert above_chance([item(0, 0, None), item(1, 1, None)]) == 1.0

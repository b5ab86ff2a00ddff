"""Both seqeval rules: counts of the real packages, a step-by-step second implementation, degenerate cases."""

import random
from collections.abc import Sequence

import pytest

from harness.errors import HarnessError
from harness.metrics.entities import TOKEN_ACCURACY, count_units, legacy_type, seqeval1_type, tag_metrics
from harness.metrics.score import Item, evaluate

words = str.split

UPOS = words("ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X _")
IOB = words("B-LOC B-ORG B-PER I-LOC I-ORG I-PER O")
ODD = [*UPOS, *IOB, *words("E-LOC S-ORG B I E S B- I- . B-A-B I-O X-O O-X ORG OTHER")]

# gold, predictions ("|" between sentences), (correct, predicted, gold) by seqeval 0.0.12 and by 1.2.2.
FROZEN = [
    ("B-PER I-PER O B-LOC", "B-PER I-PER O I-LOC", (2, 2, 2), (2, 2, 2)),
    ("I-PER I-PER|B-LOC I-ORG I-ORG", "I-PER B-PER|B-LOC I-LOC I-ORG", (0, 4, 3), (0, 4, 3)),
    ("DET NOUN NOUN PUNCT", "DET NOUN PROPN PUNCT", (2, 4, 3), (2, 4, 3)),
    ("SCONJ SCONJ SYM SYM INTJ INTJ", "SCONJ SCONJ SYM SYM INTJ INTJ", (5, 5, 5), (5, 5, 5)),
    ("CCONJ SCONJ NOUN|SCONJ CCONJ", "CCONJ CCONJ NOUN|SCONJ SCONJ", (2, 4, 5), (2, 4, 4)),
    ("NOUN X|X VERB|X", "NOUN X|X VERB|X", (5, 5, 5), (3, 3, 3)),
    ("X NOUN|X VERB _", "_ NOUN|_ VERB X", (2, 5, 5), (4, 4, 4)),
    ("VERB|X ADJ", "VERB|X X", (1, 2, 3), (1, 1, 3)),
    ("O O|O", "O O|O", (0, 0, 0), (0, 0, 0)),
    ("E-LOC E-LOC S-ORG I-ORG B I . I", "E-LOC I-LOC S-ORG I-ORG B B . I", (6, 7, 7), (4, 6, 5)),
]


def items_of(gold: Sequence[Sequence[str]], output: Sequence[Sequence[str]]) -> list[Item]:
    return [Item(str(n), list(a), list(b), str(n)) for n, (a, b) in enumerate(zip(gold, output, strict=True))]


def split(text: str) -> list[list[str]]:
    return [sentence.split() for sentence in text.split("|")]


@pytest.mark.parametrize(("gold", "output", "legacy", "newer"), FROZEN)
def test_counts_of_the_real_packages(gold: str, output: str, legacy: tuple[int, ...], newer: tuple[int, ...]) -> None:
    items = items_of(split(gold), split(output))
    assert tuple(count_units(items, "legacy").sum(axis=0)) == legacy
    assert tuple(count_units(items, "seqeval1").sum(axis=0)) == newer


def walk(sentences: Sequence[Sequence[str]], rule: str) -> set[tuple[str, int, int]]:
    """The state machine one token at a time, written from its description."""
    found, opened, position = set(), 0, 0
    last, last_type = "O", None
    for tag in [tag for sentence in sentences for tag in [*sentence, "O"]]:
        mark, kind = tag[0], tag.split("-")[-1]
        if rule == "seqeval1":
            kind = tag[1:].split("-", 1)[-1] or "_"
        changed = kind != last_type
        closes = last in "ES" or (last in "BI" and mark in "BSO") or (last not in "O." and changed)
        opens = mark in "BS" or (last in "ESO" and mark in "EI") or (mark not in "O." and changed)
        if closes:
            found.add((str(last_type), opened, position - 1))
        if opens:
            opened = position
        last, last_type, position = mark, kind, position + 1
    return found


@pytest.mark.parametrize("rule", ["legacy", "seqeval1"])
@pytest.mark.parametrize("vocabulary", [UPOS, IOB, ODD, ["X", "_", "NOUN", "CCONJ", "SCONJ"]])
def test_equals_the_step_by_step_machine(rule: str, vocabulary: list[str]) -> None:
    draw = random.Random(7)
    for _ in range(150):
        gold = [[draw.choice(vocabulary) for _ in range(draw.randint(1, 9))] for _ in range(draw.randint(1, 6))]
        output = [[tag if draw.random() < 0.7 else draw.choice(vocabulary) for tag in one] for one in gold]
        expected, predicted = walk(gold, rule), walk(output, rule)
        counts = (len(expected & predicted), len(predicted), len(expected))
        assert tuple(count_units(items_of(gold, output), rule).sum(axis=0)) == counts
        f1, precision, recall = (evaluate(metric, items_of(gold, output)) for metric in tag_metrics(rule))
        assert precision == (counts[0] / counts[1] if counts[1] else 0)
        assert recall == (counts[0] / counts[2] if counts[2] else 0)
        assert f1 == pytest.approx(2 * precision * recall / (precision + recall) if counts[0] else 0, abs=1e-15)


def test_upos_units_are_runs_of_equal_tags_except_those_with_s() -> None:
    draw = random.Random(3)
    for _ in range(100):
        tags = [[draw.choice(UPOS) for _ in range(12)] for _ in range(3)]
        runs = sum(
            at == 0 or tag != one[at - 1] or tag in {"SCONJ", "SYM"} for one in tags for at, tag in enumerate(one)
        )
        assert tuple(count_units(items_of(tags, tags), "legacy").sum(axis=0)) == (runs, runs, runs)


def test_units_are_counted_in_their_own_sentence() -> None:
    items = items_of(split("B-PER O|O|I-LOC I-LOC B-LOC"), split("B-PER O|B-PER|I-LOC O B-LOC"))
    assert count_units(items, "legacy").tolist() == [[1, 1, 1], [0, 1, 0], [1, 2, 2]]


def test_both_rules_agree_on_iob() -> None:
    for tag in IOB[:-1]:
        assert legacy_type(tag) == seqeval1_type(tag)


def test_token_accuracy_is_over_tokens_not_sentences() -> None:
    items = items_of(split("NOUN|DET NOUN VERB"), split("VERB|DET NOUN VERB"))
    assert evaluate(TOKEN_ACCURACY, items) == 3 / 4


def test_nothing_to_score_is_zero() -> None:
    for metric in (*tag_metrics(), TOKEN_ACCURACY):
        assert evaluate(metric, items_of([[]], [[]])) == 0
    assert count_units([], "legacy").shape == (0, 3)


def test_unequal_lengths_and_unknown_rules_are_refused() -> None:
    with pytest.raises(HarnessError, match="Item 0: 1 predicted tags for 2"):
        evaluate(tag_metrics()[0], items_of([["DET", "NOUN"]], [["DET"]]))
    with pytest.raises(HarnessError, match="legacy"):
        tag_metrics("legasy")

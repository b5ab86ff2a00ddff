"""Normalisers and max-over-golds: hand-computed tables per language, and a second implementation."""

import random
import string
import unicodedata
from collections.abc import Callable

import pytest

from harness.errors import HarnessError
from harness.metrics.score import Item, evaluate
from harness.metrics.spans import (
    MLQA_LANGUAGES,
    best,
    exact_match,
    mlqa_metrics,
    mlqa_readings,
    normalise_mlqa,
    normalise_reading,
    normalise_squad,
    squad_metrics,
    token_f1,
)

SQUAD = [
    ("The U.S.  Army", "us army"),
    ("a an the", ""),
    ("Athens, theatre", "athens theatre"),
    ("el coche «rojo»", "el coche «rojo»"),
    ("308分。", "308分。"),
    ("state-of-the-art", "stateoftheart"),
    ("the\u00a0end\u3000now", "end now"),
    ("", ""),
]
MLQA = [
    ("en", "The «U.S.» Army", "us army"),
    ("en", "a an the x", "x"),
    ("es", "un una unos unas el la los las x", "x"),
    ("de", "ein eine einen einem eines einer der die das den dem des x", "x"),
    ("vi", "của là cái chiếc những x", "x"),
    ("es", "Los  coches, el rojo y LAS casas", "coches rojo y casas"),
    ("de", "der Hund des Mannes – ein “Tier”", "hund mannes tier"),
    ("vi", "Những cái của chiếc bàn là", "bàn"),
    ("hi", "the राम।", "the राम"),
    ("ar", "الكتاب في المدرسة", "كتاب في مدرسة"),
    ("ar", "خيال علمي", "خي علمي"),
    ("zh", "《308》分 abc一龥", "308 分 abc 一 龥"),
    ("zh", "㐀㐁 的", "㐀㐁 的"),
]


@pytest.mark.parametrize(("text", "expected"), SQUAD)
def test_squad_rule(text: str, expected: str) -> None:
    assert normalise_squad(text) == expected


@pytest.mark.parametrize(("language", "text", "expected"), MLQA)
def test_mlqa_rule(language: str, text: str, expected: str) -> None:
    assert normalise_mlqa(text, language) == expected


@pytest.mark.parametrize(
    ("prediction", "gold", "exact", "f1"),
    [
        ("the cat", "a cat", 1, 1.0),
        ("cat sat", "cat", 0, 2 / 3),
        ("cat cat", "cat", 0, 2 / 3),
        ("dog", "cat", 0, 0.0),
        ("the", "...", 1, 0.0),
        ("", "cat", 0, 0.0),
        ("", "", 1, 0.0),
    ],
)
def test_both_measures(prediction: str, gold: str, exact: float, f1: float) -> None:
    assert exact_match(prediction, gold) == exact
    assert token_f1(prediction, gold) == pytest.approx(f1)


def test_an_unanswered_question_counts_and_gets_zero() -> None:
    items = [
        Item("1", ["the"], None, "1"),
        Item("2", ["the"], "a", "2"),
        Item("3", ["dog", "cat"], "cat", "3"),
    ]
    exact, f1 = squad_metrics()
    assert evaluate(exact, items) == pytest.approx(2 / 3)
    assert evaluate(f1, items) == pytest.approx(1 / 3)
    assert best("x y", ["y", "x y"], token_f1) == 1


def test_names_and_languages() -> None:
    assert [metric.name for metric in squad_metrics()] == ["exact_match", "f1"]
    assert [metric.name for metric in mlqa_metrics("zh")] == ["exact_match", "f1"]
    assert [metric.name for metric in mlqa_readings("th")] == ["exact_match_mlqa", "f1_mlqa"]
    assert set(MLQA_LANGUAGES) == {"en", "es", "de", "ar", "hi", "vi", "zh"}
    with pytest.raises(HarnessError, match="MLQA"):
        mlqa_metrics("th")


def test_the_reading_is_mlqas_rule_where_it_has_one_and_segments_thai() -> None:
    assert normalise_reading("der Hund", "de") == normalise_mlqa("der Hund", "de")
    assert normalise_reading("ไทย.", "th") == "ไ ท ย"
    assert normalise_reading("Ο «σκύλος»", "el") == "ο σκύλος"


PIECES = "the An der DIE el los của là ال الكتاب خيال राम। 北京 。 《书》 x-y U.S. 12 ㉑ – “q” ß İ"


def second_opinion(text: str, language: str) -> str:
    """MLQA's rule, character by character and word by word, written from its description."""
    articles = {
        "en": {"a", "an", "the"},
        "es": {"un", "una", "unos", "unas", "el", "la", "los", "las"},
        "de": {"ein", "eine", "einen", "einem", "eines", "einer", "der", "die", "das", "den", "dem", "des"},
        "vi": {"của", "là", "cái", "chiếc", "những"},
    }
    text = "".join(c for c in text.lower() if c not in string.punctuation and unicodedata.category(c)[0] != "P")
    if language == "ar":
        text = text.replace("\u0627\u0644", " ")
    tokens = []
    for word in text.split():
        if language == "zh":
            run = ""
            for character in word:
                if 0x4E00 <= ord(character) <= 0x9FA5:
                    tokens += [run, character]
                    run = ""
                else:
                    run += character
            tokens.append(run)
        elif word not in articles.get(language, set()):
            tokens.append(word)
    return " ".join(filter(None, tokens))


def naive(prediction: str, golds: list[str], rule: Callable[[str], str]) -> tuple[float, float]:
    values = []
    for gold in golds:
        ours, theirs = rule(prediction).split(), rule(gold).split()
        left, shared = list(theirs), 0
        for token in ours:
            if token in left:
                left.remove(token)
                shared += 1
        f1 = 2 * shared / (len(ours) + len(theirs)) if shared else 0.0
        values.append((float(rule(prediction) == rule(gold)), f1))
    return max(one for one, _ in values), max(one for _, one in values)


@pytest.mark.parametrize("language", MLQA_LANGUAGES)
def test_equals_a_second_implementation(language: str) -> None:
    draw = random.Random(5)
    pieces = [*PIECES.split(), "\u00a0", ""]
    items = [
        Item(
            str(number),
            [" ".join(draw.choices(pieces, k=draw.randint(0, 4))) for _ in range(draw.randint(1, 3))],
            draw.choice(["", " "]).join(draw.choices(pieces, k=draw.randint(0, 4))),
            str(number),
        )
        for number in range(25)
    ]
    rules = {item.id: {t: second_opinion(t, language) for t in [item.output, *item.gold]} for item in items}
    expected = [naive(item.output, item.gold, rules[item.id].__getitem__) for item in items]
    for metric, column in zip(mlqa_metrics(language), zip(*expected, strict=True), strict=True):
        assert list(metric.statistics(items)[:, 0]) == pytest.approx(list(column), abs=1e-12)

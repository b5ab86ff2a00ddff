"""13-grams: what is shared is found wherever it stands, in every script."""

import random

import numpy as np

from harness.tasks.ngrams import WIDTH, contains, distinct, grams, words

LONG = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"


def test_words_of_several_scripts() -> None:
    assert words("Foo-bar, U.S. 1,190!") == ["foo", "bar", "u", "s", "1", "190"]
    assert words("敏捷的fox。") == ["敏", "捷", "的", "fox"]
    assert words("तेज भूरी लोमड़ी,") == ["तेज", "भूरी", "लोमड़ी"]
    assert words("می\u200cخواهم") == ["میخواهم"]


def test_as_many_as_windows_and_none_of_a_short_text() -> None:
    assert len(grams(LONG)) == 2
    assert len(grams(" ".join(LONG.split()[:WIDTH]))) == 1
    assert len(grams(" ".join(LONG.split()[: WIDTH - 1]))) == 0


def test_case_and_punctuation_do_not_count_but_order_does() -> None:
    assert np.array_equal(grams(LONG), grams(LONG.upper().replace(" ", ", ")))
    swapped = LONG.replace("one two", "two one")
    assert not set(grams(LONG)[:1].tolist()) & set(grams(swapped).tolist())


def test_agrees_with_sets_of_tuples() -> None:
    draw = random.Random(5)
    texts = [" ".join(draw.choices("abcd", k=draw.randint(5, 60))) for _ in range(60)]
    shared = distinct(texts[:30])
    known = {tuple(words(text)[at : at + WIDTH]) for text in texts[:30] for at in range(len(words(text)) - WIDTH + 1)}
    assert len(shared) == len(known)
    for text in texts:
        expected = [tuple(words(text)[at : at + WIDTH]) in known for at in range(len(words(text)) - WIDTH + 1)]
        assert contains(shared, grams(text)).tolist() == expected

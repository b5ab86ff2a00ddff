"""Every word gets one tag, however long its sentence, and training never sees a tag on a wrong token."""

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.examples import Tag
from harness.heads.head import Encoding, collate
from harness.heads.ragged import bounds_of
from harness.heads.tag import HEAD, pieces
from harness.heads.tokeniser import tokenise_words


def one_by_one(lengths, sentences, budget):
    """The running count, word by word."""
    found, word = [], 0
    for number, words in enumerate(sentences):
        start, count = word, 0
        for _ in range(words):
            if count + lengths[word] > budget:
                found.append((number, start, word))
                start, count = word, 0
            count += lengths[word]
            word += 1
        if words:
            found.append((number, start, word))
    return found


def test_pieces_are_those_of_a_running_count() -> None:
    draw = np.random.default_rng(0)
    for budget in (1, 2, 5, 9):
        sentences = draw.integers(0, 12, 30)
        lengths = draw.integers(1, budget + 1, sentences.sum())
        found = pieces(bounds_of(lengths), bounds_of(sentences), budget)
        assert list(zip(*(one.tolist() for one in found), strict=True)) == one_by_one(lengths, sentences, budget)


def test_no_pieces_of_nothing() -> None:
    assert [len(one) for one in pieces(bounds_of([]), bounds_of([0, 0]), 5)] == [0, 0, 0]


def test_a_split_sentence_has_every_tag(tokeniser, examples) -> None:
    """A model that reads the tag off the token itself must give each word the tag of its first token."""
    sentences = (*examples["tag"], Tag("empty", (), (), "e"), Tag("long", ("fox", "dog") * 200, ("A", "B") * 200, "l"))
    labels = tuple(map(str, range(7)))
    for length in (12, 40, 128):
        found = HEAD.encode(sentences, Encoding(tokeniser, length, labels))
        assert found.tokens.lengths.max() <= length
        logits = np.eye(7, dtype=np.float32)[found.tokens.values % 7]
        tags = HEAD.decode(found, sentences, logits, labels)
        assert [len(one) for one in tags] == [len(one.words) for one in sentences]
        for sentence, predicted in zip(sentences, tags, strict=True):
            words = tokenise_words(tokeniser, sentence.words)
            fits = words.lengths <= length - 2
            expected = np.where(fits, words.values[words.bounds[:-1]], tokeniser.unknown) % 7
            assert predicted == [labels[one] for one in expected]


def test_strange_words_stand_as_the_unknown_token(tokeniser) -> None:
    long = "x" * 3 + "敏捷的棕色狐狸跳过了懒狗" * 40
    example = Tag("0", ("fox", long, "", "dog"), ("A", "B", "A", "B"), "0")
    found = HEAD.encode([example], Encoding(tokeniser, 16, ("A", "B"), training=True))
    first = found.tokens.values[found.columns["word"] >= 0].tolist()
    fox, dog = (tokenise_words(tokeniser, [word]).values[0] for word in ("fox", "dog"))
    assert first == [fox, tokeniser.unknown, tokeniser.unknown, dog]
    target = found.columns["target"]
    assert target[target >= 0].tolist() == [0, 1, 0, 1]


def test_targets_stand_on_first_tokens(tokeniser, examples, labels) -> None:
    found = HEAD.encode(examples["tag"], Encoding(tokeniser, 40, labels["tag"], training=True))
    assert ((found.columns["target"] >= 0) == (found.columns["word"] >= 0)).all()
    tags = [labels["tag"].index(tag) for one in examples["tag"] for tag in one.tags]
    order = found.columns["word"][found.columns["word"] >= 0]
    assert found.columns["target"][found.columns["word"] >= 0].tolist() == [tags[at] for at in order]
    batch = collate(HEAD, found, range(5))
    assert batch["target"].shape == batch["input_ids"].shape
    assert (batch["target"][batch["attention_mask"] == 0] == -100).all()


def test_an_unknown_tag_is_refused_in_training(tokeniser) -> None:
    example = Tag("0", ("fox",), ("FOX",), "0")
    with pytest.raises(HarnessError, match="FOX"):
        HEAD.encode([example], Encoding(tokeniser, 16, ("A",), training=True))
    assert len(HEAD.encode([example], Encoding(tokeniser, 16, ("A",))).tokens) == 1

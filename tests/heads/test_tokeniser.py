"""Rows put together by index arithmetic are the tokenizer's own, special tokens and types included."""

import json
from itertools import chain

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.heads import HEADS
from harness.heads.classify import longest_first
from harness.heads.head import Encoding
from harness.heads.rows import assemble
from harness.heads.tokeniser import open_tokeniser, tokenise, tokenise_with_offsets, tokenise_words, wrap

PAIRS = [("The quick fox.", "Der Hund"), ("a", "敏捷的棕色狐狸"), ("the same", "the same"), ("الثعلب", "U.S. 1,190")]


def lists(rows):
    return [row.tolist() for row in np.split(rows.values, rows.bounds[1:-1])]


def own(tokenizer, pairs):
    return [tokenizer(*pair)["input_ids"] for pair in pairs]


@pytest.mark.parametrize("form", ["encoder", "seq2seq", "decoder"])
def test_rows_are_the_tokenizers_own(tiny, form) -> None:
    made = wrap(tiny.make_tokenizer(form), types=True, positions=None)
    first, second = (tokenise(made, [pair[at] for pair in PAIRS]) for at in (0, 1))
    assert lists(assemble(made, first, second).tokens) == own(made.tokenizer, PAIRS)
    assert lists(assemble(made, first).tokens) == own(made.tokenizer, [pair[:1] for pair in PAIRS])
    assert made.part == ("" if form != "decoder" else "\n")


def test_token_types_are_the_tokenizers_own(tiny) -> None:
    made = wrap(tiny.make_tokenizer("encoder"), types=True, positions=None)
    rows = assemble(made, *(tokenise(made, [pair[at] for pair in PAIRS]) for at in (0, 1)))
    expected = [made.tokenizer(*pair, return_token_type_ids=True)["token_type_ids"] for pair in PAIRS]
    assert rows.types.tolist() == list(chain(*expected))
    assert set(rows.types.tolist()) == {0, 1}


def test_the_real_tokenizer_is_not_cut_at_its_own_128(minilm) -> None:
    from harness.checkpoint import open_checkpoint

    made = open_tokeniser(open_checkpoint(str(minilm)))
    assert json.loads((minilm / "tokenizer.json").read_text("utf-8"))["truncation"]["max_length"] == 128
    long = "word " * 300
    first, second = tokenise(made, [long, "a"]), tokenise(made, ["b", long])
    assert assemble(made, first, second).tokens.lengths.tolist() == [304, 304]
    assert lists(assemble(made, first, second).tokens)[1] == made.tokenizer("a", long)["input_ids"]
    assert made.types and made.positions == 512 and made.mark == ""


def test_a_table_of_one_type_takes_no_types(tiny, tmp_path) -> None:
    checkpoint = tiny.opened(tiny.save_model(tmp_path / "m", "roberta", type_vocab_size=1))
    assert not open_tokeniser(checkpoint).types


def test_a_word_is_tokenised_as_inside_a_sentence(tiny) -> None:
    prefixed = wrap(tiny.make_tokenizer(), types=False, positions=None)
    assert prefixed.mark == ""
    bare = tiny.make_tokenizer()
    from tokenizers import pre_tokenizers

    bare.backend_tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made = wrap(bare, types=False, positions=None)
    assert made.mark == " "
    sentence = tokenise(made, [" the quick fox"])
    assert tokenise_words(made, ["the", "quick", "fox"]).values.tolist() == sentence.values.tolist()


def test_a_repeated_text_and_an_empty_list(tokeniser) -> None:
    found = lists(tokenise(tokeniser, ["fox", "dog", "fox"]))
    assert found[0] == found[2] != found[1]
    assert len(tokenise(tokeniser, [])) == 0
    assert tokenise_with_offsets(tokeniser, [])[1].shape == (0, 2)


def test_an_empty_row_holds_one_token(tiny) -> None:
    made = wrap(tiny.make_tokenizer("decoder"), types=False, positions=None)
    rows = assemble(made, tokenise(made, ["", "fox"]))
    assert rows.tokens.lengths.tolist()[0] == 1
    assert rows.tokens.values[0] == made.pad


def test_offsets_cut_the_text(tokeniser) -> None:
    text = "敏捷的 fox, über"
    tokens, offsets = tokenise_with_offsets(tokeniser, [text])
    assert len(tokens.values) == len(offsets)
    assert {at for a, b in offsets.tolist() for at in range(a, b)} >= {at for at, one in enumerate(text) if one != " "}
    assert (np.diff(offsets, axis=0) >= 0).all()


def test_a_slow_tokenizer_is_refused_for_spans(tokeniser) -> None:
    from types import SimpleNamespace

    made = wrap(tokeniser.tokenizer, types=False, positions=None)
    slow = type(made)(**{**vars(made), "tokenizer": SimpleNamespace(is_fast=False)})
    with pytest.raises(HarnessError, match="fast tokenizer"):
        tokenise_with_offsets(slow, ["fox"])


def test_longest_first_is_one_token_at_a_time() -> None:
    for room in (7, 8):
        for first in range(0, 14):
            for second in range(0, 14):
                a, b = first, second
                while a + b > room:
                    a, b = (a - 1, b) if a > b else (a, b - 1)
                found = longest_first(np.array([first]), np.array([second]), room)
                assert [int(one[0]) for one in found] == [a, b], (first, second, room)


@pytest.mark.parametrize("form", HEADS)
def test_rows_without_room_are_refused(tokeniser, examples, labels, form) -> None:
    """An endless loop, a traceback or scores of empty rows before."""
    single = form == "tag"
    least = tokeniser.single.specials + 1 if single else tokeniser.pair.specials + 2
    names = labels[form]
    assert len(HEADS[form].encode(examples[form], Encoding(tokeniser, least, names)).tokens) >= len(examples[form])
    for length in (least - 1, 1):
        with pytest.raises(HarnessError, match=f"has no room for .* Give --max-length {least} or more"):
            HEADS[form].encode(examples[form], Encoding(tokeniser, length, names))

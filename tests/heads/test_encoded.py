"""What was tokenised is not tokenised again, and nothing is mistaken for it."""

from dataclasses import replace

from harness.heads import HEADS
from harness.heads.encoded import Encoded
from harness.heads.head import Encoding
from harness.heads.tokeniser import open_tokeniser, wrap


def test_features_are_made_once_per_tokenizer_and_data(bert, tokeniser, examples, labels, tiny) -> None:
    head, kept = HEADS["tag"], Encoded()
    asked = Encoding(tokeniser, 40, labels["tag"])
    first = kept.features(head, examples["tag"], asked, "a")
    assert kept.features(head, examples["tag"], asked, "a") is first
    again = open_tokeniser(bert)
    assert again is not tokeniser
    assert kept.features(head, examples["tag"], replace(asked, tokeniser=again), "a") is first
    assert kept.features(head, examples["tag"], replace(asked, labels=("other",)), "a") is first
    decoder = wrap(tiny.make_tokenizer("decoder"), types=False, positions=None)
    others = [
        (head, asked, "b"),
        (head, replace(asked, max_length=39), "a"),
        (head, replace(asked, training=True), "a"),
        (head, replace(asked, tokeniser=decoder), "a"),
        (HEADS["classify"], asked, "a"),
    ]
    for other, encoding, data in others:
        assert kept.features(other, examples[other.form], encoding, data) is not first


def test_a_call_does_not_change_what_a_tokenizer_is(bert) -> None:
    made = open_tokeniser(bert)
    made.tokenizer("the fox", truncation=True, max_length=4, padding="max_length")
    assert wrap(made.tokenizer, types=made.types, positions=None).digest == made.digest

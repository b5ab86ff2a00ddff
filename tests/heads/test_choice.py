"""Questions with different numbers of options, and the loss over their options."""

from itertools import chain

import numpy as np
import pytest
import torch

from harness.examples import Choice, Classify
from harness.heads import HEADS
from harness.heads.features import merge
from harness.heads.head import Encoding, collate

HEAD = HEADS["choice"]


def test_an_option_is_read_after_context_and_question(tokeniser) -> None:
    example = Choice("0", "the fox", "Who?", ("dog", "lazy dog"), 1, "0")
    found = HEAD.encode([example], Encoding(tokeniser, 80, training=True))
    expected = [tokeniser.tokenizer("the fox Who?", option)["input_ids"] for option in example.options]
    assert found.tokens.values.tolist() == list(chain(*expected))
    assert found.units.tolist() == [0, 2]
    assert found.lengths.tolist() == [max(map(len, expected))]
    alone = HEAD.encode([Choice("0", "", "Who?", ("dog", "fox"), 1, "0")], Encoding(tokeniser, 80))
    assert alone.tokens.values[: alone.tokens.bounds[1]].tolist() == tokeniser.tokenizer("Who?", "dog")["input_ids"]


def test_the_best_option_of_each_question(tokeniser, examples) -> None:
    found = HEAD.encode(examples["choice"], Encoding(tokeniser, 80))
    logits = np.random.default_rng(0).normal(size=(len(found.tokens), 1)).astype(np.float32)
    chosen, at = [], 0
    for example in examples["choice"]:
        scores = logits[at : at + len(example.options), 0].tolist()
        chosen.append(scores.index(max(scores)))
        at += len(example.options)
    assert HEAD.decode(found, examples["choice"], logits, ()) == chosen
    assert HEAD.decode(found, examples["choice"], np.zeros_like(logits), ()) == [0] * len(chosen)


def test_the_loss_is_the_cross_entropy_over_each_questions_options(tokeniser, examples) -> None:
    found = HEAD.encode(examples["choice"], Encoding(tokeniser, 80, training=True))
    units = [5, 0, 7]
    batch = collate(HEAD, found, units)
    logits = torch.randn(len(batch["input_ids"]), 1, requires_grad=True)
    total, count = HEAD.terms(logits, batch)
    expected, at = 0.0, 0
    for unit in units:
        example = examples["choice"][unit]
        scores = logits[at : at + len(example.options), 0]
        expected += torch.nn.functional.cross_entropy(scores[None], torch.tensor([example.answer])).item()
        at += len(example.options)
    assert at == len(logits)
    assert total.item() == pytest.approx(expected, rel=1e-5) and int(count) == 3
    total.backward()
    assert torch.isfinite(logits.grad).all() and (logits.grad != 0).all()


def test_classes_and_single_sentences(tokeniser) -> None:
    head = HEADS["classify"]
    single = [Classify("0", "the fox", None, "b", "0"), Classify("1", "dog", None, "a", "1")]
    found = head.encode(single, Encoding(tokeniser, 6, ("a", "b"), training=True))
    assert found.tokens.lengths.max() <= 6
    assert found.columns["target"].tolist() == [1, 0]
    assert found.tokens.values[: found.tokens.bounds[1]].tolist()[:1] == list(tokeniser.single.before)
    logits = torch.tensor([[0.0, 1.0], [2.0, 0.0]])
    total, count = head.terms(logits, {"target": torch.tensor([1, 0])})
    assert float(total) == pytest.approx(np.log1p(np.exp(-1)) + np.log1p(np.exp(-2))) and int(count) == 2


def test_merged_features_keep_every_row(tokeniser, examples) -> None:
    parts = [HEAD.encode(examples["choice"][at : at + 3], Encoding(tokeniser, 80)) for at in (0, 3)]
    merged = merge(parts)
    assert len(merged.tokens) == sum(len(part.tokens) for part in parts)
    assert merged.tokens.values.tolist() == list(chain(*(part.tokens.values for part in parts)))

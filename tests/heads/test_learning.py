"""Targets and answers mean the same: what was learnt by heart is answered right, in every form."""

import pytest
import torch

from harness.heads import HEADS
from harness.heads.head import Encoding, collate, loss
from harness.heads.model import NewHead, build
from harness.heads.predict import predict

GOLD = {
    "classify": lambda one: one.label,
    "tag": lambda one: list(one.tags),
    "span": lambda one: one.answers[0],
    "choice": lambda one: one.answer,
}


@pytest.mark.parametrize("form", HEADS)
def test_six_examples_are_learnt_by_heart(bert, tokeniser, examples, labels, form) -> None:
    head, names, chosen = HEADS[form], labels[form], examples[form][:6]
    model = build(bert, tokeniser, NewHead(head, names, 1)).module
    training = head.encode(chosen, Encoding(tokeniser, 128, names, training=True))
    batch = collate(head, training, range(len(training.lengths)))
    optimiser = torch.optim.Adam(model.parameters(), lr=4e-3)
    torch.manual_seed(0)
    asked = head.encode(chosen, Encoding(tokeniser, 128, names))
    for _ in range(12):
        model.train()
        for _ in range(25):
            total, count = loss(head, model, batch)
            optimiser.zero_grad()
            (total / count).backward()
            optimiser.step()
        found = head.decode(asked, chosen, *predict(head, model, [asked]), names)
        if found == [GOLD[form](one) for one in chosen]:
            return
    assert found == [GOLD[form](one) for one in chosen]

"""The vocabulary sees the tokens that are asked for alone: the same loss and gradients as from the whole table."""

import pytest
import tiny_models
import torch
from torch.nn import functional

from harness.train.masked import IGNORED, masked_loss
from harness.train.scratch import spread_of
from harness.train.shared_encoder import MaskedTokens, load_carrier


@pytest.mark.parametrize(
    ("family", "more"), [("bert", {}), ("xlm-roberta", {"type_vocab_size": 1}), ("modernbert", {}), ("distilbert", {})]
)
def test_the_loss_is_that_of_the_whole_table(family, more, tmp_path):
    folder = tiny_models.save_model(tmp_path / "base", family, "masked-lm", tokenizer="encoder", **more)
    carrier = load_carrier(tiny_models.opened(folder), seed=1).carrier.eval()
    generator = torch.Generator().manual_seed(3)
    ids = torch.randint(5, 200, (3, 9), generator=generator)
    target = torch.where(torch.rand(ids.shape, generator=generator) < 0.3, ids, IGNORED)
    assert 1 < (target != IGNORED).sum() < target.numel()

    whole = carrier(input_ids=ids).logits
    functional.cross_entropy(whole.flatten(0, 1), target.flatten(), ignore_index=IGNORED, reduction="sum").backward()
    expected = {name: weight.grad.clone() for name, weight in carrier.named_parameters() if weight.grad is not None}
    carrier.zero_grad()
    loss, count = masked_loss(MaskedTokens(carrier), {"input_ids": ids, "target": target})
    loss.backward()
    assert int(count) == int((target != IGNORED).sum())
    found = {name: weight.grad for name, weight in carrier.named_parameters() if weight.grad is not None}
    assert found.keys() == expected.keys()
    for name, gradient in found.items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-4, atol=1e-5)


def test_fresh_weights_are_spread_by_the_width():
    assert spread_of(1000) == pytest.approx(0.02)
    assert spread_of(40) == pytest.approx(0.1)

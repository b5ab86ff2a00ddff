"""Fast dropout drops as many, keeps the mean, follows the seed, and changes nothing where nothing is dropped."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from harness.train.dropout import fast_dropout, mask

CPU = torch.device("cpu")


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.37, 0.9, 1.0])
def test_the_mask_drops_its_share_and_keeps_the_mean(rate: float) -> None:
    torch.manual_seed(0)
    found = mask(torch.Size((1000, 1001)), rate)
    dropped = float((found == 0).float().mean())
    assert dropped == pytest.approx(rate, abs=0.002)
    assert len(found.unique()) == (1 if rate in (0.0, 1.0) else 2)
    assert float(found.mean()) == pytest.approx(0 if rate == 1 else 1, abs=0.01)


def test_a_mask_follows_the_seed_and_no_two_are_alike() -> None:
    torch.manual_seed(1)
    first, second = mask(torch.Size((64,)), 0.5), mask(torch.Size((64,)), 0.5)
    torch.manual_seed(1)
    assert torch.equal(mask(torch.Size((64,)), 0.5), first)
    assert not torch.equal(first, second)


def test_neighbours_are_independent() -> None:
    torch.manual_seed(2)
    kept = (mask(torch.Size((400_000,)), 0.5) > 0).float() - 0.5
    for step in (1, 2, 3, 4, 8, 64):
        assert abs(float((kept[step:] * kept[:-step]).mean())) < 0.0025


def test_modules_and_gradients_use_it() -> None:
    layer, given = nn.Dropout(0.25), torch.ones(200, 200, requires_grad=True)
    with fast_dropout(CPU):
        torch.manual_seed(3)
        out = layer(given)
        torch.manual_seed(3)
        torch.testing.assert_close(out, mask(given.shape, 0.25))
        out.sum().backward()
        assert torch.equal(given.grad, out.detach())
        layer.eval()
        assert torch.equal(layer(given), given)
    torch.manual_seed(3)
    layer.train()
    assert not torch.equal(layer(given), out), "outside torch's own is back"


@pytest.mark.parametrize("masked", ["none", "bool", "float"])
def test_attention_is_torchs_up_to_what_is_dropped(masked: str) -> None:
    torch.manual_seed(4)
    query, key, value = (torch.randn(2, 3, 5, 8) for _ in range(3))
    allowed = torch.ones(2, 1, 1, 5, dtype=torch.bool)
    allowed[1, ..., 3:] = False
    given = {"none": None, "bool": allowed, "float": torch.zeros(2, 1, 1, 5).masked_fill(~allowed, -1e9)}[masked]
    plain = functional.scaled_dot_product_attention(query, key, value, given)
    total = torch.zeros_like(plain)
    with fast_dropout(CPU):
        torch.testing.assert_close(functional.scaled_dot_product_attention(query, key, value, given), plain)
        almost = functional.scaled_dot_product_attention(query, key, value, given, dropout_p=1e-9)
        torch.testing.assert_close(almost, plain)
        for _ in range(4000):
            total += functional.scaled_dot_product_attention(query, key, value, given, dropout_p=0.2)
    # Survivors are scaled up, so that the mean over many masks is the plain attention.
    torch.testing.assert_close(total / 4000, plain, atol=0.05, rtol=0)
    assert not torch.equal(total / 4000, plain)

"""Packed linear maps give what plain ones give, and leave the model as it was."""

import pytest
import torch
from torch import nn

from harness.retrieval.packed import packed


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(24, 40), nn.GELU(), nn.Linear(40, 3, bias=False))


@pytest.mark.parametrize("shape", [(24,), (1, 24), (5, 24), (2, 7, 24), (2, 3, 7, 24)])
def test_packed_is_plain(model, shape) -> None:
    given = torch.randn(shape)
    with torch.inference_mode():
        expected = model(given)
        with packed(model):
            assert "forward" in vars(model[0]), "nothing was packed: the test could not fail"
            torch.testing.assert_close(model(given), expected, atol=1e-6, rtol=1e-5)
            torch.testing.assert_close(model(given.mT.contiguous().mT if given.dim() > 1 else given), expected)
        assert torch.equal(model(given), expected)


def test_changed_weights_count_after_it_was_left(model) -> None:
    given = torch.randn(2, 24)
    with torch.inference_mode(), packed(model):
        first = model(given)
    with torch.no_grad():
        model[0].weight.mul_(2)
    with torch.inference_mode(), packed(model):
        assert not torch.allclose(model(given), first)


def test_an_error_inside_restores_the_model(model) -> None:
    with pytest.raises(RuntimeError), packed(model):
        model(torch.randn(2, 23))
    assert not [one for one in model if "forward" in vars(one)]


def test_other_formats_and_layers_are_left_alone(model) -> None:
    class Doubled(nn.Linear):
        def forward(self, given):
            return 2 * super().forward(given)

    doubled, own = Doubled(4, 4), nn.Linear(4, 4)
    own.forward = lambda given: given
    with packed(nn.ModuleList([model.bfloat16(), doubled, own])):
        assert not [one for one in (*model, doubled) if "forward" in vars(one)]
        assert torch.equal(own(torch.ones(4)), torch.ones(4))
    assert "forward" in vars(own)


def test_autocast_is_obeyed(model) -> None:
    given = torch.randn(2, 24)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        expected = model(given)
        with packed(model):
            assert torch.equal(model(given), expected)
    assert expected.dtype == torch.bfloat16

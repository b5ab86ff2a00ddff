"""The module behind the last layer is found by what it is given, not by its name."""

import torch
from torch import Tensor, nn

from harness.retrieval.final_norm import end_at

IDS = torch.tensor([[1, 2, 3, 4]])


class Model(nn.Module):
    """Embeddings, one layer, and what the test puts behind it."""

    def __init__(self, behind: nn.Module) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embeddings = nn.Embedding(8, 16)
        self.layer = nn.Linear(16, 16)
        self.behind = behind

    def forward(self, input_ids: Tensor) -> tuple[Tensor]:
        return (self.behind(self.layer(self.embeddings(input_ids))),)


def layer_of(model: Model) -> Tensor:
    with torch.inference_mode():
        return model.layer(model.embeddings(IDS))


def test_nothing_behind_the_layer_stays() -> None:
    model = Model(nn.Dropout().eval())
    assert end_at(model, IDS, layer_of(model))
    assert isinstance(model.behind, nn.Dropout)


def test_a_norm_is_taken_out() -> None:
    model = Model(nn.LayerNorm(16))
    wanted = layer_of(model)
    assert not torch.allclose(model(IDS)[0], wanted)
    assert end_at(model, IDS, wanted)
    assert torch.equal(model(IDS)[0], wanted)
    assert isinstance(model.layer, nn.Linear)


def test_two_modules_behind_the_layer_are_not_guessed_at() -> None:
    model = Model(nn.Sequential(nn.LayerNorm(16), nn.Linear(16, 16)))
    assert not end_at(model, IDS, layer_of(model))
    assert isinstance(model.behind[0], nn.LayerNorm)


def test_a_state_that_does_not_occur_is_not_reached() -> None:
    model = Model(nn.LayerNorm(16))
    assert not end_at(model, IDS, torch.randn(1, 4, 16))
    assert not end_at(model, IDS, torch.randn(1, 4, 8))

"""Which checkpoint's weights a training leaves: the best on development data, the last, or the mean of all.

The mean needs no development data and was steadier over target languages (Schmidt et al. 2023, arXiv
2305.16834)."""

import math
from typing import Any

import torch

from harness.errors import HarnessError


class Kept:
    """The weights kept so far, on the CPU. What is never trained is not kept."""

    def __init__(self, selection: str) -> None:
        self.selection = selection
        self.weights: dict[str, torch.Tensor] = {}
        self.count = 0
        self.step: int | None = None
        self.score: float | None = None
        self.without_gain = 0

    def offer(self, step: int, score: float | None, model: torch.nn.Module) -> None:
        """Takes a checkpoint into account; of equal scores the first stays."""
        self.count += 1
        if self.selection == "best":
            self._keep_best(step, score, model)
        elif self.selection == "average":
            self._add(model)
        else:
            self.step, self.score = step, score

    def _keep_best(self, step: int, score: float | None, model: torch.nn.Module) -> None:
        assert score is not None, "without a development score nothing is the best"
        if math.isnan(score):
            raise HarnessError(f"The development score after step {step} is no number.", "Look at the dev data.")
        self.without_gain += 1
        if self.score is None or score > self.score:
            self.step, self.score, self.without_gain = step, score, 0
            self.weights = {name: weight.detach().cpu().clone() for name, weight in _moving(model).items()}

    def _add(self, model: torch.nn.Module) -> None:
        for name, weight in _moving(model).items():
            mean = self.weights.setdefault(name, torch.zeros_like(weight, device="cpu"))
            mean += (weight.detach().cpu() - mean) / self.count

    @torch.no_grad()
    def restore(self, model: torch.nn.Module) -> None:
        """Gives the model the weights that were selected."""
        for name, weight in _moving(model).items() if self.weights else ():
            weight.copy_(self.weights[name])

    def state_dict(self) -> dict[str, Any]:
        """All of it, for a resume."""
        return dict(vars(self))

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes up what `state_dict` gave."""
        vars(self).update(state)


def _moving(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """What a training changes: trainable weights, and buffers of real numbers (batch norm's means)."""
    weights = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    buffers = {name: buffer for name, buffer in model.named_buffers() if buffer.is_floating_point()}
    return {**weights, **buffers}

"""Which weights are trained, with which decay and learning rate: read from their names, as transformers
gives them."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch

from harness.errors import HarnessError
from harness.train.problem import Problem
from harness.train.settings import TrainSettings

# The list of layers in the architectures of transformers (`attentions`, `layer_norm1`, `ffns`: XLM).
LAYER = re.compile(r"\.(?:layers?|h|blocks?|attentions|layer_norm[12]|ffns)\.(\d+)\.")
EMBEDDING = re.compile(r"emb|relative|\b(wte|wpe|shared)\b")


def encoder_of(problem: Problem) -> torch.nn.Module:
    """The part of the model that was trained before."""
    encoder = problem.encoder or getattr(problem.model, "base_model", None)
    if not isinstance(encoder, torch.nn.Module) or encoder is problem.model:
        raise HarnessError(
            f"{type(problem.model).__name__} does not tell its encoder from its head.",
            "Train without --freeze and --lora.",
        )
    return encoder


def encoder_weights(problem: Problem) -> dict[str, torch.nn.Parameter]:
    """The encoder's weights by name in the model. A pooler counts as part of the head: it is often new."""
    own = {id(weight) for weight in encoder_of(problem).parameters()}
    return {
        name: weight for name, weight in problem.model.named_parameters() if id(weight) in own and "pooler" not in name
    }


def depth(name: str, layers: int) -> int:
    """0 for embeddings, k for the k-th layer, layers + 1 for what stands above them, the head among it."""
    found = LAYER.search(f".{name}")
    if found:
        return int(found.group(1)) + 1
    return 0 if EMBEDDING.search(name) else layers + 1


def count_layers(model: torch.nn.Module) -> int:
    """Layers of the deepest stack in the model, 0 where no name tells."""
    found = (LAYER.search(f".{name}") for name, _ in model.named_parameters())
    return max((int(match.group(1)) + 1 for match in found if match), default=0)


def freeze(problem: Problem, wish: int | str) -> None:
    """Takes the encoder, or its lowest layers and embeddings, out of training."""
    layers = count_layers(problem.model)
    if isinstance(wish, int) and wish > layers:
        raise HarnessError(f"--freeze {wish}: the model has {layers} layers.", f"Choose 0 to {layers}, or encoder.")
    for name, weight in encoder_weights(problem).items():
        if wish == "encoder" or depth(name, layers) <= int(wish):
            weight.requires_grad_(False)


@contextmanager
def training_only(problem: Problem, settings: TrainSettings) -> Iterator[None]:
    """Leaves trainable what the settings ask for, and afterwards all that was trainable before."""
    before = {name for name, weight in problem.model.named_parameters() if weight.requires_grad}
    try:
        if settings.freeze:
            freeze(problem, settings.freeze)
        if not any(weight.requires_grad for weight in problem.model.parameters()):
            raise HarnessError("Nothing is left to train: every weight is frozen.", "Freeze fewer layers.")
        yield
    finally:
        for name, weight in problem.model.named_parameters():
            weight.requires_grad_(weight.requires_grad or name in before)


def groups(
    model: torch.nn.Module, settings: TrainSettings, rates: Mapping[str, float] | None = None
) -> list[dict[str, Any]]:
    """AdamW's parameter groups, each with its full learning rate under `full_rate`. Biases and norms, which
    are the weights of one dimension, do not decay (Devlin et al. 2019). `rates` as in `Problem`."""
    layers = count_layers(model)
    found: dict[tuple[float, bool], list[torch.nn.Parameter]] = {}
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            own = next((rate for prefix, rate in (rates or {}).items() if f".{prefix}" in f".{name}"), None)
            below = layers + 1 - depth(name, layers) if settings.layer_decay < 1 else 0
            rate = settings.learning_rate * settings.layer_decay**below if own is None else own
            found.setdefault((rate, weight.ndim > 1), []).append(weight)
    return [
        {
            "params": weights,
            "weight_decay": settings.weight_decay if decays else 0.0,
            "full_rate": rate,
        }
        for (rate, decays), weights in found.items()
    ]

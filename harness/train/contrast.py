"""Pairs of texts that mean the same, each against all others of the batch (van den Oord et al. 2018, arXiv
1807.03748), over all processes.

Two pairs that share a text are never each other's negatives: a corpus says "Thank you." in many ways."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from harness.heads.classify import pair_rows
from harness.heads.features import Features, features, inputs
from harness.heads.predict import batches
from harness.heads.ragged import Integers
from harness.heads.tokeniser import Tokeniser
from harness.tasks.overlap import normalised_hash
from harness.train.component import Component
from harness.train.material import Material
from harness.train.problem import Batch
from harness.train.recipes import Part
from harness.train.settings import TrainSettings
from harness.train.shared_encoder import Shared

# Of unit vectors' products; SimCSE's (Gao et al. 2021).
TEMPERATURE = 0.05
BUDGET = 4096


def contrast_component(part: Part, material: Material, tokeniser: Tokeniser, settings: TrainSettings) -> Component:
    """Pairs as a component; its batches are never split."""
    name = part.recipe.name
    pairs = [one for one in material.train if isinstance(one, tuple)]
    rows = _rows(tokeniser, pairs, settings.max_length)
    keys = np.array([[_key(text) for text in pair] for pair in pairs], np.int64).reshape(-1, 2)
    held = [one for one in material.dev if isinstance(one, tuple)][: settings.dev_limit]
    count = len(pairs)

    def collate(units: Integers) -> Batch:
        batch = inputs(rows, np.concatenate([units, units + count]))
        return {**batch, "keys": torch.from_numpy(keys[units])}

    return Component(
        task=name,
        material=material,
        weight=part.weight,
        lengths=rows.lengths[:count] + rows.lengths[count:],
        collate=collate,
        loss=lambda model, batch: contrast_loss(lambda **given: model(name, **given), batch),
        judge=_judge(name, _rows(tokeniser, held, settings.max_length)) if held else None,
        metric="retrieval_accuracy",
        whole=True,
    )


def _rows(tokeniser: Tokeniser, pairs: Sequence[tuple[str, str]], max_length: int) -> Features:
    """All first texts, then all second ones."""
    texts = [pair[0] for pair in pairs] + [pair[1] for pair in pairs]
    rows = pair_rows(tokeniser, [(text, None) for text in texts], max_length)
    return features(tokeniser, rows, np.arange(len(texts)), {})


def _key(text: str) -> int:
    return int(normalised_hash(text), 16) >> 1


def contrast_loss(model: Callable[..., Tensor], batch: Batch) -> tuple[Tensor, Tensor]:
    """The sum over this process's pairs of the mean of both directions, and their number. Rows are first texts, then
    second ones; `keys` (pairs, 2) know equal texts."""
    vectors = model(**{name: tensor for name, tensor in batch.items() if name != "keys"})
    first, second = vectors.chunk(2)
    keys, start = batch["keys"], 0
    all_first, all_second, all_keys = gather(first), gather(second), gather(keys)
    if len(all_keys) > len(keys):
        start = torch.distributed.get_rank() * len(keys)
    right = torch.arange(start, start + len(keys), device=keys.device)
    same = (keys[:, None, 0] == all_keys[None, :, 0]) | (keys[:, None, 1] == all_keys[None, :, 1])
    same[torch.arange(len(keys), device=keys.device), right] = False
    losses = [
        functional.cross_entropy((own @ others.T / TEMPERATURE).masked_fill(same, -torch.inf), right, reduction="sum")
        for own, others in ((first, all_second), (second, all_first))
    ]
    return (losses[0] + losses[1]) / 2, torch.tensor(len(keys), device=keys.device)


def gather(own: Tensor) -> Tensor:
    """The rows of all processes, in their order; gradients flow back to where each row was made."""
    if not torch.distributed.is_initialized() or torch.distributed.get_world_size() == 1:
        return own
    found: Tensor = _Gather.apply(own)  # type: ignore[no-untyped-call]
    return found


class _Gather(torch.autograd.Function):
    """torch demands a subclass here."""

    @staticmethod
    def forward(context: Any, own: Tensor) -> Tensor:
        parts = [torch.empty_like(own) for _ in range(torch.distributed.get_world_size())]
        torch.distributed.all_gather(parts, own.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        total = gradient.contiguous()
        torch.distributed.all_reduce(total)
        size = len(total) // torch.distributed.get_world_size()
        return total[torch.distributed.get_rank() * size :][:size]


def _judge(name: str, rows: Features) -> Callable[[Shared], float]:
    """The share of held-out texts whose nearest neighbour among the others' side is their own pair, both ways."""

    def judge(model: Shared) -> float:
        device = next(model.parameters()).device
        vectors: Tensor | None = None
        for units in batches(rows.tokens.lengths, BUDGET):
            batch = {key: tensor.to(device) for key, tensor in inputs(rows, units).items()}
            part = model.tasks[name](**batch)
            vectors = part.new_empty(len(rows.tokens), part.shape[1]) if vectors is None else vectors
            vectors[torch.from_numpy(units)] = part
        assert vectors is not None, "there is a development set"
        first, second = vectors.chunk(2)
        similar = first @ second.T
        right = torch.arange(len(first), device=device)
        hits = [(one.argmax(dim=1) == right).float().mean() for one in (similar, similar.T)]
        return float((hits[0] + hits[1]) / 2)

    return judge

"""Logits only where they are read: the vocabulary projection sees the hidden states of those places alone.

A hook in front of the output layer gathers them, so that whatever a model does to its logits afterwards
(scaling, soft caps) is done by the model itself. A table of all tokens times a vocabulary of 250,000 is the
largest thing that scoring would otherwise hold."""

from typing import Any

import torch
from torch import Tensor


def logits_at(module: Any, rows: Tensor, columns: Tensor, **inputs: Any) -> Tensor:
    """(places, vocabulary) logits of a forward pass at (row, column) of its token grid, in float32."""
    head = module.get_output_embeddings()
    seen: list[int] = []

    def gather(_: Any, given: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        seen.append(1)
        return (given[0][rows, columns].unsqueeze(0), *given[1:])

    handle = head.register_forward_pre_hook(gather) if head is not None else None
    try:
        logits = module(**inputs).logits
    finally:
        if handle is not None:
            handle.remove()
    # A model that multiplies by the output layer's weight without calling the layer gives the whole table.
    found = logits[0] if seen else logits[rows, columns]
    assert len(found) == len(rows), "the output layer did not see the gathered places"
    return found.float()  # type: ignore[no-any-return]


def log_probabilities(logits: Tensor) -> Tensor:
    """Natural logarithms of the softmax over the vocabulary."""
    return torch.log_softmax(logits, dim=-1)

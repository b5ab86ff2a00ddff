"""The keys and values of a beginning that many prompts share, computed once.

The layers below never grow: what is computed for a batch is joined to the shared part for that batch alone, so
that one cache serves any number of batches and no copy of it is kept per prompt."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers.cache_utils import DynamicCache, DynamicLayer

# The probe that a model's cache must pass: a beginning and two ends.
BEGIN, END = 9, 5
TOLERANCE = 1e-3
HALF_TOLERANCE = 0.25


class SharedLayer(DynamicLayer):  # type: ignore[misc]
    """One layer's keys and values (1, heads, tokens, width) of the shared beginning; `update` stores nothing.
    (transformers asks for its base class.)"""

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        super().__init__()
        self.lazy_initialization(keys, values)
        self.keys, self.values = keys, values

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """The shared part for every row of the batch, and the batch's own after it."""
        rows = len(key_states)
        shared = self.keys.expand(rows, -1, -1, -1), self.values.expand(rows, -1, -1, -1)
        return torch.cat([shared[0], key_states], dim=-2), torch.cat([shared[1], value_states], dim=-2)


def shared_cache(module: Any, prefix: Sequence[int]) -> DynamicCache:
    """What a causal model keeps of a beginning (token ids), for any batch that goes on from it."""
    ids = torch.tensor([list(prefix)], device=module.device)
    grown = DynamicCache()
    with torch.inference_mode():
        _forward(module, input_ids=ids, past_key_values=grown, use_cache=True, logits_to_keep=1)
    cache = DynamicCache()
    cache.layers = [SharedLayer(layer.keys, layer.values) for layer in grown.layers]
    return cache


def misfit(module: Any) -> str:
    """Why the model does not give the same logits from a shared cache, "" where it does: tried on a probe."""
    size = int(module.config.get_text_config().vocab_size)
    ids = torch.arange(3, 3 + BEGIN + END, device=module.device) % size
    try:
        with torch.inference_mode():
            rows = torch.stack([ids, ids.flip(0)])
            rows[1, :BEGIN] = ids[:BEGIN]
            whole = module(input_ids=rows).logits[:, BEGIN:].float()
            cache = shared_cache(module, ids[:BEGIN].tolist())
            parts = [module(input_ids=rows[:, BEGIN:], past_key_values=cache, use_cache=True).logits for _ in range(2)]
    except (TypeError, AttributeError, ValueError, RuntimeError, IndexError, NotImplementedError) as error:
        return f"its cache cannot be shared ({type(error).__name__})"
    half = parts[0].dtype != torch.float32
    same = all(torch.allclose(whole, part.float(), atol=HALF_TOLERANCE if half else TOLERANCE) for part in parts)
    return "" if same else "its cache gives other scores than whole prompts"


def _forward(module: Any, logits_to_keep: int, **inputs: Any) -> Any:
    """Only models that know the argument are spared the logits of the whole beginning."""
    import inspect

    known = inspect.signature(module.forward).parameters
    return module(**inputs, **({"logits_to_keep": logits_to_keep} if "logits_to_keep" in known else {}))

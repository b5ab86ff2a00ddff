"""Dropout on the CPU, drawn some eight times faster than torch draws it.

torch takes one random number after another from one thread, with a 53-bit draw for each element: in a fine-tuning of
MiniLM on two cores that, and the slow attention it forces, is a third of the time. Here a mask is 16 random bits per
element: the rate of 0.1 becomes 6554 / 65536 = 0.100006, and survivors are scaled by what was really kept. A mask
follows from torch's seed alone, so that a step made again draws the same."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import prod, sqrt
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

LEVELS = 1 << 16


@contextmanager
def fast_dropout(device: torch.device) -> Iterator[None]:
    """Within it, on a CPU, modules and functions of torch drop out by `mask`; elsewhere nothing is different."""
    if device.type != "cpu":
        yield
        return
    with _Mode():
        yield


class _Mode(TorchFunctionMode):
    """torch's hook on its functions; inheriting is how it is used."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        replaced = REPLACED.get(func, func)
        return replaced(*args, **(kwargs or {}))


def mask(shape: torch.Size, rate: float) -> Tensor:
    """Float32 of that shape: 0 with a probability of `rate` (to 16 bits), else the factor that keeps the mean."""
    dropped = min(round(rate * LEVELS), LEVELS)
    if dropped == LEVELS:
        return torch.zeros(shape)
    count = prod(shape)
    seed = int(torch.randint(1 << 62, ()))
    bits = np.random.SFC64(seed).random_raw(-(-count // 4)).view(np.int16)[:count]
    kept = torch.from_numpy(bits) >= dropped - LEVELS // 2
    return kept.to(torch.float32).mul_(LEVELS / (LEVELS - dropped)).view(shape)


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """As `torch.nn.functional.dropout`."""
    if not training or p == 0 or input.device.type != "cpu" or inplace:
        return functional.dropout(input, p, training, inplace)
    return input * mask(input.shape, p).to(input.dtype)


def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    **others: Any,
) -> Tensor:
    """As `torch.nn.functional.scaled_dot_product_attention`, which on a CPU has no fast kernel with dropout."""
    if dropout_p == 0 or query.device.type != "cpu" or is_causal or others.get("enable_gqa"):
        return functional.scaled_dot_product_attention(query, key, value, attn_mask, dropout_p, is_causal, **others)
    weights = (query * (others.get("scale") or 1 / sqrt(query.shape[-1]))) @ key.transpose(-2, -1)
    if attn_mask is not None and attn_mask.dtype == torch.bool:
        weights = weights.masked_fill(~attn_mask, float("-inf"))
    elif attn_mask is not None:
        weights = weights + attn_mask
    # A row of which everything is masked gives zeros, as torch's own does.
    weights = torch._safe_softmax(weights, -1)
    return (weights * mask(weights.shape, dropout_p).to(weights.dtype)) @ value


REPLACED: dict[Callable[..., Any], Callable[..., Any]] = {
    functional.dropout: dropout,
    functional.scaled_dot_product_attention: attention,
}

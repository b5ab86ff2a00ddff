"""Linear maps with their weights laid out for the processor once, instead of at every call.

oneDNN's packed product (what torch's own compiler calls) is 1.05 to 1.4 times as fast in float32 as the plain
one (AMD EPYC, MiniLM: 64 tokens at once 3,460 instead of 2,660 a second, 300 tokens 3,485 instead of 3,130),
and a row's numbers do not depend on how many rows stand beside it, not even for one row alone."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn


def pack(model: nn.Module) -> list[nn.Module]:
    """From here on the model's linear layers in float32 on the CPU run packed: its weights must not change any more.
    Elsewhere, and under autocast, nothing is different. Packed weights take as much memory again. Returns those layers
    that changed."""
    changed: list[nn.Module] = []
    for module in model.modules():
        if isinstance(module, nn.Linear) and _packable(module):
            vars(module)["forward"] = _forward(module)
            changed.append(module)
    return changed


@contextmanager
def packed(model: nn.Module) -> Iterator[None]:
    """As `pack`, and undone at the end."""
    changed = pack(model)
    try:
        yield
    finally:
        for module in changed:
            del vars(module)["forward"]


def _packable(module: nn.Linear) -> bool:
    """Subclasses compute something else, and a layer whose forward was replaced is somebody else's."""
    available: Any = torch.backends.mkldnn.is_available  # not typed in torch
    return bool(
        type(module) is nn.Linear
        and "forward" not in vars(module)
        and module.weight.dtype == torch.float32
        and module.weight.device.type == "cpu"
        and available()
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )


def _forward(module: nn.Linear) -> Callable[[Tensor], Tensor]:
    plain, product = module.forward, torch.ops.mkldnn._linear_pointwise
    with torch.no_grad():
        weight: Any = torch.ops.mkldnn._reorder_linear_weight(module.weight.detach(), None)
        bias = None if module.bias is None else module.bias.detach()

    def forward(given: Tensor) -> Tensor:
        if given.dtype != torch.float32 or torch.is_autocast_enabled("cpu"):
            return plain(given)
        answer: Tensor = product(given, weight, bias, "none", [], "")
        return answer

    return forward

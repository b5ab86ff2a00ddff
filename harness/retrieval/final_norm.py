"""Which module stands between a model's last layer and its output: the final norm of a pre-norm model.

Its name differs from architecture to architecture (norm, final_norm, ln_f, final_layer_norm ...), and some
have none; what it does to a probe sentence tells it."""

from typing import Any

import torch
from torch import Tensor, nn

# Largest relative difference between two runs of one computation; another layer or a norm is off by about 1.
TOLERANCE = {torch.float32: 1e-4, torch.bfloat16: 5e-2, torch.float16: 1e-2}


def end_at(model: nn.Module, ids: Tensor, wanted: Tensor) -> bool:
    """Make `model`'s output on the probe `ids` (1, t) the hidden state `wanted` (1, t, width), by replacing
    the one module that is given `wanted` with the identity, where it is not already. False: it could not
    be."""
    receivers, output = _receivers(model, ids, wanted)
    if _same(output, wanted):
        return True
    for name in receivers:
        owner, _, attribute = name.rpartition(".")
        parent = model.get_submodule(owner)
        module = getattr(parent, attribute)
        setattr(parent, attribute, nn.Identity())
        if _same(_receivers(model, ids, wanted)[1], wanted):
            return True
        setattr(parent, attribute, module)
    return False


def _receivers(model: nn.Module, ids: Tensor, wanted: Tensor) -> tuple[list[str], Tensor]:
    """Names of the modules without parts of their own that are given `wanted`, and the model's output."""
    names: list[str] = []

    def note(name: str) -> Any:
        def hook(_: nn.Module, arguments: tuple[Any, ...]) -> None:
            if arguments and isinstance(arguments[0], Tensor) and _same(arguments[0], wanted):
                names.append(name)

        return hook

    leaves = [(name, module) for name, module in model.named_modules() if name and not list(module.children())]
    handles = [module.register_forward_pre_hook(note(name)) for name, module in leaves]
    try:
        with torch.inference_mode():
            output: Tensor = model(input_ids=ids)[0]
    finally:
        for handle in handles:
            handle.remove()
    return names, output


def _same(left: Tensor, right: Tensor) -> bool:
    if left.shape != right.shape or not left.is_floating_point():
        return False
    difference = (left.float() - right.float()).norm()
    return bool(difference <= TOLERANCE[right.dtype] * right.float().norm())

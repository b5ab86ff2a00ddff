"""How the hidden states of a sentence become one vector: mean over its tokens, first token, last token ...

A batch holds sentences of one length and no padding, so no pooling here has a mask. The default mean
includes the special tokens, as XTREME's retrieval does (xtreme.md 1.6); names of poolings are those of
sentence-transformers or plain English."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from harness.errors import HarnessError, unknown_names

# Rows of a matrix product come in fours: with 1 to 3 rows per thread MKL takes another kernel, whose last
# digits differ.
ROWS = 4


def _cls(states: Tensor) -> Tensor:
    return states[:, 0]


def _last(states: Tensor) -> Tensor:
    return states[:, -1]


def _mean(states: Tensor) -> Tensor:
    return states.mean(dim=1)


def _mean_no_first(states: Tensor) -> Tensor:
    """Of a single token that token."""
    return states[:, min(1, states.shape[1] - 1) :].mean(dim=1)


def _max(states: Tensor) -> Tensor:
    return states.amax(dim=1)


def _mean_sqrt_len(states: Tensor) -> Tensor:
    """Sum divided by the square root of the length."""
    return states.sum(dim=1) / float(states.shape[1] ** 0.5)


def _weighted_mean(states: Tensor) -> Tensor:
    """Mean with weights 1, 2, 3 ... (SGPT, arXiv 2202.08904)."""
    weights = torch.arange(1, states.shape[1] + 1, device=states.device, dtype=states.dtype)
    return (states * weights[:, None]).sum(dim=1) / weights.sum()


# States (b, t, width) in float32 -> vectors (b, width). `mean_no_special` needs the ids too and stands in
# `pool`.
POOLINGS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "mean": _mean,
    "mean_no_first": _mean_no_first,
    "cls": _cls,
    "last": _last,
    "max": _max,
    "mean_sqrt_len": _mean_sqrt_len,
    "weighted_mean": _weighted_mean,
}
# The names that sentence-transformers writes into 1_Pooling/config.json.
ALIASES = {"lasttoken": "last", "weightedmean": "weighted_mean", "mean_sqrt_len_tokens": "mean_sqrt_len"}
NO_SPECIAL = "mean_no_special"


def resolve_pooling(name: str) -> str:
    """The pooling's name here; refuses an unknown one."""
    known = [*POOLINGS, NO_SPECIAL]
    found = ALIASES.get(name, name)
    if found not in known:
        raise unknown_names("pooling", [name], known, f"Poolings: {', '.join([*known, 'sentence-transformers'])}.")
    return found


def pool(states: Tensor, ids: Tensor, pooling: str, specials: Tensor) -> Tensor:
    """Hidden states (b, t, width) of any float type -> float32 vectors (b, width). `ids` (b, t) and
    `specials` (the special tokens' ids) matter to `mean_no_special` alone, which skips those tokens."""
    states = states.float()
    if pooling != NO_SPECIAL:
        return POOLINGS[pooling](states)
    content = ~torch.isin(ids, specials)
    return (states * content[..., None]).sum(dim=1) / content.sum(dim=1, keepdim=True)


@dataclass(frozen=True, eq=False)
class Dense:
    """A sentence-transformers Dense module: activation(vectors @ weight.T + bias)."""

    weight: Tensor
    bias: Tensor | None
    activation: nn.Module

    @property
    def width(self) -> int:
        return self.weight.shape[0]


def load_dense(folder: Path, device: torch.device) -> Dense:
    """Reads a folder such as `2_Dense`; refuses what it would have to guess (residuals, activations outside
    torch)."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    reads = config.get("module_input_name", "sentence_embedding")
    if config.get("use_residual") or reads != "sentence_embedding":
        raise HarnessError(f"{folder} is a Dense module with a residual or on {reads}.", "Use --pooling mean.")
    state = {name: tensor.float().to(device) for name, tensor in _weights(folder).items()}
    if "linear.weight" not in state or ("linear.bias" in state) != bool(config.get("bias", True)):
        raise HarnessError(f"{folder} lacks weights of its Dense module.", "Save the model again.")
    activation = _activation(str(config.get("activation_function", "torch.nn.modules.activation.Tanh")), folder)
    return Dense(state["linear.weight"], state.get("linear.bias"), activation)


def _weights(folder: Path) -> dict[str, Tensor]:
    file = folder / "model.safetensors"
    if file.is_file():
        from safetensors.torch import load_file

        loaded: dict[str, Tensor] = load_file(file)
        return loaded
    file = folder / "pytorch_model.bin"
    if not file.is_file():
        raise HarnessError(f"{folder} holds no weights of its Dense module.", "Copy the whole model folder again.")
    old: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
    return old


def _activation(path: str, folder: Path) -> nn.Module:
    module, _, name = path.rpartition(".")
    found = getattr(nn, name, None) if module.startswith("torch.nn") else None
    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        raise HarnessError(f"{folder}: the activation {path} is none of torch's.", "Use --pooling mean.")
    activation: nn.Module = found()
    return activation


def finish(vectors: Tensor, dense: tuple[Dense, ...], normalise: bool) -> Tensor:
    """The modules behind the pooling: Dense layers, then unit length. (b, width) -> (b, width of the
    last)."""
    rows = vectors.shape[0]
    if dense:
        vectors = torch.cat([vectors, vectors[-1:].expand(-rows % ROWS, -1)])
    for layer in dense:
        vectors = layer.activation(nn.functional.linear(vectors, layer.weight, layer.bias))
    vectors = vectors[:rows]
    return nn.functional.normalize(vectors, dim=1) if normalise else vectors

"""A model whose weights, gradients and optimizer states are shared out over the processes (FSDP: Zhao et al. 2023,
arXiv 2304.11277), by torch's own `fully_shard`.

Accelerate would shard on GPUs alone, where nothing could be tested without one. What is sharded is a copy: the model
itself is given the copy's weights where a development score or a checkpoint is due, and needs no unwrapping."""

import copy
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.optimizer import AcceleratedOptimizer
from torch.distributed.checkpoint.state_dict import get_state_dict, set_state_dict
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor

from harness.train.parameters import LAYER

FOLDER = "shards"


def shard(model: torch.nn.Module, accelerator: Accelerator, dtype: torch.dtype) -> torch.nn.Module:
    """A copy of the model on the accelerator's device, sharded layer by layer; `dtype` is computed in, weights and sums
    of gradients are float32. Random numbers, and so dropout, are the process's own."""
    mesh = init_device_mesh(accelerator.device.type, (accelerator.num_processes,))
    lower = None if dtype == torch.float32 else dtype
    inner = MixedPrecisionPolicy(param_dtype=lower, reduce_dtype=torch.float32)
    outer = MixedPrecisionPolicy(param_dtype=lower, reduce_dtype=torch.float32, output_dtype=torch.float32)
    sharded = copy.deepcopy(model).float().to(accelerator.device)
    for layer in _layers(sharded):
        fully_shard(layer, mesh=mesh, mp_policy=inner)
    fully_shard(sharded, mesh=mesh, mp_policy=outer)
    return sharded


def _layers(model: torch.nn.Module) -> list[torch.nn.Module]:
    """The layers of its stacks; none where two of them share a weight, which belongs to one group alone."""
    found, seen = [], set[int]()
    for name, module in model.named_modules():
        place = f".{name}."
        match = LAYER.search(place)
        if match and match.end() == len(place) and any(isinstance(one, torch.nn.Linear) for one in module.modules()):
            own = {id(weight) for weight in module.parameters()}
            if own & seen:
                return []
            seen |= own
            found.append(module)
    outside = {id(one) for name, one in model.named_parameters(remove_duplicate=False) if not LAYER.search(f".{name}")}
    return [] if outside & seen else found


@torch.no_grad()
def gather_into(model: torch.nn.Module, sharded: torch.nn.Module) -> None:
    """Gives the model, on its own device, the weights of its sharded copy. All processes must call this."""
    for weight, part in zip(model.parameters(), sharded.parameters(), strict=True):
        weight.copy_(whole(part.detach()))
    for buffer, same in zip(model.buffers(), sharded.buffers(), strict=True):
        buffer.copy_(same)


def whole(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor of which every process has a part (or a tensor that is whole already)."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def save_shards(sharded: torch.nn.Module, optimizer: AcceleratedOptimizer, folder: Path) -> None:
    """Every process keeps its part of weights and optimizer states. All processes must call this."""
    save(_state(sharded, optimizer), checkpoint_id=folder / FOLDER)


def load_shards(sharded: torch.nn.Module, optimizer: AcceleratedOptimizer, folder: Path) -> None:
    """Takes up what `save_shards` kept."""
    state = _state(sharded, optimizer)
    load(state, checkpoint_id=folder / FOLDER)
    set_state_dict(sharded, optimizer.optimizer, model_state_dict=state["model"], optim_state_dict=state["optimizer"])


def _state(sharded: torch.nn.Module, optimizer: AcceleratedOptimizer) -> dict[str, Any]:
    weights, states = get_state_dict(sharded, optimizer.optimizer)
    return {"model": weights, "optimizer": states}

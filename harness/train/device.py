"""Where a training runs and in which precision: the settings of Accelerate."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedDataParallelKwargs, DistributedType

from harness.errors import HarnessError
from harness.train.settings import TrainSettings
from harness.train.shard import shard

PRECISION = {"float32": "no", "bfloat16": "bf16", "float16": "fp16"}
DISTRIBUTED = (DistributedType.NO, DistributedType.MULTI_CPU, DistributedType.MULTI_GPU)
# What a pass costs before its first token, in tokens. CPU: of 32 to 256, 128 gave most tokens a second with
# MiniLM (benchmarks/training.py). Elsewhere an estimate: some 10 ms of kernel launches at 200,000 tokens a
# second.
OVERHEAD = {"cpu": 128}
OVERHEAD_ELSEWHERE = 2048
# Padded tokens at once: on a CPU there is nothing to gain from more; elsewhere running out of memory halves
# it.
BUDGET = {"cpu": 1024}
BUDGET_ELSEWHERE = 16384


def open_accelerator(settings: TrainSettings) -> Accelerator:
    """Accelerate on the device and in the precision that are asked for, on as many processes as were
    started."""
    processor = settings.device == "cpu" or (settings.device == "auto" and not _accelerated())
    if settings.device not in ("cpu", "auto") and not torch.get_device_module(settings.device).is_available():
        raise HarnessError(f"There is no device '{settings.device}' on this machine.", "Choose --device cpu.")
    if processor and settings.dtype == "float16":
        # Accelerate would train in float32 without a word.
        raise HarnessError("float16 trains on a GPU only.", "Choose --dtype bfloat16 or float32.")
    # Its precision is fixed for the whole process, and a second training may ask for another one.
    AcceleratorState._reset_state()
    accelerator = Accelerator(
        cpu=processor,
        mixed_precision=PRECISION[settings.dtype],
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True, broadcast_buffers=False)],
    )
    if accelerator.distributed_type not in DISTRIBUTED:
        raise HarnessError(
            f"The trainer does not run under {accelerator.distributed_type.value}.",
            "Start it with plain torchrun.",
        )
    started = int(os.environ.get("WORLD_SIZE", "1"))
    if accelerator.num_processes != started:
        # `accelerate launch --cpu --num_processes 2` does this.
        raise HarnessError(
            f"{started} processes were started, but each would train alone.",
            "Start with: torchrun --nproc_per_node N -m harness train …",
        )
    if settings.shard and accelerator.num_processes == 1:
        raise HarnessError(
            "One process has nothing to share its weights out to.",
            "Start with: torchrun --nproc_per_node N -m harness train …",
        )
    return accelerator


def _accelerated() -> bool:
    return torch.cuda.is_available() or torch.backends.mps.is_available()


@contextmanager
def prepared(accelerator: Accelerator, model: torch.nn.Module, settings: TrainSettings) -> Iterator[torch.nn.Module]:
    """The model as Accelerate wraps it, or its sharded copy; afterwards the model itself, on its device, is as it
    was."""
    # a step of 1e-5 would be lost in half-precision weights
    model.float()
    if settings.shard:
        yield shard(model.to(accelerator.device), accelerator, getattr(torch, settings.dtype))
        return
    try:
        yield accelerator.prepare_model(model)
    finally:
        full_precision(model)
        # a model that bears this mark would be taken for wrapped in the next training
        vars(model).pop("_is_accelerate_prepared", None)


def full_precision(model: torch.nn.Module) -> None:
    """Takes Accelerate's mixed precision off a model, in place."""
    original = vars(model).pop("_original_forward", None)
    if original is None:
        return
    # Accelerate's own way back, `unwrap_model`, would strip transformers' decorators as well
    del vars(model)["forward"]
    if model.forward != original:
        vars(model)["forward"] = original


def token_budget(accelerator: Accelerator) -> int:
    """Padded tokens of a micro-batch."""
    return BUDGET.get(accelerator.device.type, BUDGET_ELSEWHERE)


def overhead(accelerator: Accelerator) -> int:
    """What one more micro-batch costs, in tokens."""
    return OVERHEAD.get(accelerator.device.type, OVERHEAD_ELSEWHERE)


def out_of_memory(error: RuntimeError) -> bool:
    """Whether an error says that memory ran out: on a GPU, or on a CPU ("DefaultCPUAllocator: can't allocate
    memory")."""
    return isinstance(error, torch.OutOfMemoryError) or any(
        phrase in str(error).lower() for phrase in ("out of memory", "can't allocate memory", "not enough memory")
    )

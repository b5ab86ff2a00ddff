"""One step of a training: the gradient of one effective batch, whatever micro-batches it is cut into."""

import math
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.optimizer import AcceleratedOptimizer
from accelerate.utils import send_to_device, set_seed

from harness.errors import HarnessError
from harness.train.batches import Integers, micro_batches, padded_tokens, share
from harness.train.device import full_precision, out_of_memory, overhead
from harness.train.dropout import fast_dropout
from harness.train.problem import Problem
from harness.train.settings import TrainSettings
from harness.train.shard import whole
from harness.train.state import State


@dataclass(frozen=True)
class Run:
    """A training under way. `model` is the problem's as Accelerate wraps it, or its sharded copy, `weights` those that
    are trained, `mark` says which training it is."""

    problem: Problem
    settings: TrainSettings
    accelerator: Accelerator
    model: torch.nn.Module
    optimizer: AcceleratedOptimizer
    weights: tuple[torch.nn.Parameter, ...]
    state: State
    mark: str


@dataclass(frozen=True)
class Measured:
    """Of an effective batch, over all processes: its mean loss, the gradient's norm before clipping, and
    whether the first process wishes to save."""

    loss: float
    norm: float
    save: bool


def advance(run: Run, batch: Integers, part: float, save: bool = False) -> Measured:
    """Makes one step on an effective batch with `part` of the full learning rate.

    Where memory runs out the step is made again with micro-batches half as large. Where a number is not
    finite it is made again in full precision, in which the training then goes on; HarnessError where that
    does not help."""
    while True:
        measured = _try(run, batch, save)
        if measured is None:
            _halve(run, batch)
        elif math.isfinite(measured.loss) and (math.isfinite(measured.norm) or _scaled(run)):
            break
        else:
            _use_full_precision(run, measured)
    for group in run.optimizer.param_groups:
        group["lr"] = group["full_rate"] * part
    run.optimizer.step()
    return measured


def _try(run: Run, batch: Integers, save: bool) -> Measured | None:
    """None where memory ran out."""
    try:
        return _differentiate(run, batch, save)
    except RuntimeError as error:
        if not out_of_memory(error):
            raise
        if run.accelerator.num_processes > 1:
            # the other processes wait in a sum that this one will never join
            raise HarnessError(
                f"Process {run.accelerator.process_index} ran out of memory.",
                f"Set --micro-tokens below {run.state.micro_tokens}.",
            ) from error
    return None


def _differentiate(run: Run, batch: Integers, save: bool) -> Measured:
    """Leaves the gradient of the mean loss, clipped, in the weights."""
    accelerator = run.accelerator
    run.optimizer.zero_grad()
    set_seed(_seed(run))
    totals = torch.zeros(3, device=accelerator.device)
    totals[2] = float(save and accelerator.is_main_process)
    micros = _cut(run, batch)
    for at, (micro, weight) in enumerate(micros):
        # sharded gradients are summed at once: to keep them whole would take the memory that sharding saves
        together = at == len(micros) - 1 or run.settings.shard
        with nullcontext() if together else accelerator.no_sync(run.model):
            inputs = send_to_device(run.problem.collate(micro.tolist()), accelerator.device)
            with fast_dropout(accelerator.device):
                loss, count = run.problem.loss(run.model, inputs)
            # dividing by the batch keeps float16 in its range; the true count is known after the last one
            accelerator.backward(loss * (weight / len(batch)))
        totals[0] += loss.detach() * weight
        totals[1] += count * weight
    loss_sum, count_sum, wish = accelerator.reduce(totals, "sum").tolist()
    terms = max(count_sum, 1.0)
    gradients = [one.grad for one in run.weights if one.grad is not None]
    # DDP has averaged over the processes
    torch._foreach_mul_(gradients, len(batch) * accelerator.num_processes / terms)
    norm = whole(accelerator.clip_grad_norm_(run.weights, run.settings.clip))
    return Measured(loss_sum / terms, float(norm), wish > 0)


def _seed(run: Run) -> int:
    """Follows from (seed, step, process): a step made again, or after a resume, draws the same."""
    place = (run.settings.seed, run.state.step, run.accelerator.process_index)
    return int(np.random.SeedSequence(place).generate_state(1)[0])


def _cut(run: Run, batch: Integers) -> list[tuple[Integers, float]]:
    """This process's micro-batches and what each counts for. Some count for 0: a process to which a short batch leaves
    none of its own must take part in the sum of gradients all the same, and where weights are sharded all processes
    make as many passes."""
    own = [(micro, 1.0) for micro in _own(run, batch)] or [(batch[:1], 0.0)]
    if not run.settings.shard:
        return own
    most = int(run.accelerator.gather(torch.tensor([len(own)], device=run.accelerator.device)).max())
    return own + [(batch[:1], 0.0)] * (most - len(own))


def _own(run: Run, batch: Integers) -> Sequence[Integers]:
    """This process's part of a batch, cut into micro-batches."""
    lengths, accelerator = run.problem.lengths, run.accelerator
    own = share(batch, lengths, accelerator.process_index, accelerator.num_processes)
    if not len(own) or run.problem.is_whole(batch):
        return [own] if len(own) else []
    return micro_batches(own, lengths, run.state.micro_tokens, overhead(accelerator))


def _halve(run: Run, batch: Integers) -> None:
    """Makes the largest micro-batch half as large, and with it twice as many."""
    run.optimizer.zero_grad()
    if run.accelerator.device.type != "cpu":
        torch.get_device_module(run.accelerator.device).empty_cache()
    micros = [micro for micro, _ in _cut(run, batch)]
    largest = max(padded_tokens(micro, run.problem.lengths) for micro in micros)
    unsplit = run.problem.is_whole(batch)
    if unsplit or max(len(micro) for micro in micros) == 1:
        what = "A batch that must not be split" if unsplit else "A single sentence"
        raise HarnessError(
            f"{what} of {largest} tokens does not fit into memory.",
            "Set a smaller --batch-size or --max-length, --dtype bfloat16, --lora or --freeze.",
        )
    run.state.micro_tokens = largest // 2
    run.state.notes.append(
        f"step {run.state.step}: out of memory with {largest} tokens at once; micro-batches of at most "
        f"{largest // 2} tokens from there on, the effective batch stays {run.settings.batch_size}"
    )


def _scaled(run: Run) -> bool:
    """Whether float16's scaler is at work, which skips a step of too large a scale and tries a smaller
    one."""
    scaler = run.accelerator.scaler
    return scaler is not None and not run.state.full_precision and scaler.get_scale() >= 1


def _use_full_precision(run: Run, measured: Measured) -> None:
    what = "loss" if not math.isfinite(measured.loss) else "gradient"
    step, dtype = run.state.step, run.settings.dtype
    if run.settings.shard and dtype != "float32":
        raise HarnessError(
            f"The {what} is not finite in {dtype} at step {step} of the training.", "Start it with --dtype float32."
        )
    if run.state.full_precision or dtype == "float32":
        raise HarnessError(
            f"The {what} is not finite in float32 at step {step} of the training.",
            "Lower --learning-rate, or look at the training data and the checkpoint's weights.",
        )
    full_precision(run.problem.model)
    if run.accelerator.scaler is not None:
        # it would not unscale the same optimizer twice
        run.accelerator.scaler.update()
    run.state.full_precision = True
    run.state.notes.append(f"step {step}: the {what} was not finite in {dtype}; float32 from there on")

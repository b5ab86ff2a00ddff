"""The training loop, of `harness train` and of the protocol `transfer`, on Accelerate.

Start several processes with torchrun; the effective batch is shared out among them."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.optimizer import AcceleratedOptimizer
from accelerate.utils import broadcast_object_list

from harness.errors import HarnessError
from harness.train import state as states
from harness.train.batches import Integers, epoch_batches
from harness.train.device import full_precision, open_accelerator, out_of_memory, prepared, token_budget
from harness.train.low_rank import add_updates
from harness.train.memory import give_back
from harness.train.mixture import draw
from harness.train.parameters import groups, training_only
from harness.train.problem import DevScore, Moment, Problem, Progress, Trained
from harness.train.selection import Kept
from harness.train.settings import TrainSettings, rate, total_steps
from harness.train.shard import gather_into, load_shards, save_shards
from harness.train.step import Run, advance

SAVE_SECONDS = 300.0


def train(problem: Problem, settings: TrainSettings, folder: Path, progress: Progress | None = None) -> Trained:
    """Trains the problem's model, which then has the selected weights and stands in evaluation mode.

    A training that was killed goes on where it stood when it is called again with the same folder, and ends
    with the same weights (bit by bit on a CPU with as many threads). The folder holds nothing when it is
    done. `progress` is called after each step, in the first process alone. HarnessError where nothing can be
    learnt: no data, a loss that is not finite in float32, too little memory for one sentence."""
    accelerator = open_accelerator(settings)
    _check(problem, settings, accelerator.num_processes)
    try:
        with training_only(problem, settings):
            merge = add_updates(problem, settings.lora, settings.seed) if settings.lora else None
            mark = states.identity(problem, settings, accelerator.num_processes)
            with prepared(accelerator, problem.model, settings) as model:
                run = _start(problem, settings, accelerator, model, mark)
                states.resume(accelerator, run.state, folder, mark, _parts(run, load_shards))
                _steps(run, folder, progress)
                _gather(run)
                run.state.kept.restore(problem.model)
                if settings.selection == "average":
                    run.state.kept.score = _evaluate(run)
                run.optimizer.zero_grad()
            if merge:
                merge()
    except RuntimeError as error:
        if not out_of_memory(error):
            raise
        raise HarnessError(
            f"Memory ran out beside the gradients: {error}.", "Train less with --lora or --freeze."
        ) from error
    problem.model.eval()
    states.clear(accelerator, folder)
    return _trained(run)


def _check(problem: Problem, settings: TrainSettings, processes: int) -> None:
    if not len(problem.lengths):
        raise HarnessError("There is nothing to train on.", "Look at the training data.")
    if settings.selection == "best" and problem.evaluate is None:
        raise HarnessError(
            "There is no development data to select the best checkpoint on.",
            "Choose --selection last or average.",
        )
    whole = problem.whole if isinstance(problem.whole, bool) else any(problem.whole)
    if whole and settings.batch_size % processes:
        raise HarnessError(
            f"{processes} processes cannot share a batch of {settings.batch_size} evenly, as in-batch negatives need.",
            f"Choose a --batch-size that {processes} divides.",
        )


def _start(
    problem: Problem, settings: TrainSettings, accelerator: Accelerator, model: torch.nn.Module, mark: str
) -> Run:
    """A training before its first step."""
    fused = accelerator.device.type in ("cpu", "cuda")
    trained = model if settings.shard else problem.model
    optimizer = torch.optim.AdamW(
        groups(trained, settings, problem.rates), lr=settings.learning_rate, eps=settings.epsilon, fused=fused
    )
    weights = tuple(weight for group in optimizer.param_groups for weight in group["params"])
    state = states.State(Kept(settings.selection), settings.micro_tokens or token_budget(accelerator))
    # one that Accelerate knows it would save: the first process's part alone
    ready = AcceleratedOptimizer(optimizer, False) if settings.shard else accelerator.prepare_optimizer(optimizer)
    return Run(problem, settings, accelerator, model, ready, weights, state, mark)


def _parts(
    run: Run, how: Callable[[torch.nn.Module, AcceleratedOptimizer, Path], None]
) -> Callable[[Path], None] | None:
    """What keeps, or takes up, each process's own part of a training."""
    return (lambda place: how(run.model, run.optimizer, place)) if run.settings.shard else None


def _gather(run: Run) -> None:
    """Gives the problem's model the weights that its sharded copy has by now."""
    if run.settings.shard:
        gather_into(run.problem.model, run.model)


def _steps(run: Run, folder: Path, progress: Progress | None) -> None:
    """All steps that are still to be made."""
    state, settings = run.state, run.settings
    per_epoch = len(_epoch(run, 0))
    steps = total_steps(settings, per_epoch)
    done, began, kept_at = state.step, time.perf_counter(), time.perf_counter()
    before, tokens = state.seconds, state.tokens
    run.model.train()
    if state.full_precision:
        full_precision(run.problem.model)
    for batch in _remaining(run, steps, per_epoch):
        due = settings.save_every is None and time.perf_counter() - kept_at > SAVE_SECONDS
        measured = advance(run, batch, rate(settings, state.step, steps), due)
        state.step += 1
        give_back(state.step)
        state.losses.append(measured.loss)
        state.tokens += int(run.problem.lengths[batch].sum())
        _judge(run, steps, settings.evaluate_every or per_epoch)
        spent = time.perf_counter() - began
        state.seconds = before + spent
        if progress and run.accelerator.is_main_process:
            left = spent / (state.step - done) * (steps - state.step)
            progress(Moment(state.step, steps, measured.loss, (state.tokens - tokens) / spent, left))
        if _exhausted(run):
            break
        if measured.save or (settings.save_every and state.step % settings.save_every == 0):
            states.save(run.accelerator, state, folder, run.mark, _parts(run, save_shards))
            kept_at = time.perf_counter()


def _epoch(run: Run, epoch: int) -> list[Integers]:
    """The effective batches of an epoch. In-batch negatives are as many in each: a smaller last batch is
    dropped there, unless a group has no other."""
    problem, settings = run.problem, run.settings
    how = (settings.batch_size, settings.length_pool, (settings.seed, epoch))
    if problem.quotas is None or problem.groups is None:
        batches = epoch_batches(problem.lengths, *how, problem.groups)
    else:
        chosen = draw(problem.groups, problem.quotas, settings.seed, epoch)
        batches = [chosen[at] for at in epoch_batches(problem.lengths[chosen], *how, problem.groups[chosen])]
    full = [batch for batch in batches if len(batch) == settings.batch_size or not problem.is_whole(batch)]
    return full if len(full) == len(batches) else _with_lonely(batches, full, run)


def _with_lonely(batches: list[Integers], full: list[Integers], run: Run) -> list[Integers]:
    """The full batches, and the incomplete one of a group that has no full one: of it as much as the processes can
    share evenly."""
    groups = np.zeros(len(run.problem.lengths), np.int64) if run.problem.groups is None else run.problem.groups
    there, kept = {int(groups[batch[0]]) for batch in full}, {id(batch) for batch in full}
    shared = run.accelerator.num_processes
    found = [batch for batch in batches if id(batch) in kept or int(groups[batch[0]]) not in there]
    return [batch if id(batch) in kept else batch[: len(batch) // shared * shared] for batch in found]


def _remaining(run: Run, steps: int, per_epoch: int) -> Iterator[Integers]:
    """The batches from the state's step on."""
    for epoch in range(run.state.step // per_epoch, -(-steps // per_epoch)):
        batches = _epoch(run, epoch)
        yield from batches[run.state.step - epoch * per_epoch : steps - epoch * per_epoch]


def _judge(run: Run, steps: int, every: int) -> None:
    """Offers the weights of a checkpoint for selection."""
    state = run.state
    if state.step % every and state.step != steps:
        return
    _gather(run)
    score = _evaluate(run)
    if score is not None:
        state.dev_scores.append(DevScore(state.step, score))
    state.kept.offer(state.step, score, run.problem.model)


def _evaluate(run: Run) -> float | None:
    """The first process's development score. All processes compute it: one that waits would be taken for
    dead."""
    if run.problem.evaluate is None:
        return None
    run.problem.model.eval()
    with torch.no_grad():
        score = [float(run.problem.evaluate(run.problem.model))]
    run.problem.model.train()
    return float(broadcast_object_list(score)[0])


def _exhausted(run: Run) -> bool:
    """Whether so many checkpoints brought no gain that the training ends early."""
    patience = run.settings.patience
    return patience is not None and run.settings.selection == "best" and run.state.kept.without_gain >= patience


def _trained(run: Run) -> Trained:
    state = run.state
    return Trained(
        steps=state.step,
        selected=state.kept.step,
        score=state.kept.score,
        dev_scores=tuple(state.dev_scores),
        losses=tuple(state.losses),
        tokens=state.tokens,
        seconds=state.seconds,
        processes=run.accelerator.num_processes,
        notes=tuple(state.notes),
    )

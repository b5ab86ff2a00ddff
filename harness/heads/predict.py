"""Fast prediction: all rows of a task, whatever their language, in batches of equal token length.

Rows of equal length need no padding and no mask. That wastes no token, and on a CPU it makes an item's numbers
independent of the batch it stands in (bit for bit; with padding they differ by 1e-6), so that one language
alone gives what all together give."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from harness.errors import HarnessError
from harness.heads.features import Features, inputs, merge
from harness.heads.head import Head, answer
from harness.heads.ragged import Array, Integers, spread
from harness.retrieval.packed import packed

# Tokens of a batch. CPU: what the caches hold; more is slower. Elsewhere memory is the limit, and running out
# of it halves the batch.
BUDGET = {"cpu": 1536}
BUDGET_ELSEWHERE = 32768

Progress = Callable[[int, int], None]


def predict(
    head: Head,
    model: nn.Module,
    parts: Sequence[Features],
    budget: int | None = None,
    progress: Progress | None = None,
) -> list[Array]:
    """The logits (float32) of several features, one array each: (rows, outputs), or (tokens, outputs) where
    the form asks about tokens. `progress(tokens done, tokens in all)` is called after each batch of at most
    `budget` tokens.

    HarnessError where a number is not finite: its answer would be arbitrary."""
    if not parts:
        return []
    everything = merge(parts)
    sizes = [len(part.tokens) if head.pooled else len(part.tokens.values) for part in parts]
    device = next(model.parameters()).device
    waiting = batches(everything.tokens.lengths, budget or BUDGET.get(device.type, BUDGET_ELSEWHERE))
    training = model.training
    model.eval()
    try:
        with packed(model):
            run = partial(_logits, head, model, everything, device)
            with _workers(torch.get_num_threads() if device.type == "cpu" else 1) as mapped:
                logits = _gather(head, everything, zip(waiting, mapped(run, waiting), strict=True), progress)
    finally:
        model.train(training)
    if not np.isfinite(logits).all():
        raise HarnessError(
            "The model gave numbers that are not finite, from which no answer can be read.",
            "Predict with --dtype float32, or look at the training that made it.",
        )
    return np.split(logits, np.cumsum(sizes)[:-1])


def batches(lengths: Integers, budget: int) -> list[Integers]:
    """Row numbers, the longest rows first: rows of one length, at most `budget` tokens or one row."""
    order = np.argsort(-lengths, kind="stable")
    starts = np.flatnonzero(np.diff(lengths[order], prepend=-1))
    found: list[Integers] = []
    for start, end in pairwise([*starts.tolist(), len(order)]):
        size = max(1, budget // int(lengths[order[start]]))
        found += [order[at : min(at + size, end)] for at in range(start, end, size)]
    return found


def _gather(head: Head, found: Features, answers: Iterable[tuple[Integers, Array]], progress: Progress | None) -> Array:
    """The logits of all batches (rows, logits) in the order of rows or tokens."""
    lengths, starts = found.tokens.lengths, found.tokens.bounds[:-1]
    out = np.zeros((0, 0), np.float32)
    done, total = 0, int(lengths.sum())
    for rows, logits in answers:
        if not out.size:
            out = np.empty((len(lengths) if head.pooled else total, logits.shape[-1]), np.float32)
        out[rows if head.pooled else spread(starts[rows], lengths[rows])] = logits
        done += int(lengths[rows].sum())
        if progress is not None:
            progress(done, total)
    return out


def _logits(head: Head, model: nn.Module, found: Features, device: torch.device, rows: Integers) -> Array:
    """(rows, outputs) or (tokens of these rows, outputs); where memory runs out, from half the rows at once."""
    try:
        with torch.inference_mode():
            batch = {name: tensor.to(device) for name, tensor in inputs(found, rows).items()}
            logits = answer(head, model, batch).flatten(0, -2).float().cpu()
        return np.asarray(logits.numpy())
    except torch.OutOfMemoryError:
        if len(rows) == 1:
            raise
        torch.get_device_module(device).empty_cache()
        halves = (rows[: len(rows) // 2], rows[len(rows) // 2 :])
        return np.concatenate([_logits(head, model, found, device, half) for half in halves])


@contextmanager
def _workers(cores: int) -> Iterator[Callable[..., Iterator[Array]]]:
    """A `map` that runs as many batches at a time as there are cores, each on one of them: batches need not wait
    for one another, as the cores that share a batch must in every layer."""
    if cores == 1:
        yield map
        return
    pool = ThreadPoolExecutor(cores, initializer=torch.set_num_threads, initargs=(1,))
    try:
        yield pool.map
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(cores)

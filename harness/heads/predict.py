"""Fast prediction: all rows of a task, whatever their language, in batches of equal token length.

Rows of equal length need no padding and no mask. That wastes no token, and on a CPU it makes an item's numbers
independent of the batch it stands in (bit for bit; with padding they differ by 1e-6), so that one language
alone gives what all together give."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import nn

from harness.errors import HarnessError
from harness.heads.features import Features, inputs, merge
from harness.heads.head import Head, answer
from harness.heads.ragged import Array, Integers, spread

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
    the form asks about tokens. `progress(tokens done, tokens in all)` is called after each batch.

    HarnessError where a number is not finite: its answer would be arbitrary."""
    if not parts:
        return []
    device = next(model.parameters()).device
    everything = merge(parts)
    sizes = [len(part.tokens) if head.pooled else len(part.tokens.values) for part in parts]
    training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            logits = _run(head, model, everything, budget or BUDGET.get(device.type, BUDGET_ELSEWHERE), progress)
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


def _run(head: Head, model: nn.Module, found: Features, budget: int, progress: Progress | None) -> Array:
    lengths, starts = found.tokens.lengths, found.tokens.bounds[:-1]
    device = next(model.parameters()).device
    out: Array | None = None
    done, total = 0, int(lengths.sum())
    waiting = batches(lengths, budget)[::-1]
    while waiting:
        rows = waiting.pop()
        try:
            batch = {name: tensor.to(device) for name, tensor in inputs(found, rows).items()}
            logits = answer(head, model, batch).float().cpu().numpy()
        except torch.OutOfMemoryError:
            if len(rows) == 1:
                raise
            torch.get_device_module(device).empty_cache()
            waiting += [rows[len(rows) // 2 :], rows[: len(rows) // 2]]
            continue
        if out is None:
            out = np.empty((len(lengths) if head.pooled else total, logits.shape[-1]), np.float32)
        if head.pooled:
            out[rows] = logits
        else:
            out[spread(starts[rows], lengths[rows])] = logits.reshape(-1, logits.shape[-1])
        done += int(lengths[rows].sum())
        if progress is not None:
            progress(done, total)
    return np.zeros((0, 0), np.float32) if out is None else out

"""Which features make a step, and how a step is cut into micro-batches: pure functions of lengths and
seed."""

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]


def epoch_batches(
    lengths: Integers, batch_size: int, pool: int, draw: tuple[int, int], groups: Integers | None = None
) -> list[Integers]:
    """The effective batches of one epoch, each (<= batch_size,) feature indices; `draw` is (seed, epoch).

    Every feature occurs once. `pool` batches are drawn at random and dealt out by length among themselves,
    then the batches of all pools are shuffled. Batches never mix `groups`, each of which may end in a
    smaller batch."""
    random = np.random.default_rng(draw)
    kinds = np.zeros(len(lengths), np.int64) if groups is None else groups
    batches: list[Integers] = []
    for kind in np.unique(kinds):
        order = random.permutation(np.flatnonzero(kinds == kind))
        for start in range(0, len(order), pool * batch_size):
            drawn = order[start : start + pool * batch_size]
            drawn = drawn[np.argsort(lengths[drawn], kind="stable")] if pool > 1 else drawn
            batches += [drawn[at : at + batch_size] for at in range(0, len(drawn), batch_size)]
    return [batches[at] for at in random.permutation(len(batches))]


def share(batch: Integers, lengths: Integers, process: int, processes: int) -> Integers:
    """A process's part of an effective batch: every n-th by length, so that all have about as much to do."""
    return batch[np.argsort(lengths[batch], kind="stable")][process::processes]


def micro_batches(batch: Integers, lengths: Integers, budget: int, overhead: int) -> list[Integers]:
    """Cuts a batch, ordered by length, where the padding saved is worth a further pass.

    Of all cuttings whose micro-batches hold at most `budget` padded tokens (or one feature) the one with the
    fewest padded tokens, each micro-batch counted as `overhead` tokens more: what a forward and backward pass
    costs before its first token."""
    order = batch[np.argsort(-lengths[batch], kind="stable")]
    longest = lengths[order]
    count = len(order)
    cost = np.zeros(count + 1)
    start_of = np.zeros(count + 1, np.int64)
    for end in range(1, count + 1):
        padded = longest[:end] * np.arange(end, 0, -1)
        fits = padded <= budget
        fits[-1] = True
        costs = np.where(fits, cost[:end] + padded + overhead, np.inf)
        start_of[end] = costs.argmin()
        cost[end] = costs[start_of[end]]
    found: list[Integers] = []
    end = count
    while end:
        found.append(order[start_of[end] : end])
        end = int(start_of[end])
    return found


def padded_tokens(batch: Integers, lengths: Integers) -> int:
    """Tokens of a micro-batch, padding included."""
    return int(lengths[batch].max()) * len(batch)

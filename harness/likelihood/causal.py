"""Log-probabilities of continuations under a causal model, from batches that share their beginning."""

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from harness.heads.projection import log_probabilities, logits_at
from harness.likelihood.batches import Batch
from harness.likelihood.shared_cache import shared_cache

# (natural log-probability of the continuation, whether greedy decoding would produce it)
Answer = tuple[float, bool]


def score(module: Any, wanted: Iterable[Batch]) -> Iterator[list[Answer]]:
    """The answers of each batch, in the order of `Batch.requests`."""
    prefix: tuple[int, ...] = ()
    cache: Any = None
    for batch in wanted:
        if batch.prefix != prefix:
            cache = None
            cache = shared_cache(module, batch.prefix) if batch.prefix else None
            prefix = batch.prefix
        with torch.inference_mode():
            yield _answers(module, batch, cache)


def _answers(module: Any, batch: Batch, cache: Any) -> list[Answer]:
    width = max(len(row.tokens) for row in batch.rows)
    ids = np.zeros((len(batch.rows), width), np.int64)
    # Padding stands on the right, where causal attention never looks: no mask is needed.
    for number, row in enumerate(batch.rows):
        ids[number, : len(row.tokens)] = row.tokens
    inputs: dict[str, Any] = {"input_ids": torch.from_numpy(ids).to(module.device)}
    if cache is not None:
        inputs |= {"past_key_values": cache, "use_cache": True}
    places = [(len(row.tokens), max(len(tokens) for _, tokens in row.targets)) for row in batch.rows]
    targets = [[tokens for _, tokens in row.targets] for row in batch.rows]
    return read(lambda rows, columns: logits_at(module, rows, columns, **inputs), places, targets, module.device)


def read(
    logits: Callable[[Tensor, Tensor], Tensor],
    places: list[tuple[int, int]],
    targets: list[list[tuple[int, ...]]],
    device: torch.device,
) -> list[Answer]:
    """Answers from rows of which the last tokens are read. `places` gives for each row its length and how many of its
    last places are read, `targets` the continuations that end at its last place."""
    rows = np.repeat(np.arange(len(places)), [count for _, count in places])
    columns = np.concatenate([np.arange(size - count, size) for size, count in places])
    found = log_probabilities(logits(torch.from_numpy(rows).to(device), torch.from_numpy(columns).to(device)))
    best = found.argmax(dim=-1)
    ends = np.cumsum([count for _, count in places])
    asked, wanted = [], []
    for end, continuations in zip(ends, targets, strict=True):
        for tokens in continuations:
            asked.append(np.arange(end - len(tokens), end))
            wanted.append(np.array(tokens, np.int64))
    place = torch.from_numpy(np.concatenate(asked)).to(device)
    token = torch.from_numpy(np.concatenate(wanted)).to(device)
    values = found[place, token].double().cpu().numpy()
    greedy = (best[place] == token).cpu().numpy()
    bounds = np.cumsum([0, *(len(one) for one in wanted)])
    return [(float(values[a:b].sum()), bool(greedy[a:b].all())) for a, b in pairwise(bounds)]

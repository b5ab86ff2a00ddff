"""What a training is given and what it hands back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Batch = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Problem:
    """What is to be learnt: `n` training features, how to read them and what is lost.

    `lengths` (n,) counts each feature's tokens. `collate` turns feature indices into a padded batch of CPU
    tensors; what it draws at random must come from torch's, numpy's or Python's global generator, which the
    loop seeds anew for each step. `loss` returns the *sum* of the loss terms of a batch and their count
    (both scalars), so that a batch may be cut anywhere; under several processes its model is DDP's wrapper,
    of which it may use the forward call alone. `evaluate` gives a development score, higher is better.

    `groups` (n,): features of different groups never share an effective batch (a mixture: one head each);
    `quotas` (groups,): so many features of each make an epoch (None: all of them, once).
    `whole`, or of a mixture whether for each group: the loss ties a batch's features together (in-batch
    negatives), so it is never split, and an incomplete batch is dropped. `encoder` is the part of the model that
    was trained before: what `freeze` and `lora` keep; None means transformers' own `base_model`. `lora` updates
    its lowest `depth` layers (None: all). `rates` gives weights below these modules a learning rate of their own."""

    model: torch.nn.Module
    lengths: Integers
    collate: Callable[[Sequence[int]], Batch]
    loss: Callable[[torch.nn.Module, Batch], tuple[torch.Tensor, torch.Tensor]]
    evaluate: Callable[[torch.nn.Module], float] | None = None
    groups: Integers | None = None
    whole: bool | tuple[bool, ...] = False
    encoder: torch.nn.Module | None = None
    quotas: Integers | None = None
    depth: int | None = None
    rates: Mapping[str, float] = field(default_factory=dict)

    def is_whole(self, batch: Integers) -> bool:
        """Whether this effective batch must not be split."""
        if isinstance(self.whole, bool):
            return self.whole
        assert self.groups is not None, "a mixture has groups"
        return self.whole[int(self.groups[batch[0]])]


@dataclass(frozen=True)
class Moment:
    """Where a training stands. `loss` is that of the last step; tokens are real ones, over all processes."""

    step: int
    steps: int
    loss: float
    tokens_per_second: float
    seconds_left: float


Progress = Callable[[Moment], None]


@dataclass(frozen=True)
class DevScore:
    """A development score after so many steps."""

    step: int
    score: float


@dataclass(frozen=True)
class Trained:
    """What happened. `selected` is the step whose weights the model has (None: an average of several),
    `score` their development score (None: there is no development set), `losses` the mean loss of each step,
    `notes` what a reader of the result must know (a smaller micro-batch, a change of precision)."""

    steps: int
    selected: int | None
    score: float | None
    dev_scores: tuple[DevScore, ...]
    losses: tuple[float, ...]
    tokens: int
    seconds: float
    processes: int
    notes: tuple[str, ...]

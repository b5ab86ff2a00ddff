"""A head: how a model answers one form of question. Used by training and by prediction alike."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor, nn

from harness.errors import HarnessError
from harness.heads.features import Batch, Features, inputs, rows_of
from harness.heads.ragged import Array, Integers
from harness.heads.tokeniser import Tokeniser

INPUTS = ("input_ids", "attention_mask", "token_type_ids")


@dataclass(frozen=True)
class Encoding:
    """How examples become features. `max_length` counts special tokens; `labels` are the columns of the
    model's answer (classes and tags); with `training` the right answers are encoded too."""

    tokeniser: Tokeniser
    max_length: int
    labels: tuple[str, ...] = ()
    training: bool = False


@dataclass(frozen=True)
class Head:
    """One form. `form` is `Task.form`; `kind` the kind of a checkpoint whose trained head answers it; `auto`
    transformers' auto class and `table` its table of architectures.

    `outputs(labels)`: numbers per row (`pooled`) or per token; `width` tells transformers' configuration so
    (None: its class needs no telling). `encode(examples, encoding)` -> features. `targets(features, units,
    rows)` -> tensors of the right answers. `logits(output)` -> (b, outputs) or (b, t, outputs).
    `terms(logits, batch)` -> (sum of losses, their count). `decode(features, examples, logits, labels)` ->
    one output per example, as in `Item.output`, from the logits of all rows (rows, outputs) or all tokens
    (tokens, outputs)."""

    form: str
    kind: str
    auto: str
    table: str
    pooled: bool
    outputs: Callable[[tuple[str, ...]], int]
    encode: Callable[[Sequence[Any], Encoding], Features]
    targets: Callable[[Features, Integers, Integers], Batch]
    logits: Callable[[Any], Tensor]
    terms: Callable[[Tensor, Mapping[str, Tensor]], tuple[Tensor, Tensor]]
    decode: Callable[[Features, Sequence[Any], Array, tuple[str, ...]], list[Any]]
    options: bool = False


def answer(head: Head, model: Callable[..., Any], batch: Mapping[str, Tensor]) -> Tensor:
    """The model's logits for a batch: (b, outputs), or (b, t, outputs) where the form asks about tokens."""
    given = {name: batch[name] for name in INPUTS if name in batch}
    if head.options:
        # Options are rows of their own, so that questions may have different numbers of them.
        given = {name: tensor.unsqueeze(1) for name, tensor in given.items()}
    return head.logits(model(**given))


def loss(head: Head, model: Callable[..., Any], batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """The sum of the batch's loss terms and their count."""
    return head.terms(answer(head, model, batch).float(), batch)


def collate(head: Head, features: Features, units: Sequence[int]) -> Batch:
    """A batch of training units with their targets, on the CPU, padded to its longest row."""
    chosen = np.asarray(units, np.int64)
    rows = rows_of(features, chosen)
    return {**inputs(features, rows), **head.targets(features, chosen, rows)}


def cross_entropy(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Sum over the terms whose target is not negative, and their count. (n, classes), (n,)."""
    total = nn.functional.cross_entropy(logits, target.clamp(min=-100), ignore_index=-100, reduction="sum")
    return total, (target >= 0).sum()


def class_numbers(labels: tuple[str, ...], names: Sequence[str]) -> Integers:
    """The column of each label; HarnessError names those that are none of `labels`."""
    known = {label: number for number, label in enumerate(labels)}
    strange = sorted(set(names) - known.keys())
    if strange:
        raise HarnessError(
            f"The training data have labels that the task does not know: {', '.join(strange[:5])}.",
            f"Known are {', '.join(labels)}.",
        )
    return np.fromiter((known[name] for name in names), np.int64, len(names))

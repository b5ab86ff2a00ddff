"""Multiple choice: every option is read after the question, and the best-scored one is the answer.

XTREME-R's XCOPA is read so: premise and "What was the cause?" first, the option second. Options are rows of
their own, so that questions may have different numbers of them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from harness.checkpoint import kinds
from harness.examples import Choice
from harness.heads.classify import pair_rows
from harness.heads.features import Batch, Features, per_row
from harness.heads.head import Encoding, Head, cross_entropy
from harness.heads.ragged import Array, Integers, bounds_of, padded


def encode(examples: Sequence[Choice], encoding: Encoding) -> Features:
    """One row per option, one unit per question. Columns `options` (units,): their number; `target` (units,):
    the right one's, in training."""
    pairs = [(f"{one.context} {one.question}".strip(), option) for one in examples for option in one.options]
    rows = pair_rows(encoding.tokeniser, pairs, encoding.max_length)
    options = np.array([len(one.options) for one in examples], np.int64)
    columns: dict[str, Array] = {"options": options}
    if encoding.training:
        columns["target"] = np.array([one.answer for one in examples], np.int64)
    example = np.repeat(np.arange(len(examples)), options)
    return Features(rows.tokens, rows.types, example, bounds_of(options), columns, encoding.tokeniser.pad)


def decode(found: Features, examples: Sequence[Choice], logits: Array, labels: tuple[str, ...]) -> list[int]:
    """The number of each question's best option; the first of equal ones. `logits` (rows, 1)."""
    if not examples:
        return []
    scores = padded(logits[:, 0], found.units[:-1], found.columns["options"], -np.inf)
    best: list[int] = scores.argmax(axis=1).tolist()
    return best


def _targets(found: Features, units: Integers, rows: Integers) -> Batch:
    return {name: per_row(found, name, units) for name in ("options", "target")}


def _logits(output: Any) -> Tensor:
    logits: Tensor = output.logits
    return logits


def _terms(logits: Tensor, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Cross-entropy over the options of each question."""
    options = batch["options"]
    there = torch.arange(int(options.max()), device=logits.device) < options[:, None]
    scores = logits.new_full(there.shape, -torch.inf).masked_scatter(there, logits[:, 0])
    return cross_entropy(scores, batch["target"])


HEAD = Head(
    form="choice",
    kind=kinds.CHOICE,
    auto="AutoModelForMultipleChoice",
    table="MODEL_FOR_MULTIPLE_CHOICE_MAPPING_NAMES",
    pooled=True,
    outputs=lambda labels: 1,
    encode=encode,
    targets=_targets,
    logits=_logits,
    terms=_terms,
    decode=decode,
    options=True,
)

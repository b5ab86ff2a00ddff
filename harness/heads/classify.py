"""Classification of a sentence or a pair: which of the labels is most probable.

XTREME cuts the longer of two sentences token by token until both fit (128 with special tokens)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from harness.checkpoint import kinds
from harness.examples import Classify
from harness.heads.features import Batch, Features, features, per_row
from harness.heads.head import Encoding, Head, class_numbers, cross_entropy
from harness.heads.ragged import Array, Integers, Ragged, bounds_of, spread
from harness.heads.rows import Rows, assemble
from harness.heads.tokeniser import Tokeniser, tokenise


def encode(examples: Sequence[Classify], encoding: Encoding) -> Features:
    """One row per example. Column `target` (rows,): the label's number, in training."""
    pairs = [(one.first, one.second) for one in examples]
    rows = pair_rows(encoding.tokeniser, pairs, encoding.max_length)
    columns: dict[str, Array] = {}
    if encoding.training:
        columns["target"] = class_numbers(encoding.labels, [one.label for one in examples])
    return features(encoding.tokeniser, rows, np.arange(len(examples)), columns)


def pair_rows(tokeniser: Tokeniser, pairs: Sequence[tuple[str, str | None]], max_length: int) -> Rows:
    """Rows of at most `max_length` tokens; without any second text single sentences."""
    if all(second is None for _, second in pairs):
        first = tokenise(tokeniser, [one for one, _ in pairs])
        return assemble(tokeniser, _cut(first, np.minimum(first.lengths, tokeniser.room(max_length))))
    first = tokenise(tokeniser, [one + tokeniser.part for one, _ in pairs])
    second = tokenise(tokeniser, [other or "" for _, other in pairs])
    of_first, of_second = longest_first(first.lengths, second.lengths, tokeniser.room(max_length, pair=True))
    return assemble(tokeniser, _cut(first, of_first), _cut(second, of_second))


def longest_first(first: Integers, second: Integers, room: int) -> tuple[Integers, Integers]:
    """The lengths that are left when tokens are taken off the longer sequence, one by one, until both fit into
    `room`; of two equal ones the second gives. That is transformers' slow rule, which XTREME used: for an odd
    room the fast tokenizers leave the longer sequence one token more."""
    over = first + second > room
    kept_first = np.where(second <= room // 2, room - second, np.minimum(first, room - room // 2))
    of_first = np.where(over, kept_first, first)
    return of_first, np.where(over, room - of_first, second)


def decode(found: Features, examples: Sequence[Classify], logits: Array, labels: tuple[str, ...]) -> list[str]:
    """The name of the best column for each example; the first of equal ones. `logits` (rows, labels)."""
    return [labels[number] for number in logits.argmax(axis=1).tolist()]


def _cut(source: Ragged, lengths: Integers) -> Ragged:
    return Ragged(source.values[spread(source.bounds[:-1], lengths)], bounds_of(lengths))


def _targets(found: Features, units: Integers, rows: Integers) -> Batch:
    return {"target": per_row(found, "target", rows)}


def _logits(output: Any) -> Tensor:
    logits: Tensor = output.logits
    return logits


def _terms(logits: Tensor, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    return cross_entropy(logits, batch["target"])


HEAD = Head(
    form="classify",
    kind=kinds.SEQUENCE,
    auto="AutoModelForSequenceClassification",
    table="MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES",
    pooled=True,
    outputs=len,
    encode=encode,
    targets=_targets,
    logits=_logits,
    terms=_terms,
    decode=decode,
)

"""Accuracy of sentence retrieval, its further readings, and what the tokenizer did to the sentences.

Readings of one item stand in `Item.readings` under the metric's own name: other predictions (`accuracy_reverse`,
`csls`, ...) as the row found, and token counts of the non-English sentence."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from harness.metrics.accuracy import hits
from harness.metrics.score import Array, Item, Metric, mean_of, ratio

# Scripts without spaces between words: words cannot be counted by splitting at white space.
UNSPACED = ("zh", "ja", "th", "km", "lo", "my", "bo", "dz", "shn", "yue", "wuu")

FURTHER = ("accuracy_reverse", "csls", "csls_reverse", "accuracy_centred", "accuracy_margin")


def pair_metrics(language: str) -> tuple[Metric, ...]:
    """Accuracy of the official direction (main); the other direction; CSLS; centring; margin; tokenizer readings."""
    tokens = [_per("unk_rate", "unk", "tokens"), _share("truncated_share", "truncated")]
    if language.split("-")[-1] not in UNSPACED and language.split("-")[0] not in UNSPACED:
        tokens.append(_per("tokens_per_word", "tokens", "words"))
    right = [Metric("accuracy", _right, mean_of)]
    right += [Metric(name, partial(_right_reading, name=name), mean_of) for name in FURTHER]
    return (*right, *tokens)


def _right(items: Sequence[Item]) -> Array:
    return hits([item.output == item.gold for item in items])


def _right_reading(items: Sequence[Item], name: str) -> Array:
    return hits([item.readings[name] == item.gold for item in items])


def _per(name: str, numerator: str, denominator: str) -> Metric:
    def statistics(items: Sequence[Item]) -> Array:
        return np.array([[item.readings[numerator], item.readings[denominator]] for item in items], np.float64)

    quotient: Callable[[Array], Array] = lambda sums: ratio(sums[..., 0], sums[..., 1])  # noqa: E731
    return Metric(name, statistics, quotient)


def _share(name: str, reading: str) -> Metric:
    return Metric(name, lambda items: hits([item.readings[reading] for item in items]), mean_of)

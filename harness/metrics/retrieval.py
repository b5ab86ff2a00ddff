"""Accuracy of sentence retrieval, its further readings, and what the tokenizer did to the sentences.

Readings of one item stand in `Item.readings` under the metric's own name: other predictions (`accuracy_reverse`,
`csls`, ...) as the row found, and token counts of the sentence that is searched for."""

from collections.abc import Sequence

import numpy as np

from harness.metrics.accuracy import ACCURACY, accuracy_of, hits
from harness.metrics.score import Array, Item, Metric, mean_of

# Scripts without spaces between words: words cannot be counted by splitting at white space.
UNSPACED = {"zh", "ja", "th", "km", "lo", "my", "bo", "dz", "shn", "yue", "wuu"}

FURTHER = ("accuracy_reverse", "csls", "csls_reverse", "accuracy_centred", "accuracy_margin")


def pair_metrics(language: str) -> tuple[Metric, ...]:
    """Accuracy of the official direction (main); the other direction; CSLS; centring; margin; tokenizer readings."""
    tokens = [_quotient("unk_rate", "unk", "tokens"), _share("truncated_share", "truncated")]
    if not UNSPACED & set(language.split("-")):
        tokens.append(_quotient("tokens_per_word", "tokens", "words"))
    return (ACCURACY, *map(accuracy_of, FURTHER), *tokens)


def _quotient(name: str, numerator: str, denominator: str) -> Metric:
    def statistics(items: Sequence[Item]) -> Array:
        return np.array([[item.readings[numerator], item.readings[denominator]] for item in items], np.float64)

    return Metric(name, statistics, mean_of)


def _share(name: str, reading: str) -> Metric:
    return Metric(name, lambda items: hits([item.readings[reading] for item in items]), mean_of)

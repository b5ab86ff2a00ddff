"""How near a translation is to its reference: BLEU, chrF and TER as sacrebleu computes and signs them.

Trap: TER counts errors, so less is better; and sacrebleu's float32 sums are exact only for counts below 2^24."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from harness.errors import HarnessError
from harness.metrics.score import Array, Item, Metric

NAMES = ("chrf", "bleu", "ter")


def text_metric(name: str) -> Metric:
    """One of `chrf`, `bleu`, `ter`, in fractions (sacrebleu's number / 100). Items: gold is a reference or a list of
    references (as many for every item), output the hypothesis. HarnessError for another name."""
    scorer = _scorer(name)

    def statistics(items: Sequence[Item]) -> Array:
        references = [[one.gold] if isinstance(one.gold, str) else list(one.gold) for one in items]
        if len({len(one) for one in references}) != 1:
            raise HarnessError("Items have different numbers of references.", "Give every item as many references.")
        streams = [list(stream) for stream in zip(*references, strict=True)]
        # sacrebleu offers no public way to its per-sentence counts; its own significance tests use these two methods.
        return np.array(scorer._extract_corpus_statistics([one.output for one in items], streams), np.float64)

    def value(sums: Array) -> Array:
        flat = sums.reshape(-1, sums.shape[-1])
        scores = [scorer._compute_score_from_stats(row.tolist()).score for row in flat]
        return np.array(scores).reshape(sums.shape[:-1]) / 100

    return Metric(name, statistics, value)


def text_signature(name: str, references: int = 1) -> str:
    """sacrebleu's signature of a metric with all its settings."""
    scorer = _scorer(name)
    scorer.num_refs = references
    return str(scorer.get_signature().format())


@cache
def _scorer(name: str) -> Any:
    from sacrebleu.metrics import BLEU, CHRF, TER

    kinds = dict(zip(NAMES, (CHRF, BLEU, TER), strict=True))
    if name not in kinds:
        raise HarnessError(f"There is no text metric '{name}'.", f"Choose one of {', '.join(NAMES)}.")
    return kinds[name]()

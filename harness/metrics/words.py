"""How near words are to their translations: each pair's cosine minus that of its source with other words, and whether
the nearest word is a translation, both ways, by cosine and by CSLS (Lample et al. 2018).

Readings of an item have the metric's own name; `held` says to which group it belongs. Metrics of held-back pairs come
first, those of trained ones end in `_trained`; `_no_first` are vectors without the first token."""

from collections.abc import Callable, Sequence

import numpy as np

from harness.metrics.score import Array, Item, Metric, mean_of

READINGS = ("precision_at_1", "precision_at_1_reverse", "csls", "csls_reverse", "cosine_gap")
NO_FIRST, TRAINED = "_no_first", "_trained"


def word_metrics(language: str) -> tuple[Metric, ...]:
    """All readings of held-back pairs (the first one is main), then those of trained pairs."""
    names = [f"{one}{ending}" for ending in ("", NO_FIRST) for one in READINGS]
    held = [Metric(name, _mean(name, True), mean_of) for name in names]
    return (*held, *(Metric(f"{name}{TRAINED}", _mean(name, False), mean_of) for name in names))


def _mean(reading: str, held: bool) -> Callable[[Sequence[Item]], Array]:
    def statistics(items: Sequence[Item]) -> Array:
        out = np.zeros((len(items), 2))
        for at, item in enumerate(items):
            if item.readings["held"] == held:
                out[at] = item.readings[reading], 1
        return out

    return statistics

"""How many outputs are exactly the gold label: case-sensitive, no normalisation, as XTREME's scorer
compares."""

from collections.abc import Sequence

import numpy as np

from harness.metrics.score import Array, Item, Metric, mean_of


def hits(right: Sequence[bool | float]) -> Array:
    """Per-item values in [0, 1] as statistics (n, 2): (value, 1), whose `mean_of` is their mean."""
    out = np.ones((len(right), 2))
    out[:, 0] = right
    return out


def accuracy_of(reading: str) -> Metric:
    """Accuracy of a further reading of the same items (`Item.readings[reading]`), under the reading's own
    name."""

    def statistics(items: Sequence[Item]) -> Array:
        return hits([item.readings[reading] == item.gold for item in items])

    return Metric(reading, statistics, mean_of)


def _outputs(items: Sequence[Item]) -> Array:
    return hits([item.output == item.gold for item in items])


ACCURACY = Metric("accuracy", _outputs, mean_of)

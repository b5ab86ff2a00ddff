"""How well captions find their images and images their captions: mean reciprocal rank, recall at 1 and 10.

An item is an image; its readings are `held`, the rank of its best caption (`image_to_text`) and the rank of the image
for each of its captions (`text_to_image`). A rank is 1 + the wrong candidates that score higher + half of those that
score the same, so that a model which finds everything equal is at chance."""

from collections.abc import Callable, Sequence

import numpy as np

from harness.metrics.score import Array, Item, Metric, mean_of, ratio

DIRECTIONS = ("image_to_text", "text_to_image")
SEEN = "_seen"


def caption_metrics(language: str) -> tuple[Metric, ...]:
    """On held-out images: the mean of both directions' MRR (main), then each direction's MRR and recall at 1 and 10."""
    return _metrics(held=True)


def seen_metrics(language: str) -> tuple[Metric, ...]:
    """The same on images that were trained on, under names that end in `_seen`."""
    return _metrics(held=False)


def _metrics(held: bool) -> tuple[Metric, ...]:
    ending = "" if held else SEEN
    found = [Metric(f"mrr{ending}", _both(held), _mean_of_two)]
    for direction in DIRECTIONS:
        found.append(_of(f"mrr_{direction}{ending}", direction, held, lambda ranks: 1 / ranks))
        for k in (1, 10):
            at = _recall(k)
            found.append(_of(f"recall_at_{k}_{direction}{ending}", direction, held, at))
    return tuple(found)


def _recall(k: int) -> Callable[[Array], Array]:
    return lambda ranks: (ranks <= k).astype(np.float64)


def _of(name: str, direction: str, held: bool, gain: Callable[[Array], Array]) -> Metric:
    return Metric(name, lambda items: _sums(items, direction, held, gain), mean_of)


def _both(held: bool) -> Callable[[Sequence[Item]], Array]:
    def statistics(items: Sequence[Item]) -> Array:
        return np.hstack([_sums(items, direction, held, lambda ranks: 1 / ranks) for direction in DIRECTIONS])

    return statistics


def _mean_of_two(sums: Array) -> Array:
    return (ratio(sums[..., 0], sums[..., 1]) + ratio(sums[..., 2], sums[..., 3])) / 2


def _sums(items: Sequence[Item], direction: str, held: bool, gain: Callable[[Array], Array]) -> Array:
    """(n, 2): an image's gains and how many there are; none of an image of the other group."""
    out = np.zeros((len(items), 2))
    for at, item in enumerate(items):
        if item.readings["held"] == held:
            ranks = np.atleast_1d(np.asarray(item.readings[direction], np.float64))
            out[at] = gain(ranks).sum(), len(ranks)
    return out


def chance(candidates: int) -> float:
    """The MRR of ranks that are drawn evenly from 1 to so many."""
    return float((1 / np.arange(1, candidates + 1)).mean())

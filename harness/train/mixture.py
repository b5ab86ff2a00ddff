"""How often each part of a mixture is drawn: in proportion to its size up to a cap, by temperature, or by weights."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError

Integers = NDArray[np.int64]
MIXINGS = ("proportional", "temperature", "weights")


@dataclass(frozen=True)
class Mixing:
    """`proportional`: features of a part are drawn in proportion to their number, counted up to `cap` (Raffel et al.
    2020, section 3.5.2); `temperature`: to that number to the power of 1 / `temperature`; `weights`: to the weights
    that the recipe gives alone. In the first two the weights multiply."""

    how: str = "proportional"
    cap: int | None = None
    temperature: float = 2.0

    def __post_init__(self) -> None:
        if self.how not in MIXINGS:
            raise HarnessError(f"There is no mixing '{self.how}'.", f"Choose one of {', '.join(MIXINGS)}.")
        if not 0 < self.temperature < inf or (self.cap is not None and self.cap < 1):
            raise HarnessError("A temperature and a cap must be above 0.", "Correct --temperature or --cap.")


def quotas(sizes: Sequence[int], weights: Sequence[float], mixing: Mixing) -> Integers:
    """(parts,) features drawn of each part in one epoch, at least one. An epoch is as long as all parts together, each
    counted up to the cap: a single part, or equal weights without a cap, gives every feature once."""
    counted = np.minimum(np.asarray(sizes, float), np.inf if mixing.cap is None else float(mixing.cap))
    if mixing.how == "proportional":
        rates = counted * weights
    elif mixing.how == "temperature":
        rates = counted ** (1 / mixing.temperature) * weights
    else:
        rates = np.asarray(weights, float)
    drawn: Integers = np.maximum(1, np.rint(counted.sum() * rates / rates.sum())).astype(np.int64)
    return drawn


def draw(groups: Integers, quota: Integers, seed: int, epoch: int) -> Integers:
    """The features of one epoch, `quota[g]` of group g. Each group is gone through in rounds, every round a new order
    of all its features: over the epochs all occur equally often, but for one."""
    found = []
    for group, wanted in enumerate(quota.tolist()):
        features = np.flatnonzero(groups == group)
        first, last = epoch * wanted, (epoch + 1) * wanted
        rounds = range(first // len(features), -(-last // len(features)))
        orders = [np.random.default_rng((seed, group, at)).permutation(features) for at in rounds]
        start = first - rounds[0] * len(features)
        found.append(np.concatenate(orders)[start : start + wanted])
    return np.concatenate(found)

"""One part of a mixture, ready to be trained on: features, loss and development score of a recipe in a language."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from harness.train.material import Material
from harness.train.problem import Batch
from harness.train.shared_encoder import Shared

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Component:
    """`lengths` (n,) tokens of each feature; `collate` turns feature numbers into a batch; `loss(model, batch)` gives
    the sum of terms and their count, `model(task, **inputs)` being `Shared` or what wraps it; `judge` a development
    score between 0 and 1 (None: no development set) and `metric` its name. `whole` as in `Problem`."""

    task: str
    material: Material
    weight: float
    lengths: Integers
    collate: Callable[[Integers], Batch]
    loss: Callable[[Callable[..., Any], Batch], tuple[torch.Tensor, torch.Tensor]]
    judge: Callable[[Shared], float] | None
    metric: str
    whole: bool = False

"""What a user may set for an evaluation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Settings:
    """What a user may set for an evaluation; None means the default of the task, checkpoint or machine.

    `layer` is a number or `all`; `training` overrides values of the `preset` (names of `TrainSettings`), `grid`
    gives several values to choose from on the source language's development set."""

    languages: tuple[str, ...] | None = None
    split: str = "test"
    protocol: str | None = None
    limit: int | None = None
    seeds: tuple[int, ...] = (42,)
    device: str = "auto"
    dtype: str = "float32"
    layer: int | str | None = None
    pooling: str | None = None
    max_length: int | None = None
    engine: str = "exact"
    recall: float = 0.99
    preset: str = "xtreme"
    training: Mapping[str, Any] = field(default_factory=dict)
    grid: Mapping[str, Sequence[float]] = field(default_factory=dict)
    source_language: str = "en"
    allow_contaminated: bool = False
    shuffle_labels: bool = False
    label_order: tuple[str, ...] | None = None
    head: str | None = None
    template: str | None = None
    shots: int = 0
    answers: str = "letters"
    instruction: str = "en"
    option_orders: str = "one"
    masking: str = "word-l2r"
    backend: str | None = None
    backend_args: str = ""
    train_on: tuple[str, ...] | None = None

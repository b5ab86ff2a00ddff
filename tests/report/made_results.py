"""Results folders made of drawn answers through the real store, for tests of what reads them."""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.metrics.bootstrap import score_average, score_items
from harness.metrics.score import Item
from harness.store import AVERAGE, Result, open_store
from harness.tasks import get_task
from harness.work.scoring import signature

LABELS = ("entailment", "neutral", "contradiction")


@dataclass(frozen=True)
class Made:
    """What a made checkpoint is; `weights` and `data` go into the fingerprint."""

    checkpoint: str
    task: str = "xnli"
    folder: str = "transfer"
    split: str = "test"
    seed: int = 42
    weights: str = "w0"
    data: str = "d0"
    settings: Mapping[str, Any] = field(default_factory=lambda: {"preset": "xtreme", "source_language": "en"})


def items_of(right: Iterable[bool]) -> tuple[Item, ...]:
    """One item per answer; clusters of three, as XNLI's premises."""
    right = [bool(one) for one in right]
    return tuple(
        Item(str(at), LABELS[at % 3], LABELS[at % 3] if one else LABELS[(at + 1) % 3], str(at - at % 3))
        for at, one in enumerate(right)
    )


def write(root: Path, made: Made, answers: Mapping[str, Iterable[bool]], average: bool = True) -> None:
    """Writes a result per language (and their average) with intervals and signatures as a run would."""
    store, task = open_store(root), get_task(made.task)
    items = {code: items_of(right) for code, right in answers.items()}
    for code, own in items.items():
        data = f"{made.data}{zlib.crc32(code.encode()):08x}"
        result = _result(made, code, data)
        scores = score_items(task.metrics(code)[:1], own)
        signed = tuple(replace(score, signature=signature(result, score)) for score in scores)
        run = {"seconds": 1.0, "kind": "encoder-mlm", "command": f"harness eval --model {made.checkpoint}"}
        store.write(replace(result, scores=signed), own, {**run, "versions": {"torch": "2.13"}})
    if average:
        result = replace(_result(made, AVERAGE, made.data), languages=tuple(items))
        scores = score_average(items, {code: task.metrics(code)[:1] for code in items}, task.joint)
        signed = tuple(replace(score, signature=signature(result, score)) for score in scores)
        store.write(replace(result, scores=signed))


def _result(made: Made, code: str, data: str) -> Result:
    settings = dict(made.settings)
    fingerprint = {"weights": made.weights, "task": 1, "data": data, "settings": settings}
    place = (made.checkpoint, made.task, code, made.split, made.folder.partition("@")[0])
    return Result(*place, settings, made.seed, "scored", fingerprint, made.folder)


def correlated(generator: np.random.Generator, base: np.ndarray, flips: float, drop: float = 0.0) -> np.ndarray:
    """Answers that differ from `base` on about a share `flips` of items, `drop` of all more to the wrong side."""
    right, draw = base.mean(), generator.random(len(base))
    lose, gain = (flips + drop) / 2 / right, (flips - drop) / 2 / (1 - right)
    return np.where(base, draw >= lose, draw < gain)

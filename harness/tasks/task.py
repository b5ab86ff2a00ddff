"""What a task is: data. A new task is one new file that builds one `Task`."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.examples import Choice, Examples, Pair, Question
from harness.metrics.score import Item, Metric
from harness.tasks.source import Source


@dataclass(frozen=True)
class Loaded:
    """The examples of one (task, language, split): `split` is the split's own name, `data` a hash of their content,
    `notes` what a reader of the score must know (it goes into the signature); `shots` are solved examples that may
    stand in a prompt: choices of an exam, pairs of a translation; `folder` is where files lie that examples name, which
    no hash knows."""

    examples: Examples
    split: str
    data: str
    count: int
    notes: Mapping[str, str] = field(default_factory=dict)
    shots: tuple[Choice, ...] | tuple[Pair, ...] = field(default=(), repr=False)
    folder: Path | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True)
class Training:
    """What a task is fine-tuned on, in one source language: the model is selected on `dev`.
    `name` says which data set it is; `notes` goes into the signature (counts, stand-ins, dropped overlaps)."""

    name: str
    train: tuple[Question, ...]
    dev: tuple[Question, ...]
    data: str
    notes: Mapping[str, str] = field(default_factory=dict)


def in_training(notes: Mapping[str, str]) -> dict[str, str]:
    """Notes on a file that is trained on, by names that the notes on an evaluated file do not have: both stand in one
    signature."""
    return {f"{name} in training": value for name, value in notes.items()}


@dataclass(frozen=True)
class Task:
    """A benchmark task. An average over `languages`, and over no subset of them, bears the task's name.

    `load(source, language, split, limit)` reads one language; `metrics(language)` gives the main metric first;
    `accepts` tells which further languages may be asked for; `joint` says that items with the same cluster are
    translations of one another, so that they are resampled together across languages; `labels` are the classes or
    tags in the order of a freshly made head; `train(source, language)` reads the training data of a language;
    `marks(items)` is what must be said beside the scores of one language (whether they are above chance); `expand` is
    what a language that was asked for stands for (both directions of a translation)."""

    name: str
    title: str
    form: str
    languages: tuple[str, ...]
    protocols: tuple[str, ...]
    metrics: Callable[[str], tuple[Metric, ...]]
    load: Callable[[Source, str, str, int | None], Loaded]
    accepts: Callable[[str], bool]
    files: str
    split: str = "test"
    splits: tuple[str, ...] = ("test",)
    joint: bool = False
    version: int = 1
    source: str = ""
    licence: str = ""
    labels: tuple[str, ...] = ()
    train: Callable[[Source, str], Training] | None = None
    marks: Callable[[Sequence[Item]], Mapping[str, Any]] | None = None
    expand: Callable[[str], tuple[str, ...]] = lambda language: (language,)


def content_hash(examples: Any) -> str:
    """16 hex digits over the content of examples: the same from whatever file format they came."""
    return hashlib.sha256(repr(examples).encode("utf-8", "surrogatepass")).hexdigest()[:16]

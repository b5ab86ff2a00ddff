"""The manifest of a training: what was asked for, what it was made of, and what came out."""

import hashlib
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from harness.checkpoint import Checkpoint
from harness.checkpoint.manifest import SCHEMA, TrainingTexts, joined, thinned
from harness.tasks.ngrams import distinct
from harness.tasks.overlap import normalised_hash
from harness.tasks.source import Source
from harness.train.assemble import Assembled
from harness.train.component import Component
from harness.train.material import Material, texts_of
from harness.train.problem import Trained

PACKAGES = ("zeroshot-harness", "torch", "transformers", "tokenizers", "accelerate", "numpy")


def parent(checkpoint: Checkpoint) -> dict[str, Any]:
    """What the manifest says of the base; `training_data` is None where it is not known."""
    known = checkpoint.training_data
    return {
        "name": checkpoint.name,
        "path": str(checkpoint.folder or checkpoint.path),
        "fingerprint": checkpoint.fingerprint,
        "kind": checkpoint.kind,
        "training_data": None if known is None else list(known),
    }


def describe(assembled: Assembled, source: Source) -> list[dict[str, Any]]:
    """One entry for each recipe and language: its data, with hashes and counts."""
    pairs = zip(assembled.components, assembled.drawn, strict=True)
    return [_described(one, drawn, source) for one, drawn in pairs]


def _described(one: Component, drawn: int, source: Source) -> dict[str, Any]:
    material = one.material
    return {
        "name": material.name,
        "recipe": one.task,
        "language": material.language,
        "train": len(material.train),
        "dev": len(material.dev),
        "features": len(one.lengths),
        "drawn_per_epoch": drawn,
        "weight": one.weight,
        "hash": material.data,
        "files": [{"path": _relative(path, source.root), "sha256": _sha256(path)} for path in material.files],
        "notes": material.notes,
    }


def held_out(materials: Sequence[Material]) -> dict[str, list[str]]:
    """The images whose captions no recipe read, where captions were."""
    images = sorted({image for one in materials for image in one.held_out})
    return {"held_out_images": images} if images else {}


def _relative(path: Path, root: Path) -> str:
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def outcome(trained: Trained) -> dict[str, Any]:
    """What happened, without what two equal trainings differ in."""
    return {
        "steps": trained.steps,
        "selected": trained.selected,
        "score": trained.score,
        "dev_curve": [[one.step, round(one.score, 6)] for one in trained.dev_scores],
        "losses": [round(loss, 6) for loss in trained.losses],
        "tokens": trained.tokens,
        "processes": trained.processes,
        "notes": list(trained.notes),
    }


def surroundings(trained: Trained) -> dict[str, Any]:
    """Where and when: what may differ between two equal trainings."""
    return {
        "seconds": round(trained.seconds, 1),
        "host": platform.node(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in PACKAGES},
        "command": os.environ.get("HARNESS_COMMAND", ""),
    }


def as_json(record: Mapping[str, Any]) -> str:
    """The manifest's text."""
    return json.dumps({"schema": SCHEMA, **record}, ensure_ascii=False, indent=1, default=str) + "\n"


def training_texts(materials: Sequence[Material], before: TrainingTexts | None) -> TrainingTexts:
    """Hashes of all texts that were trained or selected on, and of those that the base was trained on `before`."""
    examples = chain.from_iterable((*one.train, *one.dev) for one in materials)
    texts = {text for example in examples for text in texts_of(example)}
    exact = np.unique(np.array([int(normalised_hash(text), 16) for text in texts], np.uint64))
    own = thinned(TrainingTexts(exact, distinct(texts)))
    return own if before is None else joined(own, before)


def settings_record(settings: Any) -> dict[str, Any]:
    """A settings object as JSON."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(settings).items()}

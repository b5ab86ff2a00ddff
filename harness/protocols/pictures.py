"""Image-text retrieval by the tower that a checkpoint carries: captions through the text encoder, images through the
tower, both into one space.

Which images were seen is what the checkpoint's own list says, not the folder at hand."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.checkpoint import Checkpoint
from harness.errors import HarnessError
from harness.examples import Caption
from harness.metrics.captions import caption_metrics, chance, seen_metrics
from harness.metrics.score import Item, Metric
from harness.plan import Answered, Job
from harness.protocols.reader import AtLayer
from harness.tasks.overlap import normalised_hash
from harness.tasks.task import Task

CHUNK = 256
Matrix = NDArray[np.float32]
Flags = NDArray[np.bool_]


def lacking(checkpoint: Checkpoint, task: Task) -> str:
    """Why a checkpoint cannot answer a task about images ("" when it can)."""
    from harness.retrieval.image_tower import has_tower

    if task.form != "caption" or has_tower(checkpoint.folder):
        return ""
    return f"{checkpoint.name} carries no image tower (harness train --recipe image_text leaves one)"


def resolved(checkpoint: Checkpoint, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a retrieval with the layer and pooling that the tower was trained on. HarnessError where another
    one is asked for."""
    from harness.retrieval.image_tower import read_config, tower_hash

    assert checkpoint.folder is not None, "a checkpoint with a tower is a folder"
    config = read_config(checkpoint.folder)
    own = {"layer": config.layer, "pooling": config.pooling}
    return {**asked, **own, "image_tower": config.kind, "tower": tower_hash(checkpoint.folder)}


def metrics(job: Job, language: str) -> tuple[Metric, ...]:
    """Those of held-out images, and of seen ones where there are any."""
    from harness.retrieval.image_tower import seen_images

    assert job.checkpoint.folder is not None, "a checkpoint with a tower is a folder"
    seen = seen_images(job.checkpoint.folder)
    there = any(isinstance(one, Caption) and one.image in seen for one in _captions(job))
    return (*caption_metrics(language), *(seen_metrics(language) if there else ()))


def answer(job: Job, reader: AtLayer, cache: Path) -> Answered:
    """An item for each image. HarnessError: images or features that the tower cannot read, none that is held out."""
    import torch

    from harness.retrieval.image_tower import VISION, load_tower

    folder = job.checkpoint.folder
    assert folder is not None and job.loaded.folder is not None, "the task says where images lie"
    loaded = load_tower(folder)
    captions = _captions(job)
    names = list(dict.fromkeys(one.image for one in captions))
    seen = np.array([one in loaded.seen for one in names])
    # What a small training left over is no candidate: the held-out images are the same for every checkpoint.
    held = np.isin(names, [one.image for one in captions if one.held]) & ~seen
    if not held.any():
        raise HarnessError(
            f"{job.name} was trained on all held-out images of {job.task.name} ({job.language}).",
            "Give images that it has not seen.",
        )
    captions, names, held = _either(captions, names, held, held | seen)
    with torch.no_grad():
        texts = loaded.tower.texts(torch.from_numpy(reader.unit_vectors([one.text for one in captions]))).numpy()
        file = cache / "images" / f"{_mark(job, names)}.npy"
        images = _images(loaded.tower, job.loaded.folder, names, file, str(folder / "image_text" / VISION))
    measured = {
        "candidates": f"{held.sum()} held-out and {(~held).sum()} seen images",
        "chance": f"mrr {chance(int(held.sum())):.3f}",
    }
    return Answered(tuple(items(captions, names, held, texts @ images.T)), measured)


def _either(
    captions: list[Caption], names: list[str], held: Flags, wanted: Flags
) -> tuple[list[Caption], list[str], Flags]:
    """Without the images that are neither held out nor seen."""
    kept = {name for name, one in zip(names, wanted, strict=True) if one}
    return [one for one in captions if one.image in kept], [one for one in names if one in kept], held[wanted]


def _captions(job: Job) -> list[Caption]:
    examples = job.loaded.examples
    assert isinstance(examples, tuple), "captions are a tuple"
    return [one for one in examples if isinstance(one, Caption)]


def _mark(job: Job, names: Sequence[str]) -> str:
    return f"{job.settings['tower']}-{job.loaded.data}-{normalised_hash(' '.join(names))}"


def _images(tower: Any, root: Path, names: Sequence[str], file: Path, vision: str) -> Matrix:
    """(n, projection) unit vectors of images."""
    import torch

    from harness.retrieval.image_tower import open_images

    images = open_images(tower.config, root, names, file, vision)
    parts = [
        tower.images(torch.from_numpy(images.take(np.arange(at, min(at + CHUNK, len(names))))))
        for at in range(0, len(names), CHUNK)
    ]
    return np.asarray(torch.cat(parts).numpy(), np.float32)


def items(captions: Sequence[Caption], names: Sequence[str], held: Flags, scores: Matrix) -> list[Item]:
    """Ranks among the images of the same group (held out or seen). `scores` (captions, images). A caption that another
    image bears word for word is right for that one too."""
    place = {name: at for at, name in enumerate(names)}
    owner = np.array([place[one.image] for one in captions])
    keys = np.unique([normalised_hash(one.text) for one in captions], return_inverse=True)[1]
    right = np.zeros(scores.shape, bool)
    for key in range(int(keys.max()) + 1):
        same = np.flatnonzero(keys == key)
        right[np.ix_(same, owner[same])] = True
    found: dict[int, dict[str, Any]] = {}
    for group in (True, False):
        columns, rows = np.flatnonzero(held == group), np.flatnonzero(held[owner] == group)
        if not len(columns):
            continue
        table, truth = scores[np.ix_(rows, columns)], right[np.ix_(rows, columns)]
        of_text, of_image = ranks(table, truth), ranks(table.T, truth.T)
        for at, column in enumerate(columns.tolist()):
            own = of_text[owner[rows] == column]
            best = names[columns[int(table[owner[rows] == column][0].argmax())]]
            found[column] = {"held": group, "image_to_text": of_image[at], "text_to_image": own.tolist(), "best": best}
    return [
        Item(
            id=name,
            gold=name,
            output=found[at].pop("best"),
            cluster=name,
            readings={**found[at], "image_to_text": float(found[at]["image_to_text"])},
        )
        for at, name in enumerate(names)
    ]


def ranks(scores: NDArray[Any], right: Flags) -> NDArray[np.float64]:
    """(rows,): the rank of each row's best right column among the wrong ones, equal scores counting half."""
    best = np.where(right, scores, -np.inf).max(axis=1, keepdims=True)
    above = ((scores > best) & ~right).sum(axis=1)
    equal = ((scores == best) & ~right).sum(axis=1)
    found: NDArray[np.float64] = 1.0 + above + equal / 2
    return found

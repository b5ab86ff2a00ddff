"""What stands for images in a training: pixels, features or random vectors, and the tower that reads them."""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import file_digest, sha256
from pathlib import Path

import numpy as np
import torch

from harness.retrieval.image_tower import WIDTH, ImageTower, TowerConfig, features_folder, open_images
from harness.retrieval.images import FEATURES, IDS, Gives, Images, Later, has_features
from harness.tasks.captions import FOLDER
from harness.tasks.source import Source
from harness.train.captions import images_of
from harness.train.dual import DualEncoder
from harness.train.dual_settings import SMALL, DualSettings
from harness.train.material import Material
from harness.train.recipes import Part
from harness.train.shared_encoder import SentenceVectors

NONE = "none"


@dataclass(frozen=True)
class Gallery:
    """Where images lie (`root`), where what is computed of them is kept, and how they are read."""

    root: Path
    cache: Path
    settings: DualSettings = field(default_factory=DualSettings)

    def kind(self, anchor: str, materials: Sequence[Material]) -> str:
        """How a recipe with this anchor reads the images of its materials: a kind of `TowerConfig`, or `none`."""
        if anchor in ("text", "random"):
            return NONE if anchor == "text" else "random"
        if self.settings.vision not in (None, SMALL):
            return "model"
        folders = [features_folder(self.root, _ids([one]))[0] for one in materials]
        return "features" if self.settings.vision is None and all(map(has_features, folders)) else SMALL

    def open(self, config: TowerConfig, ids: Sequence[str]) -> Images:
        """What the tower reads of these images; what was computed before a training was killed is taken up."""
        mark = sha256(repr((config.kind, config.size, self.settings.vision, list(ids))).encode()).hexdigest()[:16]
        file = self.cache / f"images-{mark}-{os.environ.get('RANK', '0')}.npy"
        return open_images(config, self.root, ids, file, self.settings.vision or "")


Opener = Callable[[Sequence[str]], Gives]


def gallery_of(source: Source, cache: Path, settings: DualSettings) -> Gallery:
    """The images of a data folder."""
    return Gallery(source.root / FOLDER, cache, settings)


def build_dual(
    vectors: SentenceVectors, text_width: int, part: Part, materials: Sequence[Material], gallery: Gallery, seed: int
) -> tuple[DualEncoder, Opener | None]:
    """The module of a recipe of captions, and what opens its images (None: it reads none). Weights follow from the
    seed. HarnessError: absent images, features that do not fit."""
    settings = gallery.settings
    kind = gallery.kind(part.recipe.anchor, materials)
    config = TowerConfig(
        kind=kind,
        width=0 if kind in ("features", "model") else WIDTH,
        text_width=text_width,
        projection=settings.projection,
        layer=vectors.layer,
        pooling=vectors.pooling,
        contrast=settings.contrast,
        size=settings.image_size,
        seed=seed,
    )
    if kind in ("features", "model"):
        # One image tells what a model's features are like.
        found = gallery.open(config, _ids(materials[:1])[: 1 if kind == "model" else None])
        config = TowerConfig(**{**vars(config), "width": found.width, "maker": found.maker})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        tower = ImageTower(config)
    if kind == "model":
        return DualEncoder(vectors, tower), _frozen(gallery, config, _ids(materials))
    return DualEncoder(vectors, tower), None if kind == NONE else lambda ids: gallery.open(config, ids)


def _frozen(gallery: Gallery, config: TowerConfig, ids: Sequence[str]) -> Opener:
    """Opens parts of what a frozen model makes of all images: once, whatever the training, and not before it begins.
    HarnessError: absent images."""
    from harness.retrieval.frozen_vision import refuse_absent

    refuse_absent(gallery.root, ids)
    order = sorted(ids)
    place = {one: at for at, one in enumerate(order)}

    @cache
    def whole() -> Images:
        # It is computed amid the first step, whose draws it must leave as they are when it is there already.
        with torch.random.fork_rng(devices=[]):
            return gallery.open(config, order)

    return lambda own: Later(whole, np.array([place[one] for one in own], np.int64))


def content_of(gallery: Gallery, parts: Iterable[Part], materials: dict[str, list[Material]]) -> str:
    """A hash over what images are read: of features their files, of image files their names and sizes; "" for none."""
    whole = sha256()
    for part in parts:
        own = materials[part.recipe.name]
        kind = gallery.kind(part.recipe.anchor, own) if part.recipe.form == "caption" else NONE
        for one in own if kind not in (NONE, "random") else ():
            if kind == "features":
                folder, _ = features_folder(gallery.root, _ids([one]))
                paths = [folder / FEATURES, folder / IDS]
                whole.update("".join(_digest(path) for path in paths if path.is_file()).encode())
            else:
                sizes = [(image, _size(gallery.root / image)) for image in _ids([one])]
                whole.update(repr((gallery.settings.vision, sizes)).encode())
    return whole.hexdigest()[:16]


def _ids(materials: Sequence[Material]) -> tuple[str, ...]:
    return images_of([example for one in materials for example in (*one.train, *one.dev)])


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()

"""Captions and images as a component of a training: batches of images with some of their captions each.

The captions of an image that a step reads are drawn anew each time, so that over a training every language of an image
meets the same anchor."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import torch
from torch import Tensor

from harness.errors import HarnessError
from harness.examples import Caption
from harness.heads.classify import pair_rows
from harness.heads.features import Features, features, inputs
from harness.heads.predict import batches
from harness.heads.ragged import Integers, bounds_of
from harness.heads.tokeniser import Tokeniser
from harness.retrieval.images import Gives
from harness.tasks.captions import first_images
from harness.tasks.overlap import normalised_hash
from harness.train.component import Component
from harness.train.dual import dual_loss, parts_of
from harness.train.dual_settings import DualSettings
from harness.train.material import Example, Material
from harness.train.problem import Batch
from harness.train.recipes import Part
from harness.train.settings import TrainSettings
from harness.train.shared_encoder import Shared

BUDGET = 4096
# Images judged together.
CHUNK = 256


@dataclass(frozen=True, eq=False)
class Units:
    """Images with their captions: those of image i are rows `bounds[i]` to `bounds[i + 1]`; `keys` (rows,) know equal
    texts; `images` has row i for image i (None: no image is read)."""

    rows: Features
    bounds: Integers
    keys: Integers
    images: Gives | None

    @property
    def counts(self) -> Integers:
        """(n,) captions of each image."""
        found: Integers = np.diff(self.bounds)
        return found


def caption_component(
    part: Part,
    material: Material,
    tokeniser: Tokeniser,
    settings: TrainSettings,
    dual: DualSettings,
    images: Callable[[Sequence[str]], Gives] | None,
) -> Component:
    """Captions as a component; its batches are never split. `images` gives what stands for images of these ids (None:
    captions are compared with captions). HarnessError: fewer than two images."""
    name = part.recipe.name
    train = _captions(material.train)
    if part.recipe.anchor == "shuffled":
        train = shuffled(train, settings.seed)
    held = first_images(_captions(material.dev), settings.dev_limit)
    units = make_units(train, tokeniser, settings.max_length, images)
    if len(units.bounds) < 3:
        raise HarnessError(f"{material.name} ({material.language}) has fewer than two images.", "Give more captions.")
    # without images an image's only caption is read twice, under two draws of dropout (SimCSE, Gao et al. 2021)
    drawn = max(2, dual.captions) if images is None else min(dual.captions, int(units.counts.max()))
    mean = np.add.reduceat(units.rows.tokens.lengths, units.bounds[:-1]) / units.counts
    development = make_units(held, tokeniser, settings.max_length, images) if held else None
    return Component(
        task=name,
        material=material,
        weight=part.weight,
        lengths=np.maximum(1, np.rint(mean * drawn)).astype(np.int64),
        collate=lambda chosen: collate(units, chosen, drawn),
        loss=lambda model, batch: dual_loss(model(name, **parts_of(batch)), batch, dual.contrast),
        judge=_judge(name, development) if development is not None and _can_judge(development) else None,
        metric="retrieval_accuracy",
        whole=True,
    )


def _captions(examples: Sequence[Example]) -> list[Caption]:
    return [one for one in examples if isinstance(one, Caption)]


def make_units(
    captions: Sequence[Caption],
    tokeniser: Tokeniser,
    max_length: int,
    images: Callable[[Sequence[str]], Gives] | None,
) -> Units:
    """Captions as token rows, image by image in the order in which images first occur."""
    order = {image: at for at, image in enumerate(dict.fromkeys(one.image for one in captions))}
    grouped = sorted(captions, key=lambda one: order[one.image])
    counts = [len(list(group)) for _, group in groupby(grouped, key=lambda one: one.image)]
    rows = pair_rows(tokeniser, [(one.text, None) for one in grouped], max_length)
    return Units(
        rows=features(tokeniser, rows, np.arange(len(grouped)), {}),
        bounds=bounds_of(np.array(counts, np.int64)),
        keys=np.array([int(normalised_hash(one.text), 16) >> 1 for one in grouped], np.int64),
        images=images(list(order)) if images is not None else None,
    )


def shuffled(captions: Sequence[Caption], seed: int) -> list[Caption]:
    """Every caption under another image than its own, drawn for each language apart, so that captions of one image
    share nothing afterwards; each image keeps its number of captions. HarnessError: a language in which an image has
    more than half of the captions."""
    found: list[Caption] = []
    languages = list(dict.fromkeys(one.language for one in captions))
    for at, language in enumerate(languages):
        random = np.random.default_rng((seed, at))
        own: dict[str, list[Caption]] = {}
        for one in captions:
            if one.language == language:
                own.setdefault(one.image, []).append(one)
        names = list(own)
        row = [one for place in random.permutation(len(names)) for one in own[names[place]]]
        # a cyclic shift by the largest group leads every caption out of its own group
        shift = max(len(each) for each in own.values())
        if 2 * shift > len(row):
            raise HarnessError(f"Captions in {language} are too few to be shuffled.", "Give captions of more images.")
        pairs = zip(row, row[shift:] + row[:shift], strict=True)
        found += [Caption(other.image, language, one.text) for one, other in pairs]
    place = {image: at for at, image in enumerate(dict.fromkeys(one.image for one in captions))}
    return sorted(found, key=lambda one: place[one.image])


def collate(units: Units, chosen: Integers, drawn: int) -> Batch:
    """A batch of images: `images` (b, ...) where there are any, `units` (b,), and `drawn` captions of each, all first
    ones, then all second ones; `keys` as the texts. An image with fewer captions gives some twice. Draws from torch's
    generator."""
    counts = units.counts[chosen]
    most = max(int(counts.max()), drawn)
    chance = torch.rand(len(chosen), most).numpy()
    chance[np.arange(most) >= counts[:, None]] = np.inf
    order = chance.argsort(axis=1, kind="stable")
    places = np.arange(drawn)[:, None] % counts
    rows = units.bounds[:-1][chosen] + np.take_along_axis(order.T, places, axis=0)
    return _batch(units, chosen, rows.ravel())


def _batch(units: Units, chosen: Integers, rows: Integers) -> Batch:
    batch = inputs(units.rows, rows)
    batch["units"] = torch.from_numpy(np.ascontiguousarray(chosen))
    batch["keys"] = torch.from_numpy(units.keys[rows])
    if units.images is not None:
        batch["images"] = torch.from_numpy(units.images.take(chosen))
    return batch


def _can_judge(units: Units) -> bool:
    """Captions alone need two of an image."""
    return len(units.bounds) > 2 and (units.images is not None or bool((units.counts > 1).any()))


def _judge(name: str, units: Units) -> Callable[[Shared], float]:
    """The share of development captions whose nearest image is their own, and of images whose nearest caption is one of
    theirs, averaged; without images, of captions whose nearest other caption is of the same image."""
    owner = torch.from_numpy(np.repeat(np.arange(len(units.counts)), units.counts))

    def judge(model: Shared) -> float:
        device = next(model.parameters()).device
        encoder: Any = model.tasks[name]
        texts = _texts(encoder, units, device)
        own = owner.to(device)
        if units.images is None:
            similar = (texts @ texts.T).fill_diagonal_(-torch.inf)
            several = torch.from_numpy(units.counts).to(device)[own] > 1
            return float((own[similar.argmax(dim=1)] == own)[several].float().mean())
        pictures = torch.cat(
            [
                encoder.beside.images(torch.from_numpy(units.images.take(np.arange(at, end))).to(device))
                for at, end in _chunks(len(units.counts))
            ]
        )
        similar = texts @ pictures.T
        right = torch.arange(len(pictures), device=device)
        hits = similar.argmax(dim=1) == own, own[similar.argmax(dim=0)] == right
        return float((hits[0].float().mean() + hits[1].float().mean()) / 2)

    return judge


def _texts(encoder: Any, units: Units, device: torch.device) -> Tensor:
    """(captions, projection) unit vectors in their order."""
    found: Tensor | None = None
    for chosen in batches(units.rows.tokens.lengths, BUDGET):
        batch = {key: tensor.to(device) for key, tensor in inputs(units.rows, chosen).items()}
        part = encoder(**batch)[0]
        found = part.new_empty(len(units.rows.tokens), part.shape[1]) if found is None else found
        found[torch.from_numpy(chosen)] = part
    assert found is not None, "there are captions"
    return found


def _chunks(count: int) -> list[tuple[int, int]]:
    return [(at, min(at + CHUNK, count)) for at in range(0, count, CHUNK)]

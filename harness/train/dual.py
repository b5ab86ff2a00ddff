"""A text encoder and an image tower in one space, and the losses that tie captions to their images.

The text side is a pooled hidden state of the base (never a pooler, which masked-language models lack or have at random:
why transformers' `VisionTextDualEncoderModel` is not used). Losses follow Radford et al. 2021 (arXiv 2103.00020) and
Zhai et al. 2023 (arXiv 2303.15343); with several captions an image has several positives, each of which stands against
the negatives alone, so that captions of one image never push each other away."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.retrieval.image_tower import ImageTower
from harness.train.contrast import gather
from harness.train.problem import Batch
from harness.train.shared_encoder import SentenceVectors

# CLIP's bound of the temperature's inverse.
MOST = 100.0
# A score that counts for nothing; with an infinite one a batch of a single image would have no gradient.
NOTHING = -1e4
# What belongs to a batch but is no input of the encoder.
APART = ("images", "units", "keys")


class DualEncoder(nn.Module):
    """Sentence vectors of the base and what stands beside it."""

    def __init__(self, vectors: SentenceVectors, beside: ImageTower) -> None:
        super().__init__()
        self.vectors = vectors
        self.beside = beside
        self.layer = vectors.layer

    def forward(self, images: Tensor | None = None, **inputs: Tensor) -> tuple[Tensor, ...]:
        """Unit vectors of texts (t, p), of images (i, p) (none: those of no image), the factor of their products and
        what is added to them."""
        texts = self.beside.texts(self.vectors(**inputs)).float()
        pictures = texts[:0] if images is None else self.beside.images(images)
        factor = self.beside.scale.exp().clamp(max=MOST)
        added = self.beside.bias if self.beside.bias is not None else torch.zeros_like(factor)
        return texts, pictures, factor, added


@dataclass(frozen=True, eq=False)
class Table:
    """Products of rows with columns (r, c) with the temperature in them, which of them belong together and which are
    neither right nor wrong, both (r, c) of bool."""

    scores: Tensor
    right: Tensor
    unknown: Tensor


def dual_loss(output: tuple[Tensor, ...], batch: Batch, contrast: str) -> tuple[Tensor, Tensor]:
    """The sum of the loss over this process's images, and their number. `units` (b,) number the images, `keys` (k * b,)
    know equal texts; caption j of image i is row j * b + i of the texts. Without images, captions of one image stand
    against those of the others."""
    texts, images, factor, added = output
    units, keys = batch["units"], batch["keys"]
    of_text = units.repeat(len(keys) // len(units))
    all_texts, all_units, all_keys = gather(texts), gather(of_text), gather(keys)
    if not len(images):
        tables = [_among_texts((texts, of_text, keys), (all_texts, all_units, all_keys), factor, added)]
    else:
        all_images, image_units = gather(images), gather(units)
        # images of which a caption of this batch has the same text
        shared = _sharing(keys, all_keys, all_units, image_units)
        shared_back = _sharing(all_keys, keys, of_text, units).T
        right = of_text[:, None] == image_units[None, :]
        tables = [Table(texts @ all_images.T * factor + added, right, shared & ~right)]
        right_back = units[:, None] == all_units[None, :]
        scores = images @ all_texts.T * factor + added
        tables.append(Table(scores, right_back, shared_back & ~right_back))
    if contrast == "siglip":
        # texts meet all images once: the other direction holds the same pairs
        total = sigmoid_loss(tables[0]) / (len(keys) // len(units))
    else:
        total = torch.stack([several_positives(one) * len(units) for one in tables]).mean()
    return total, torch.tensor(len(units), device=units.device)


def _among_texts(own: tuple[Tensor, ...], others: tuple[Tensor, ...], factor: Tensor, added: Tensor) -> Table:
    """Captions against captions; a text is nothing to itself."""
    (texts, units, keys), (all_texts, all_units, all_keys) = own, others
    itself = torch.zeros(len(texts), len(all_texts), dtype=torch.bool, device=texts.device)
    start = 0
    if len(all_texts) > len(texts):
        start = torch.distributed.get_rank() * len(texts)
    itself[torch.arange(len(texts)), start + torch.arange(len(texts))] = True
    right = (units[:, None] == all_units[None, :]) & ~itself
    same = keys[:, None] == all_keys[None, :]
    return Table(texts @ all_texts.T * factor + added, right, (same | itself) & ~right)


def _sharing(keys: Tensor, other_keys: Tensor, other_units: Tensor, units: Tensor) -> Tensor:
    """(len(keys), len(units)): whether some text of that unit equals the text of the row."""
    equal = (keys[:, None] == other_keys[None, :]).float()
    member = (other_units[:, None] == units[None, :]).float()
    return equal @ member > 0


def several_positives(table: Table) -> Tensor:
    """The mean over rows of the mean over a row's right columns of its cross-entropy against the wrong columns: with
    one right column it is InfoNCE."""
    wrong = table.scores.masked_fill(table.right | table.unknown, NOTHING).logsumexp(dim=1, keepdim=True)
    each = functional.softplus(wrong - table.scores)
    count = table.right.sum(dim=1)
    rows = each.masked_fill(~table.right, 0.0).sum(dim=1) / count.clamp(min=1)
    return rows.sum() / (count > 0).sum().clamp(min=1)


def sigmoid_loss(table: Table) -> Tensor:
    """The sum over all pairs of -log sigmoid(+-score), right pairs with a plus."""
    signs = torch.where(table.right, 1.0, -1.0)
    return functional.softplus(-signs * table.scores).masked_fill(table.unknown, 0.0).sum()


def parts_of(batch: Batch) -> dict[str, Any]:
    """What the model is given of a batch."""
    given = {name: tensor for name, tensor in batch.items() if name not in APART}
    return {**given, "images": batch["images"]} if "images" in batch else given

"""Image-text retrieval: each caption's image among all images, each image's caption among all captions of a language.

Held-out images, of which no recipe reads a caption, and the others are searched apart; the score's name is about the
held-out ones. It is for checkpoints that carry an image tower (`harness train --recipe image_text`)."""

from collections.abc import Sequence
from pathlib import Path

from harness.examples import Caption
from harness.metrics.captions import caption_metrics
from harness.tasks.any_language import any_language
from harness.tasks.captions import FOLDER, first_images, read_captions
from harness.tasks.source import Source
from harness.tasks.task import Loaded, Task, content_hash


def load(source: Source, language: str, split: str, limit: int | None) -> Loaded:
    """The captions of one language; there is one split. `limit` counts held-out images, and others apart from them."""
    (corpus, *_) = read_captions(source, None, (language,))
    captions = corpus.captions if limit is None else _first(corpus.captions, limit)
    images = tuple(dict.fromkeys(one.image for one in captions))
    folder = source.root / FOLDER
    data = content_hash((captions, [_size(folder / one) for one in images]))
    held = len({one.image for one in captions if one.held})
    notes = {"images": f"{corpus.corpus}, {held} held out of {len(images)}"}
    return Loaded(captions, "test", data, len(captions), notes, folder=folder)


def _first(captions: Sequence[Caption], limit: int) -> tuple[Caption, ...]:
    groups = [[one for one in captions if one.held == held] for held in (True, False)]
    return tuple(one for group in groups for one in first_images(group, limit))


def _size(path: Path) -> int:
    """Bytes of an image's file; 0 where features stand for it."""
    return path.stat().st_size if path.is_file() else 0


TASK = Task(
    name="image_text_retrieval",
    title="Image-text retrieval, both directions, held-out images",
    form="caption",
    languages=("en", "ar", "de", "es", "fr", "sw", "zh"),
    protocols=("retrieve",),
    metrics=caption_metrics,
    load=load,
    accepts=any_language,
    files="image_text/{captions.jsonl,emoji/names.tsv} with images or features.npy",
    joint=True,
    source="googlefonts/noto-emoji and Unicode CLDR, or one's own captions",
    licence="Apache-2.0 (images), Unicode-3.0 (names)",
)

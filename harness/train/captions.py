"""Captions of images as training material: of the images that are held out nothing is read, whatever the recipe.

Of the other images a tenth, by hash, is for looking at the training (`dev`)."""

from collections.abc import Iterable, Sequence

from harness.examples import Caption
from harness.tasks.captions import Captioned, read_captions
from harness.tasks.source import Source
from harness.train.material import Material, Wish

NAMES = {"emoji": "CLDR emoji names", "multi30k": "Multi30k", "xtd10": "XTD10", "captions": "captions"}


def captions(source: Source, wish: Wish) -> list[Material]:
    """One material for each corpus, with the captions of all languages that are wanted (None: all)."""
    return [_material(one, one.captions) for one in read_captions(source, wish.corpora, wish.languages)]


def caption_lines(source: Source, wish: Wish) -> list[Material]:
    """The same captions as lines of text, one material for each corpus and language."""
    found = []
    for one in read_captions(source, wish.corpora, wish.languages):
        for language in dict.fromkeys(each.language for each in one.captions):
            found.append(_material(one, [each for each in one.captions if each.language == language], lines=True))
    return found


def _material(corpus: Captioned, captions: Sequence[Caption], lines: bool = False) -> Material:
    free = [one for one in captions if not one.held]
    images, dev, held = images_of(free), corpus.dev, corpus.held_out
    return Material(
        name=NAMES[corpus.corpus],
        language="-".join(sorted({one.language for one in captions})),
        train=_examples((one for one in free if one.image not in dev), lines),
        dev=_examples((one for one in free if one.image in dev), lines),
        notes={
            "training": f"{NAMES[corpus.corpus]}, {len(free)} captions of {len(images)} images",
            "selected_on": f"{len(dev)} images, by hash",
            "held_out": f"{len(held)} images",
        },
        files=corpus.paths,
        held_out=held,
    )


def _examples(captions: Iterable[Caption], lines: bool) -> tuple[Caption, ...] | tuple[str, ...]:
    if lines:
        return tuple(dict.fromkeys(one.text for one in captions))
    return tuple(captions)


def images_of(examples: Sequence[object]) -> tuple[str, ...]:
    """The images of some captions, each once, in order."""
    return tuple(dict.fromkeys(one.image for one in examples if isinstance(one, Caption)))

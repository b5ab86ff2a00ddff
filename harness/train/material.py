"""What a recipe is trained on, whatever its form: examples with what is known about them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.errors import HarnessError
from harness.examples import Caption, Question
from harness.tasks.captions import first_images
from harness.tasks.overlap import texts, unscored
from harness.tasks.plain_text import read_corpora
from harness.tasks.selection import held_tenth
from harness.tasks.source import Source, files_read
from harness.tasks.task import Training, content_hash
from harness.tasks.translations import Pairs, read_lexicon, read_translations

# A labelled question, a line of text, a pair of texts, or what is said of an image.
Example = Question | str | tuple[str, str] | Caption


@dataclass(frozen=True)
class Material:
    """Training and development examples of one recipe in one language (`en-de`: of several together); `name` says which
    data sets they are, joined by `+`. `held_out` are images of which nothing was read."""

    name: str
    language: str
    train: tuple[Example, ...] = field(repr=False)
    dev: tuple[Example, ...] = field(repr=False)
    notes: dict[str, str]
    files: tuple[Path, ...]
    held_out: tuple[str, ...] = field(default=(), repr=False)

    @property
    def data(self) -> str:
        """A hash of the content."""
        return content_hash((self.train, self.dev))


@dataclass(frozen=True)
class Wish:
    """What a user asks for: `languages` (None: English, or all that there is text in), `corpora` (None: the recipe's
    own choice)."""

    languages: tuple[str, ...] | None = None
    corpora: tuple[str, ...] | None = None


Reader = Callable[[Source, Wish], list[Material]]


def labelled(train: Callable[[Source, str], Training]) -> Reader:
    """A reader of a labelled set: English, or the languages asked for as far as the folder has them all."""

    def read(source: Source, wish: Wish) -> list[Material]:
        found = []
        for language in wish.languages or ("en",):
            with files_read() as files:
                one = train(source, language)
            found.append(Material(one.name, language, one.train, one.dev, dict(one.notes), tuple(sorted(files))))
        return found

    return read


def plain_text(source: Source, wish: Wish) -> list[Material]:
    """Lines of text, one material a language; a tenth of the lines is held out by hash."""
    found: dict[str, Material] = {}
    for text in read_corpora(source, wish.corpora, wish.languages):
        part = _held_out(_named(text.corpus), text.language, text.lines, (text.path,))
        found[text.language] = _joined(found[text.language], part) if text.language in found else part
    return list(found.values())


def translations(source: Source, wish: Wish) -> list[Material]:
    """Translation pairs, one material a pair of languages."""
    return _of_pairs(read_translations(source, wish.corpora, wish.languages))


def lexicon(source: Source, wish: Wish) -> list[Material]:
    """Word pairs, one material a pair of languages."""
    return _of_pairs(read_lexicon(source, wish.languages))


def _of_pairs(pairs: Sequence[Pairs]) -> list[Material]:
    found: dict[str, Material] = {}
    for one in pairs:
        language = "-".join(one.languages)
        part = _held_out(_named(one.corpus), language, one.rows, one.paths)
        found[language] = _joined(found[language], part) if language in found else part
    return list(found.values())


def _held_out(name: str, language: str, examples: Sequence[Example], files: tuple[Path, ...]) -> Material:
    unique = tuple(dict.fromkeys(examples))
    texts_held = held_tenth(texts_of(one)[0] for one in unique)
    held = {one for one in unique if texts_of(one)[0] in texts_held}
    train = tuple(one for one in unique if one not in held)
    notes = {"training": f"{name}, {len(unique)} of {len(examples)} different"}
    notes["selected_on"] = "a tenth held out by hash"
    return Material(name, language, train, tuple(one for one in unique if one in held), notes, files)


def _joined(one: Material, other: Material) -> Material:
    """A line that is in both counts once, and is held out where either holds it out (the hash says so)."""
    known = {*one.train, *one.dev}
    return replace(
        one,
        name="+".join(dict.fromkeys([*one.name.split("+"), other.name])),
        train=(*one.train, *(text for text in other.train if text not in known)),
        dev=(*one.dev, *(text for text in other.dev if text not in known)),
        notes={**one.notes, "training": f"{one.notes['training']}; {other.notes['training']}"},
        files=(*one.files, *other.files),
    )


def _named(corpus: str) -> str:
    """The name by which a manifest knows the corpus."""
    names = {"flores200": "FLORES-200 dev", "multi30k": "Multi30k", "xtd10": "XTD10", "panx": "PAN-X train"}
    return names.get(corpus, corpus)


def texts_of(example: Example) -> tuple[str, ...]:
    """The texts by which an example is known again."""
    if isinstance(example, str):
        return (example,)
    if isinstance(example, Caption):
        return (example.text,)
    return example if isinstance(example, tuple) else texts(example)


def without(material: Material, scored: set[str]) -> Material:
    """The material without examples of which a text is among these hashes (`normalised_hash`), and a note."""
    train, dev = (unscored(side, scored, texts_of) for side in (material.train, material.dev))
    gone = len(material.train) - len(train), len(material.dev) - len(dev)
    if not train:
        raise HarnessError(
            f"All {len(material.train)} training items of {material.name} ({material.language}) are also scored.",
            "Give other training data, or --allow-contaminated.",
        )
    said = f"{gone[0]} of {len(material.train)} training items and {gone[1]} of {len(material.dev)} dev items dropped"
    return replace(material, train=train, dev=dev, notes={**material.notes, "overlap": said})


def cut(material: Material, limit: int | None) -> Material:
    """Only the first examples, or the captions of the first images, for a trial."""
    if limit is None or limit >= len(material.train):
        return material
    captions = [[one for one in side if isinstance(one, Caption)] for side in (material.train, material.dev)]
    if any(captions):
        notes = {**material.notes, "limit": f"the first {limit} images"}
        train, dev = (first_images(side, limit) for side in captions)
        return replace(material, train=train, dev=dev, notes=notes)
    notes = {**material.notes, "limit": f"the first {limit} of {len(material.train)}"}
    return replace(material, train=material.train[:limit], dev=material.dev[:limit], notes=notes)

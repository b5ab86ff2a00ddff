"""The forms a question takes. A task's loader turns files into these; a head or protocol answers them.

`cluster` is the unit that the bootstrap resamples: items made from one premise, passage or article share it."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Classify:
    """A sentence or a pair of sentences and its label, by name."""

    id: str
    first: str
    second: str | None
    label: str
    cluster: str


@dataclass(frozen=True)
class Tag:
    """A sentence's words and one tag for each."""

    id: str
    words: tuple[str, ...]
    tags: tuple[str, ...]
    cluster: str


@dataclass(frozen=True)
class Span:
    """A question whose answer is cut from the context. `starts` are character offsets, found again near those that
    the file gives; -1 where the answer does not stand in the context (such an item is never trained on)."""

    id: str
    question: str
    context: str
    answers: tuple[str, ...]
    starts: tuple[int, ...]
    cluster: str


@dataclass(frozen=True)
class Choice:
    """A question with options, of which one is right (`answer` is its index). `subject` is what an exam files it
    under, `tags` further properties by name (a category, whether it is culturally sensitive)."""

    id: str
    context: str
    question: str
    options: tuple[str, ...]
    answer: int
    cluster: str
    # Not part of what older tasks' data are hashed by.
    subject: str = field(default="", repr=False)
    tags: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Pair:
    """A translation pair: `source` is the query of the official direction, `target` its one right answer.
    `row` is the 0-based row in the benchmark's own numbering (what a prediction file names)."""

    row: int
    source: str
    target: str


@dataclass(frozen=True)
class Corpus:
    """One side of a comparable corpus: ids and sentences, row by row."""

    ids: tuple[str, ...]
    texts: tuple[str, ...]


@dataclass(frozen=True)
class Comparable:
    """Two corpora and the (source id, target id) pairs that are translations of one another."""

    source: Corpus
    target: Corpus
    gold: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Mining:
    """What a bitext mining score needs: `tune` chooses the threshold, `test` is scored (None: `tune` is)."""

    tune: Comparable
    test: Comparable | None

    @property
    def corpora(self) -> tuple[Comparable, ...]:
        """Those that are there."""
        return (self.tune,) if self.test is None else (self.tune, self.test)

    @property
    def texts(self) -> list[str]:
        """All sentences, corpus by corpus, of each first the source's."""
        return [text for one in self.corpora for side in (one.source, one.target) for text in side.texts]


@dataclass(frozen=True)
class Caption:
    """What is said of an image in a language. `image` is the image's id: its path below the folder `image_text`;
    `held` says that nothing may be trained on it."""

    image: str
    language: str
    text: str
    held: bool = False


@dataclass(frozen=True)
class Word:
    """A word and its translation; `held` says that no recipe is trained on the pair. `row` counts the lexicon's."""

    row: int
    source: str
    target: str
    held: bool


Question = Classify | Tag | Span | Choice
Questions = tuple[Classify, ...] | tuple[Tag, ...] | tuple[Span, ...] | tuple[Choice, ...]
Examples = Questions | tuple[Pair, ...] | tuple[Caption, ...] | tuple[Word, ...] | Mining

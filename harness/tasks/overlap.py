"""Training never sees what is scored: items whose passage or sentence occurs in an evaluated set are dropped.

Texts are compared by a hash that ignores case, width, white space and punctuation. The case at hand: XQuAD is
translated SQuAD dev, and 53 of its 240 passages lie in `squad/dev-v2.0.part1.json`."""

import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from hashlib import blake2b
from itertools import product
from typing import TypeVar

from harness.examples import Caption, Classify, Mining, Pair, Question, Span, Tag, Word
from harness.tasks.scored_sets import loaded_sets
from harness.tasks.source import Source
from harness.tasks.task import Task, Training, content_hash
from harness.tasks.xtreme import XTREME_LANGUAGES, XTREME_R_LANGUAGES

Example = TypeVar("Example")


def normalised_hash(text: str) -> str:
    """16 hex digits of the text after NFKC and case folding, without white space, punctuation and control
    characters.

    A text of nothing else is hashed as it is: `?!` is not the same as `...`."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = folded.translate(_ignored()) or folded
    return blake2b(kept.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def texts(example: Question) -> tuple[str, ...]:
    """What may not be shared: the passage, the sentence, either sentence of a pair, the premise (or bare
    question), and the subject and split of an exam's question."""
    if isinstance(example, Span):
        return (example.context,)
    if isinstance(example, Tag):
        return (" ".join(example.words),)
    if isinstance(example, Classify):
        return (example.first,) if example.second is None else (example.first, example.second)
    # A translated question is the question. Numbers inside a subject differ between MMLU's own files and Okapi's in
    # four subjects, so a subject's whole split is what must not be shared.
    part = example.id.rpartition("/")[0] if example.subject else ""
    return (example.context or example.question, *([f"exam {part}"] if part else []))


def contexts(examples: Iterable[Question]) -> set[str]:
    """The hashes of all passages and sentences of some examples."""
    return {normalised_hash(text) for text in {text for example in examples for text in texts(example)}}


def evaluated_texts(source: Source, task: Task) -> Iterator[tuple[Question, ...]]:
    """Every scored set of the task that is there: each language and pair of XTREME and XTREME-R, each split."""
    known = [code for table in (XTREME_LANGUAGES, XTREME_R_LANGUAGES) for codes in table.values() for code in codes]
    singles = list(dict.fromkeys((*task.languages, *known)))
    pairs = ["-".join(pair) for pair in product(task.languages, repeat=2)]
    # Where one pair of languages is refused all are: asking 1,600 times costs seconds.
    pairs = pairs if any(map(task.accepts, pairs[1:2])) else []
    for _, _, loaded in loaded_sets(source, [task], [*singles, *pairs]):
        if not isinstance(loaded.examples, Mining):
            yield tuple(one for one in loaded.examples if not isinstance(one, Pair | Caption | Word))


def drop_overlap(training: Training, evaluated: Iterable[Iterable[Question]]) -> tuple[Training, int]:
    """The training data without what the evaluated sets hold, and how many items went; `notes["overlap"]`
    says it.

    The selection set is cleaned too, unless all of it is evaluated: then it is the official one (English dev)
    and stays, which is said. Nothing may be left to train on."""
    scored: set[str] = set().union(*map(contexts, evaluated))
    train = unscored(training.train, scored, texts)
    dev = unscored(training.dev, scored, texts)
    official = not dev and bool(training.dev)
    dev = training.dev if official else dev
    dropped = len(training.train) - len(train), len(training.dev) - len(dev)
    said = [
        f"{dropped[0]} of {len(training.train)} training items dropped",
        "the selection set is evaluated" if official else f"{dropped[1]} of {len(training.dev)} to select on",
        f"{len(contexts((*training.train, *(() if official else training.dev))) & scored)} texts shared",
    ]
    notes = {**training.notes, "overlap": ", ".join(said)}
    kept = replace(training, train=train, dev=dev, data=content_hash((train, dev)), notes=notes)
    return kept, sum(dropped)


def unscored(
    examples: Sequence[Example], scored: set[str], texts_of: Callable[[Example], tuple[str, ...]]
) -> tuple[Example, ...]:
    """The examples of which no text is among these hashes."""
    known = {text: normalised_hash(text) in scored for text in {text for one in examples for text in texts_of(one)}}
    return tuple(one for one in examples if not any(known[text] for text in texts_of(one)))


@cache
def _ignored() -> dict[int, None]:
    """White space and every code point of the categories P (punctuation), Z (separators) and C (control,
    format)."""
    points = range(min(sys.maxunicode, 0x20000))
    return dict.fromkeys(point for point in points if unicodedata.category(chr(point))[0] in "PZC")

"""Every text of a data folder that a task of the harness scores, for whoever trains on that folder."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from harness.examples import Caption, Examples, Mining, Pair, Word
from harness.tasks.overlap import texts
from harness.tasks.scored_sets import loaded_sets
from harness.tasks.source import Source
from harness.tasks.task import Task


def scored_texts(source: Source, tasks: Sequence[Task], languages: Sequence[str]) -> Iterator[str]:
    """The texts of all those sets: passages, sentences, premises, both sides of a pair."""
    for _, _, loaded in loaded_sets(source, tasks, languages):
        yield from chain.from_iterable(item_texts(loaded.examples))


def item_texts(examples: Examples) -> Iterable[tuple[str, ...]]:
    """The texts of each scored item; of a mining task, each sentence is an item."""
    if isinstance(examples, Mining):
        return [(text,) for text in examples.texts]
    if any(isinstance(one, Caption) for one in examples):
        # the captions of other images, and word pairs, are there to be trained on
        return [(one.text,) for one in examples if isinstance(one, Caption) and one.held]
    known = [one for one in examples if not isinstance(one, Caption | Word)]
    return [(one.source, one.target) if isinstance(one, Pair) else texts(one) for one in known]

"""Every text of a data folder that a task of the harness scores, for whoever trains on that folder.

Retrieval sets count under their test split alone: FLORES-200's dev is what `pairs` and `mlm` may read."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from harness.examples import Caption, Examples, Mining, Pair, Word
from harness.tasks.overlap import texts
from harness.tasks.source import BlankedLabelsError, MissingDataError, Source
from harness.tasks.task import Loaded, Task

SPLITS = ("validation", "test")
RETRIEVAL = ("pair", "mine")


def loaded_sets(
    source: Source, tasks: Sequence[Task], languages: Sequence[str], splits: Sequence[str] = SPLITS
) -> Iterator[tuple[Task, str, Loaded]]:
    """(task, language, what is scored) of all that is there, each set once. A malformed file raises."""
    for task in tasks:
        seen: set[str] = set()
        for language in filter(task.accepts, languages):
            for split in ("test",) if task.form in RETRIEVAL and len(splits) > 1 else splits:
                try:
                    loaded = task.load(source, language, split, None)
                except (MissingDataError, BlankedLabelsError):
                    continue
                if loaded.data not in seen:
                    seen.add(loaded.data)
                    yield task, language, loaded


def scored_texts(source: Source, tasks: Sequence[Task], languages: Sequence[str]) -> Iterator[str]:
    """The texts of all those sets: passages, sentences, premises, both sides of a pair."""
    for _, _, loaded in loaded_sets(source, tasks, languages):
        yield from chain.from_iterable(item_texts(loaded.examples))


def item_texts(examples: Examples) -> Iterable[tuple[str, ...]]:
    """The texts of each scored item; of a mining task, each sentence is an item."""
    if isinstance(examples, Mining):
        sides = [examples.tune, *([examples.test] if examples.test else [])]
        return [(text,) for both in sides for text in (*both.source.texts, *both.target.texts)]
    if any(isinstance(one, Caption) for one in examples):
        # the captions of other images, and word pairs, are there to be trained on
        return [(one.text,) for one in examples if isinstance(one, Caption) and one.held]
    known = [one for one in examples if not isinstance(one, Caption | Word)]
    return [(one.source, one.target) if isinstance(one, Pair) else texts(one) for one in known]

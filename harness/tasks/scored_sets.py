"""Every set of a data folder that a task of the harness scores: each language, each split, each set once.

Retrieval and translation sets count under their test split alone: `pairs` and `mlm` may read FLORES-200's dev."""

from collections.abc import Iterator, Sequence

from harness.tasks.source import BlankedLabelsError, MissingDataError, Source
from harness.tasks.task import Loaded, Task

SPLITS = ("validation", "test")
RETRIEVAL = ("pair", "mine", "translate")


def loaded_sets(
    source: Source, tasks: Sequence[Task], languages: Sequence[str], splits: Sequence[str] = SPLITS
) -> Iterator[tuple[Task, str, Loaded]]:
    """(task, language, what is scored) of all that is there.

    A malformed file raises its HarnessError: an overlap that was not looked for is not known to be absent."""
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

"""What a fine-tuned model is selected on: the task's own dev, else a tenth of the training passages held out
by hash."""

from collections.abc import Callable, Iterable, Mapping

from harness.examples import Caption, Mining, Pair, Question, Word
from harness.tasks.overlap import normalised_hash, texts
from harness.tasks.source import BlankedLabelsError, MissingDataError, Source
from harness.tasks.task import Loaded, Training, content_hash

Selection = tuple[tuple[Question, ...], str]
PARTS = 10
HELD_OUT = "a tenth held out by hash"


def select_on(name: str, train: tuple[Question, ...], dev: Selection | None, notes: Mapping[str, str]) -> Training:
    """The training data of a task; `dev` is (examples, what they are), None to hold out a tenth of
    `train`."""
    if dev is None:
        train, held = hold_out(train)
        dev = held, HELD_OUT
    return Training(name, train, dev[0], content_hash((train, dev[0])), {**notes, "selected_on": dev[1]})


def undivided(training: Training) -> Training:
    """The training data with the tenth that was held out by hash, for where nothing is selected."""
    every = (*training.train, *training.dev)
    notes = {**training.notes, "selected_on": "nothing, all is trained on"}
    return Training(training.name, every, (), content_hash((every, ())), notes)


def hold_out(examples: tuple[Question, ...]) -> tuple[tuple[Question, ...], tuple[Question, ...]]:
    """(train, dev): a passage, sentence or premise goes to one side with all its items, whatever else is
    there.

    Where the tenth is empty (a handful of items), the passage with the smallest hash is dev."""
    keys = [int(normalised_hash(texts(example)[0]), 16) for example in examples]
    held = {key for key in keys if key % PARTS == 0} or set(sorted(set(keys))[:1])
    train = tuple(one for one, key in zip(examples, keys, strict=True) if key not in held)
    return train, tuple(one for one, key in zip(examples, keys, strict=True) if key in held)


def held_tenth(texts: Iterable[str]) -> set[str]:
    """The texts of the tenth that is held out by hash; the first one where that tenth is empty."""
    different = list(dict.fromkeys(texts))
    return {one for one in different if int(normalised_hash(one), 16) % PARTS == 0} or set(different[:1])


def own_dev(
    load: Callable[[Source, str, str, int | None], Loaded], source: Source, language: str, task: str
) -> Selection | None:
    """The task's dev set of that language, on which XTREME selects; None where it is not at hand.

    With `--split validation` it is scored too, so the notes of the training say so."""
    try:
        loaded = load(source, language, "validation", None)
    except (MissingDataError, BlankedLabelsError):
        return None
    if isinstance(loaded.examples, Mining):
        return None
    dev = tuple(one for one in loaded.examples if not isinstance(one, Pair | Caption | Word))
    return dev, f"{task} dev {language}, which --split validation scores"

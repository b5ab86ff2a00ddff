"""Which data sets can be fetched, and which of their parts a task needs.

Every pin, column, class order and count is checked when a table is loaded. Hub copies are not always the benchmark:
what differs is in each entry's note, and what is another data set has another name."""

from collections.abc import Mapping
from itertools import product

from harness.tasks import flores200
from harness.tasks.data_set import HubSet, OriginalSet, Part
from harness.tasks.english_exams import train_exam
from harness.tasks.exam_sets import EXAMS
from harness.tasks.labelled_sets import CLASSIFICATION, TAGGING
from harness.tasks.question_sets import ANSWERING, CHOICE
from harness.tasks.retrieval_sets import RETRIEVAL
from harness.tasks.task import Task

Entry = HubSet | OriginalSet

ENTRIES: tuple[Entry, ...] = (*RETRIEVAL, *CLASSIFICATION, *TAGGING, *ANSWERING, *CHOICE, *EXAMS)
# Tasks that are trained on other data sets than they are scored on.
TRAINED_ON: Mapping[str, tuple[str, ...]] = {"xquad": ("squad",), "mlqa": ("squad",), "xcopa": ("siqa", "copa")}
# What every exam is trained on, as far as it can be fetched.
EXAM_TRAINING = ("mmlu_auxiliary", "mmlu", "commonsenseqa")
# Data sets that a task shares with another, and whose solved questions it takes.
FILES_OF: Mapping[str, str] = {"flores200_mt": "flores200"}
SHOTS_OF: Mapping[str, str] = {"mmmlu": "global_mmlu"}
# What a split needs beside itself: BUCC's threshold is tuned on dev.
ALSO: Mapping[tuple[str, str], tuple[str, ...]] = {("bucc2018", "test"): ("validation", "test")}


def entries(name: str) -> tuple[Entry, ...]:
    """The entries of a data set: splits may come from different places."""
    return tuple(one for one in ENTRIES if one.name == name)


def evaluated(task: Task, language: str, split: str) -> tuple[Part, ...]:
    """The parts that scoring a language needs, as far as they can be fetched.

    Where a data set has one evaluated split, that is meant, as in the task's own `load`."""
    name = FILES_OF.get(task.name, task.name)
    codes = flores200.sides(language) if name == "flores200" else (language,)
    own = split if split in task.splits else task.split
    wanted = product(codes, ALSO.get((name, own), (own,)), entries(name))
    parts = [part for code, one, entry in wanted for part in _part(entry, code, one)]
    shots = entries(SHOTS_OF.get(name, name)) if parts else ()
    return (*parts, *(part for entry in shots for part in _part(entry, language, "shots")))


def training(task: Task, language: str) -> tuple[Part, ...]:
    """The parts that fine-tuning in a language needs: the training data and what the model is selected on."""
    if task.train is None:
        return ()
    names = EXAM_TRAINING if task.train is train_exam else TRAINED_ON.get(task.name, (task.name,))
    wanted = ((entry, split) for name in names for entry in entries(name) for split in ("train", "validation", "shots"))
    return tuple(part for entry, split in wanted for part in _part(entry, language, split))


def elsewhere(task: Task) -> str:
    """What to say where a task's files can not all be fetched: what each entry has, and its note."""
    known = [
        f"{one.where}: {', '.join(one.languages)}{f' ({one.note})' if one.note else ''}"
        for one in entries(FILES_OF.get(task.name, task.name))
    ]
    return "; ".join(known) or "there is no copy to fetch: give the official files with --data"


def _part(entry: Entry, language: str, split: str) -> tuple[Part, ...]:
    return (entry.part(language, split),) if language in entry.languages.get(split, ()) else ()

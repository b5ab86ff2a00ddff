"""English multiple choice to train an exam's head on: whatever of these sets is at hand, named in the signature.

MMLU's own dev and validation questions are among them; those whose id an evaluated set holds, in whatever language,
are dropped with the other overlaps (a translated question is the same question)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness.errors import HarnessError, unknown_names
from harness.examples import Choice
from harness.tasks.commonsense import read_commonsense, read_social
from harness.tasks.cosmosqa import read_cosmosqa
from harness.tasks.exam import letter, read_exam_csv, read_records
from harness.tasks.hellaswag import read_hellaswag
from harness.tasks.json_rows import REPAIR, fields
from harness.tasks.selection import select_on
from harness.tasks.source import MissingDataError, Source
from harness.tasks.task import Training

Reader = Callable[[Path], Sequence[Choice]]


def read_arc(path: Path) -> list[Choice]:
    """ARC's JSON lines: `question` with `stem` and `choices`; options are lettered A-E or numbered 1-5."""
    out = []
    for where, row in read_records(path):
        one, question, key = fields(row, ["id", "question", "answerKey"], where)
        stem, choices = fields(question, ["stem", "choices"], where)
        labels = [str(choice["label"]) for choice in choices]
        if str(key) not in labels:
            raise HarnessError(f"{where}: the answer '{key}' is no option.", REPAIR)
        options = tuple(str(choice["text"]) for choice in choices)
        out.append(Choice(str(one), "", str(stem), options, labels.index(str(key)), str(one)))
    return out


def read_race(path: Path) -> list[Choice]:
    """One RACE file: an article with its questions."""
    out = []
    for where, row in read_records(path) if path.suffix == ".jsonl" else _whole(path):
        article, questions, options, answers = fields(row, ["article", "questions", "options", "answers"], where)
        for number, (question, some, key) in enumerate(zip(questions, options, answers, strict=True)):
            right = letter(key, len(some))
            if right is None:
                raise HarnessError(f"{where}: the answer '{key}' is no option.", REPAIR)
            one = f"{path.stem}/{number}"
            out.append(Choice(one, str(article), str(question), tuple(map(str, some)), right, one))
    return out


def _whole(path: Path) -> list[tuple[str, Mapping[str, object]]]:
    from harness.tasks.json_rows import read_json

    return [(str(path), read_json(path))]


def _subject(path: Path) -> list[Choice]:
    """One of MMLU's files; those of `auxiliary_train` are called after the sets they come from."""
    stem, _, split = path.stem.rpartition("_")
    subject, split = (stem, split) if split in ("dev", "val") else (path.stem, "auxiliary_train")
    rows = [row for row in read_exam_csv(path, subject, split) if row.answer is not None]
    return [
        Choice(row.id, "", row.question, row.options, row.answer, row.id, subject)
        for row in rows
        if row.answer is not None
    ]


# name -> (training files, dev files that select, reader); MMLU's dev and val are all for training.
SETS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], Reader]] = {
    "mmlu_auxiliary": (("mmlu/data/auxiliary_train/*.csv", "mmlu/auxiliary_train/*.csv"), (), _subject),
    "mmlu": (("mmlu/data/dev/*.csv", "mmlu/data/val/*.csv", "mmlu/dev/*.csv", "mmlu/val/*.csv"), (), _subject),
    "commonsenseqa": (
        ("commonsenseqa/train_rand_split.jsonl",), ("commonsenseqa/dev_rand_split.jsonl",), read_commonsense),
    "cosmosqa": (("cosmosqa/train.csv", "cosmosqa/valid.csv"), (), read_cosmosqa),
    "hellaswag": (("hellaswag/hellaswag_train.jsonl",), ("hellaswag/hellaswag_val.jsonl",), read_hellaswag),
    "siqa": (("siqa/train.jsonl",), ("siqa/dev.jsonl",), read_social),
    "race": (("race/train/*/*.txt", "race/train/*.jsonl"), ("race/dev/*/*.txt", "race/dev/*.jsonl"), read_race),
    "arc": (("arc/ARC-*/*-Train.jsonl", "arc/*-Train.jsonl"), ("arc/ARC-*/*-Dev.jsonl", "arc/*-Dev.jsonl"), read_arc),
}  # fmt: skip
# What is taken unless --train-on says otherwise: questions of knowledge and reading rather than of plausible endings.
DEFAULT = ("mmlu_auxiliary", "mmlu", "commonsenseqa", "cosmosqa", "race", "arc")


def train_exam(source: Source, language: str) -> Training:
    """The default sets as far as they are at hand."""
    return train_on(source, language, DEFAULT, every=False)


def train_on(source: Source, language: str, names: Sequence[str], every: bool = True) -> Training:
    """These sets joined. MissingDataError: none is at hand, or (`every`) one of them is not."""
    unknown = [name for name in names if name not in SETS]
    if unknown:
        raise unknown_names("training set", unknown, SETS, f"Known: {', '.join(SETS)}.")
    if language != "en":
        raise MissingDataError(f"the training questions are English: there are none in {language}")
    train: list[Choice] = []
    dev: list[Choice] = []
    counts: dict[str, int] = {}
    for name in names:
        found = _read(source, name, SETS[name][0])
        if not found:
            if every:
                raise MissingDataError(f"no {' or '.join(SETS[name][0])} in {source.root}")
            continue
        counts[name] = len(found)
        train += found
        dev += _read(source, name, SETS[name][1])
    if not train:
        every_file = ", ".join(file for name in names for file in SETS[name][0])
        raise MissingDataError(f"none of {every_file} in {source.root}")
    notes = {"training": ", ".join(f"{name} {count}" for name, count in counts.items())}
    selection = (tuple(dev), "the sets' own dev") if dev else None
    return select_on("+".join(counts), tuple(train), selection, notes)


def _read(source: Source, name: str, patterns: Sequence[str]) -> list[Choice]:
    reader = SETS[name][2]
    paths = [path for pattern in patterns for path in sorted(source.root.glob(pattern))]
    found = [one for path in paths for one in reader(path)]
    return [one if one.subject else replace(one, id=f"{name}/{one.id}", cluster=f"{name}/{one.id}") for one in found]

"""SQuAD, the training data of XQuAD and MLQA: v1.1, else the answerable part of what v2.0 file is at hand."""

from pathlib import Path

from harness.errors import HarnessError
from harness.tasks.selection import Selection, select_on
from harness.tasks.source import MissingDataError, Source
from harness.tasks.squad_json import answer_notes, read_squad, spans, trainable
from harness.tasks.task import Training, in_training

OFFICIAL = "train-v1.1.json"
# In order of preference; parts of a file are read together.
FILES = (OFFICIAL, "train-v2.0.json", "dev-v1.1.json", "dev-v2.0.json", "dev-v2.0.part*.json")
DEV_FILES = ("dev-v1.1.json", "dev-v2.0.json", "dev-v2.0.part*.json")


def train_squad(source: Source, language: str) -> Training:
    """English questions, one answer each; selected on SQuAD's dev where the training file is SQuAD's train.

    XTREME selects nothing for question answering (the last checkpoint counts)."""
    if language != "en":
        raise MissingDataError(f"SQuAD, the training data, is English: there is none in {language}")
    names = find(source, FILES)
    rows = [row for path in names for row in read_squad(path)]
    examples = trainable(spans(rows, positional=True))
    if not examples:
        raise HarnessError(f"{', '.join(map(str, names))}: no question with an answer.", "Give another file.")
    files = ", ".join(path.name for path in names)
    notes = {"training": f"{files}, {len(examples)} of {len(rows)} questions", **in_training(answer_notes(rows))}
    if names[0].name != OFFICIAL:
        notes["stand-in"] = "not SQuAD v1.1's train" + (", answerable part only" if "v2" in files else "")
    return select_on("SQuAD", examples, _dev(source) if names[0].name.startswith("train-") else None, notes)


def _dev(source: Source) -> Selection | None:
    try:
        paths = find(source, DEV_FILES)
    except MissingDataError:
        return None
    rows = [row for path in paths for row in read_squad(path) if row.answers]
    return spans(rows, positional=True), ", ".join(path.name for path in paths)


def find(source: Source, patterns: tuple[str, ...]) -> list[Path]:
    """The files of the first pattern that has any."""
    for pattern in patterns:
        paths = sorted((source.root / "squad").glob(pattern))
        if paths:
            return paths
    raise MissingDataError(f"no {' or '.join(patterns)} in {source.root / 'squad'}")

"""TyDiQA-GoldP: questions written in each language, on a passage that answers them (Clark et al. 2020, in
XTREME).

Its dev is XTREME's test; it has no other. Trap: ids are unique in dev only (XTREME shortens those of train),
and the merged training file holds all nine languages: zero-shot training takes its English questions
alone."""

from functools import partial
from pathlib import Path

from harness.errors import HarnessError
from harness.tasks.any_language import any_language
from harness.tasks.evaluated import Readers, read_evaluated
from harness.tasks.selection import select_on
from harness.tasks.source import MissingDataError, Source
from harness.tasks.squad_json import (
    QuestionRow,
    answer_notes,
    read_scored,
    read_squad,
    scored,
    spans,
    trainable,
)
from harness.tasks.task import Loaded, Task, Training, content_hash, in_training
from harness.tasks.xquad import metrics
from harness.tasks.xtreme import XTREME_LANGUAGES

NAMES = {
    "ar": "arabic", "bn": "bengali", "en": "english", "fi": "finnish", "id": "indonesian",
    "ko": "korean", "ru": "russian", "sw": "swahili", "te": "telugu",
}  # fmt: skip
V = "tydiqa-goldp-v1.1"


def load(source: Source, language: str, split: str, limit: int | None) -> Loaded:
    """Dev of the language, which XTREME calls test, whatever split was asked for."""
    name = NAMES.get(language, language)
    readers: Readers[list[QuestionRow]] = {
        f"{V}-dev/tydiqa.goldp.{language}.dev.json": read_scored,
        f"{V}-dev/tydiqa-goldp-dev-{name}.json": read_scored,
        f"{V}-dev.json": partial(read_merged_dev, name=name),
    }
    rows = read_evaluated(source, "tydiqa", readers)[1]
    examples = spans(rows)[:limit]
    return Loaded(examples, "test", content_hash(examples), len(examples), answer_notes(rows))


def read_merged(path: Path, name: str) -> list[QuestionRow]:
    """The questions of one language of a file of all: those whose id begins with its name."""
    rows = [row for row in read_squad(path) if row.id.startswith(f"{name}-")]
    if not rows:
        raise MissingDataError(f"no questions with ids {name}-… in {path}")
    return rows


def read_merged_dev(path: Path, name: str) -> list[QuestionRow]:
    """The same, checked as a scored file."""
    return scored(path, read_merged(path, name))


def train(source: Source, language: str) -> Training:
    """The training questions of that language alone; a tenth of their passages is held out for selection."""
    merged = partial(read_merged, name=NAMES.get(language, language))
    readers: Readers[list[QuestionRow]] = {
        f"{V}-train/tydiqa.goldp.{language}.train.json": read_squad,
        f"{V}-train.json": merged,
        f"{V}-train/{V}-train.json": merged,
    }
    path, rows = read_evaluated(source, "tydiqa", readers)
    examples = trainable(spans(rows, positional=True))
    if not examples:
        raise HarnessError(f"{path}: no question with an answer.", "Give another file.")
    notes = {"training": f"{path.name}, {len(examples)} of {len(rows)} questions", **in_training(answer_notes(rows))}
    return select_on(f"TyDiQA-GoldP {language}", examples, None, notes)


TASK = Task(
    name="tydiqa",
    title="TyDiQA-GoldP question answering (its dev is XTREME's test)",
    form="span",
    languages=XTREME_LANGUAGES["tydiqa"],
    protocols=("transfer", "head"),
    metrics=metrics,
    load=load,
    accepts=any_language,
    files="tydiqa/tydiqa-goldp-v1.1-{train,dev}/tydiqa.goldp.<lng>.{train,dev}.json or upstream's names",
    source="google-research-datasets/tydiqa, GoldP v1.1",
    licence="Apache-2.0, passages from Wikipedia",
    train=train,
)

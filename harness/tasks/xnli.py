"""XNLI: does a premise entail a hypothesis? (Conneau et al. 2018, in XTREME.)

Line i of every language is a translation of line i of the others, and three hypotheses in a row share a
premise."""

from functools import partial
from pathlib import Path

from harness.metrics.accuracy import ACCURACY
from harness.tasks.any_language import any_language
from harness.tasks.evaluated import SPLITS, Readers, read_evaluated
from harness.tasks.mnli import LABELS, read_mnli
from harness.tasks.pairs_tsv import PairRow, classify, pair_notes, read_pairs, read_table
from harness.tasks.selection import own_dev, select_on
from harness.tasks.source import MissingDataError, Source
from harness.tasks.task import Loaded, Task, Training, content_hash
from harness.tasks.xtreme import XTREME_LANGUAGES

UPSTREAM = ("language",), ("sentence1",), ("sentence2",), ("gold_label",)


def load(source: Source, language: str, split: str, limit: int | None) -> Loaded:
    """XTREME's `{dev,test}-<lang>.tsv`; where that is absent or blanked, XNLI-1.0's own table of all
    languages."""
    name = SPLITS[split]
    readers: Readers[list[PairRow]] = {
        f"{name}-{language}.tsv": read_pairs,
        f"XNLI-1.0/xnli.{name}.tsv": partial(read_upstream, language=language),
    }
    path, rows = read_evaluated(source, "xnli", readers, [f"dev-{language}.tsv"] if split == "test" else [])
    first = premise_starts(rows)
    examples = classify(path, rows, LABELS, lambda position: str(first[position]))[:limit]
    return Loaded(examples, split, content_hash(examples), len(examples), pair_notes(rows))


def read_upstream(path: Path, language: str) -> list[PairRow]:
    """The rows of one language of XNLI-1.0's `xnli.{dev,test}.tsv`."""
    table = [(line, values) for line, values in read_table(path, UPSTREAM) if values[0] == language]
    if not table:
        raise MissingDataError(f"no rows of {language} in {path}")
    return [PairRow(line, *values[1:]) for line, values in table]


def premise_starts(rows: list[PairRow]) -> list[int]:
    """Per row the first row of its premise: of its three where each three share one (the same in all
    languages)."""
    thirds = range(0, len(rows), 3)
    if all(len({row.first for row in rows[start : start + 3]}) == 1 for start in thirds):
        return [position - position % 3 for position in range(len(rows))]
    known: dict[str, int] = {}
    return [known.setdefault(row.first, position) for position, row in enumerate(rows)]


def train(source: Source, language: str) -> Training:
    """MultiNLI (XNLI's machine translation of it for other languages), selected on XNLI dev as XTREME
    does."""
    examples, notes = read_mnli(source, language)
    return select_on("MNLI", examples, own_dev(load, source, language, "xnli"), notes)


TASK = Task(
    name="xnli",
    title="XNLI natural language inference",
    form="classify",
    languages=XTREME_LANGUAGES["xnli"],
    protocols=("transfer", "head", "prompt"),
    metrics=lambda language: (ACCURACY,),
    load=load,
    accepts=any_language,
    files="xnli/{dev,test}-<lng>.tsv or xnli/XNLI-1.0/xnli.{dev,test}.tsv; mnli/… for training",
    joint=True,
    splits=("validation", "test"),
    source="facebookresearch/XNLI 1.0",
    licence="CC BY-NC 4.0",
    labels=LABELS,
    train=train,
)

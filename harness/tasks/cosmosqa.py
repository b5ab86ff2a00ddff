"""Cosmos QA: what a passage leaves unsaid, with four options (Huang et al. 2019)."""

import csv
import io
from pathlib import Path

from harness.errors import HarnessError
from harness.examples import Choice
from harness.tasks.intermediate import find, optional, training
from harness.tasks.json_rows import REPAIR
from harness.tasks.source import Source, read_text
from harness.tasks.task import Training

OPTIONS = ("answer0", "answer1", "answer2", "answer3")
COLUMNS = ("context", "question", *OPTIONS, "label")


def train_cosmosqa(source: Source, language: str) -> Training:
    """`cosmosqa/train.csv` selected on `valid.csv`; where only that is at hand, it less a tenth."""
    train = optional(source, "cosmosqa", ["train.csv"], language)
    dev = optional(source, "cosmosqa", ["valid.csv"], language)
    if not train and not dev:
        find(source, "cosmosqa", ["train.csv", "valid.csv"], language)
    stand_in = "" if train else "Cosmos QA's valid.csv, its training file is not at hand"
    return training("CosmosQA", source, train or dev, dev if train else [], read_cosmosqa, stand_in)


def read_cosmosqa(path: Path) -> tuple[Choice, ...]:
    """The questions of a CSV file with its header; the cluster is the passage."""
    table = csv.DictReader(io.StringIO(read_text(path), newline=""))
    absent = [name for name in COLUMNS if name not in (table.fieldnames or ())]
    if absent:
        raise HarnessError(f"{path}, line 1: no column {', '.join(absent)}.", "Give the file with its header.")
    examples = []
    for number, row in enumerate(table):
        if any(row[name] is None for name in COLUMNS) or row["label"] not in ("0", "1", "2", "3"):
            raise HarnessError(f"{path}, line {table.line_num}: a column or its label 0 to 3 is absent.", REPAIR)
        options = tuple(row[name] for name in OPTIONS)
        question = Choice(str(number), row["context"], row["question"], options, int(row["label"]), row["context"])
        examples.append(question)
    return tuple(examples)

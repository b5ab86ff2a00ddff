"""Cosmos QA: what a passage leaves unsaid, with four options (Huang et al. 2019)."""

from pathlib import Path

from harness.errors import HarnessError
from harness.examples import Choice
from harness.tasks.exam import read_named_csv
from harness.tasks.intermediate import find, optional, training
from harness.tasks.json_rows import REPAIR
from harness.tasks.source import Source
from harness.tasks.task import Training

OPTIONS = ("answer0", "answer1", "answer2", "answer3")
COLUMNS = ("id", "context", "question", *OPTIONS, "label")


def train_cosmosqa(source: Source, language: str) -> Training:
    """`cosmosqa/train.csv` selected on `valid.csv`; where only that is at hand, it less a tenth."""
    train = optional(source, "cosmosqa", ["train.csv"], language)
    dev = optional(source, "cosmosqa", ["valid.csv"], language)
    if not train and not dev:
        find(source, "cosmosqa", ["train.csv", "valid.csv"], language)
    stand_in = "" if train else "Cosmos QA's valid.csv, its training file is not at hand"
    return training("CosmosQA", source, train or dev, dev if train else [], read_cosmosqa, stand_in)


def read_cosmosqa(path: Path) -> tuple[Choice, ...]:
    """The questions of a CSV file with its header, under the file's own ids; the cluster is the passage."""
    examples = []
    for number, (one, context, question, *options, label) in enumerate(read_named_csv(path, COLUMNS), 2):
        if label not in ("0", "1", "2", "3"):
            raise HarnessError(f"{path}, row {number}: the label '{label}' is none of 0 to 3.", REPAIR)
        examples.append(Choice(one, context, question, tuple(options), int(label), context))
    return tuple(examples)

"""Quora Question Pairs: do two questions ask the same? Labels "0" and "1", as PAWS-X has them.

Trap: GLUE's `train.tsv` has a header and six columns; the split of Wang et al. 2017 has none and puts the label
first."""

from pathlib import Path

from harness.examples import Classify
from harness.tasks.intermediate import find, optional, training
from harness.tasks.pairs_tsv import PairRow, classify, complete, read_table
from harness.tasks.source import Source, read_columns, read_lines
from harness.tasks.task import Training

LABELS = ("0", "1")
COLUMNS = ("question1",), ("question2",), ("is_duplicate",)


def train_qqp(source: Source, language: str) -> Training:
    """`qqp/train.tsv` selected on `qqp/dev.tsv`; where only dev is at hand, dev less a tenth."""
    train = optional(source, "qqp", ["train.tsv"], language)
    dev = optional(source, "qqp", ["dev.tsv"], language)
    if not train and not dev:
        find(source, "qqp", ["train.tsv", "dev.tsv"], language)
    stand_in = "" if train else "QQP's dev, its training file is not at hand"
    return training("QQP", source, train or dev, dev if train else [], read_qqp, stand_in)


def read_qqp(path: Path) -> tuple[Classify, ...]:
    """Either layout; pairs that lack a question are left out, a label other than 0 and 1 is refused."""
    if "is_duplicate" in read_lines(path)[0].split("\t"):
        rows = [PairRow(line, *values) for line, values in read_table(path, COLUMNS)]
    else:
        columns = read_columns(path, 4)
        rows = [PairRow(line, first, second, label) for line, (label, first, second, _) in enumerate(columns, 1)]
    return complete(classify(path, rows, LABELS))

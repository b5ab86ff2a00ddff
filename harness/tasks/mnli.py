"""MultiNLI, the training data of XNLI, in the files it was published in (Williams et al. 2018).

Trap: the hub and GLUE number the labels entailment, neutral, contradiction; XTREME sorts them by name."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.examples import Classify
from harness.tasks.evaluated import read_evaluated
from harness.tasks.json_rows import REPAIR, fields, read_json, read_json_lines
from harness.tasks.pairs_tsv import PairRow, classify, complete, read_pairs, read_table
from harness.tasks.source import Source

LABELS = ("contradiction", "entailment", "neutral")
NUMBERED = ("entailment", "neutral", "contradiction")
TABLE = ("premise", "sentence1"), ("hypo", "hypothesis", "sentence2"), ("gold_label", "label")
LISTED = ("premise", "hypothesis", "label")
OFFICIAL = ("sentence1", "sentence2", "gold_label")
NO_GOLD = "-"


def read_mnli(source: Source, language: str) -> tuple[tuple[Classify, ...], Mapping[str, str]]:
    """The pairs with a gold label, by position, and notes: which file, and how many pairs had no gold
    label."""
    path, rows = read_evaluated(source, "", _readers(language))
    gold = [row._replace(label=_label(row.label)) for row in rows if row.label != NO_GOLD]
    examples = complete(classify(path, gold, LABELS))
    notes = {"training": f"{path.relative_to(source.root)}, {len(examples)} pairs"}
    if len(examples) < len(rows):
        notes["pairs without gold or sentence"] = str(len(rows) - len(examples))
    return examples, notes


def read_list(path: Path) -> list[PairRow]:
    """A JSON list of objects whose label is a name or a number in the hub's order."""
    document = read_json(path)
    if not isinstance(document, list):
        raise HarnessError(f"{path}: not a JSON list.", REPAIR)
    return [_row(row, LISTED, f"{path}, item {number}", number) for number, row in enumerate(document, 1)]


def read_official(path: Path) -> list[PairRow]:
    """MultiNLI 1.0's JSON lines."""
    return [_row(row, OFFICIAL, f"{path}, line {line}", line) for line, row in read_json_lines(path)]


def read_header(path: Path) -> list[PairRow]:
    """MultiNLI 1.0's and GLUE's tables, and XNLI's machine translation of the training set."""
    return [PairRow(line, *values) for line, values in read_table(path, TABLE)]


def _readers(language: str) -> dict[str, Callable[[Path], list[PairRow]]]:
    readers: dict[str, Callable[[Path], list[PairRow]]] = {
        f"xnli/train-{language}.tsv": read_pairs,
        f"xnli/XNLI-MT-1.0/multinli/multinli.train.{language}.tsv": read_header,
    }
    if language == "en":
        readers |= {
            "mnli/multinli_1.0_train.jsonl": read_official,
            "mnli/multinli_1.0_train.txt": read_header,
            "mnli/train.tsv": read_header,
            "mnli/mnli_train.json": read_list,
        }
    return readers


def _row(row: Mapping[str, Any], keys: tuple[str, ...], where: str, line: int) -> PairRow:
    first, second, label = fields(row, keys, where)
    if isinstance(label, int) and not 0 <= label < len(NUMBERED):
        raise HarnessError(f"{where}: unknown label {label}.", REPAIR)
    return PairRow(line, str(first), str(second), NUMBERED[label] if isinstance(label, int) else str(label))


def _label(name: str) -> str:
    return "contradiction" if name == "contradictory" else name

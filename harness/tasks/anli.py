"""ANLI with MultiNLI and SNLI, the paper's "ANLI+": one head for all (Nie et al. 2020; jiant's guide).

What of the three is at hand is read, and said: ANLI's dev files stand in where its training files are absent."""

from collections.abc import Mapping
from pathlib import Path

from harness.errors import HarnessError
from harness.examples import Classify
from harness.tasks.intermediate import find, optional, training
from harness.tasks.json_rows import REPAIR, fields, read_json_lines
from harness.tasks.mnli import LABELS, NO_GOLD, read_mnli, read_official
from harness.tasks.pairs_tsv import classify, complete
from harness.tasks.selection import select_on
from harness.tasks.source import MissingDataError, Source
from harness.tasks.task import Training

NAMES: Mapping[str, str] = {"e": "entailment", "n": "neutral", "c": "contradiction"}
ROUNDS = ("R1", "R2", "R3")


def train_anli(source: Source, language: str) -> Training:
    """ANLI's three rounds, MultiNLI and SNLI as far as they are at hand; MissingDataError without any ANLI."""
    trains = [path for one in ROUNDS for path in optional(source, f"anli/{one}", ["train.jsonl"], language)]
    devs = [path for one in ROUNDS for path in optional(source, f"anli/{one}", ["dev.jsonl"], language)]
    if not trains and not devs:
        find(source, "anli/R1", ["train.jsonl", "dev.jsonl"], language)
    stand_in = "" if trains else "ANLI's dev, its training files are not at hand"
    anli = training("ANLI", source, trains or devs, devs if trains else [], read_anli, stand_in)
    more, notes = _others(source, language)
    names = "+".join(["ANLI", *(name for name, _ in more)])
    examples = (*anli.train, *(one for _, part in more for one in part))
    kept = {key: text for key, text in {**anli.notes, **notes}.items() if key != "selected_on"}
    return select_on(names, examples, (anli.dev, anli.notes["selected_on"]), kept)


def _others(source: Source, language: str) -> tuple[list[tuple[str, tuple[Classify, ...]]], dict[str, str]]:
    found: list[tuple[str, tuple[Classify, ...]]] = []
    notes: dict[str, str] = {}
    try:
        examples, said = read_mnli(source, language)
        found.append(("MNLI", examples))
        notes["MNLI"] = said["training"]
    except MissingDataError:
        notes["MNLI"] = "not at hand"
    paths = optional(source, "snli", ["snli_1.0_train.jsonl"], language)
    if paths:
        found.append(("SNLI", read_snli(paths[0])))
    notes["SNLI"] = f"{paths[0].name}, {len(found[-1][1])} pairs" if paths else "not at hand"
    return found, notes


def read_anli(path: Path) -> tuple[Classify, ...]:
    """A round's JSON lines: `context`, `hypothesis`, `label` e, n or c. The cluster is the context."""
    examples = []
    for line, row in read_json_lines(path):
        first, second, label = fields(row, ["context", "hypothesis", "label"], f"{path}, line {line}")
        if label not in NAMES:
            raise HarnessError(f"{path}, line {line}: unknown label '{label}' (known: {', '.join(NAMES)}).", REPAIR)
        examples.append(Classify(str(line - 1), str(first), str(second), NAMES[label], str(first)))
    return tuple(examples)


def read_snli(path: Path) -> tuple[Classify, ...]:
    """SNLI 1.0's JSON lines, without the pairs that have no gold label."""
    rows = [row for row in read_official(path) if row.label != NO_GOLD]
    return complete(classify(path, rows, LABELS))

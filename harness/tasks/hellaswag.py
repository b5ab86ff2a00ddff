"""HellaSwag: how does a scene go on? Four endings, one of them the real one (Zellers et al. 2019).

As jiant reads it: `ctx_a` is the context, each option `ctx_b` and an ending."""

from pathlib import Path

from harness.errors import HarnessError
from harness.examples import Choice
from harness.tasks.intermediate import find, optional, training
from harness.tasks.json_rows import REPAIR, fields, read_json_lines
from harness.tasks.source import BlankedLabelsError, Source
from harness.tasks.task import Training


def train_hellaswag(source: Source, language: str) -> Training:
    """`hellaswag/hellaswag_train.jsonl`, selected on `hellaswag_val.jsonl` where that is there."""
    train = find(source, "hellaswag", ["hellaswag_train.jsonl"], language)
    dev = optional(source, "hellaswag", ["hellaswag_val.jsonl"], language)
    return training("HellaSwag", source, train, dev, read_hellaswag)


def read_hellaswag(path: Path) -> tuple[Choice, ...]:
    """The questions of a file; BlankedLabelsError where no line has a label (the published test)."""
    rows = read_json_lines(path)
    if not any("label" in row for _, row in rows):
        raise BlankedLabelsError(f"{path} has no labels")
    examples = []
    for number, (line, row) in enumerate(rows):
        where = f"{path}, line {line}"
        context, begun, endings, label = fields(row, ["ctx_a", "ctx_b", "endings", "label"], where)
        if str(label) not in map(str, range(len(endings))):
            raise HarnessError(f"{where}: the label '{label}' is none of its {len(endings)} endings.", REPAIR)
        options = tuple(f"{begun} {ending}".strip() for ending in endings)
        examples.append(Choice(str(number), context, "", options, int(label), str(row.get("ind", number))))
    return tuple(examples)

"""English PAWS-QQP as published: its sentences are Python byte literals, `b'...'` (Zhang et al. 2019)."""

import ast
import re
from pathlib import Path

from harness.errors import HarnessError
from harness.tasks.pairs_tsv import REPAIR, PairRow, read_table

COLUMNS = ("id",), ("sentence1",), ("sentence2",), ("label",)
WRAPPED = re.compile(r"""b(['"]).*\1""", re.DOTALL)


def read_paws(path: Path) -> list[PairRow]:
    """The pairs with their sentences as text; HarnessError with the line of a broken literal."""
    return [
        PairRow(line, _unwrap(first, path, line), _unwrap(second, path, line), label)
        for line, (_, first, second, label) in read_table(path, COLUMNS)
    ]


def _unwrap(text: str, path: Path, line: int) -> str:
    if not WRAPPED.fullmatch(text):
        return text
    try:
        content = ast.literal_eval(text)
        return bytes(content).decode("utf-8")
    except (SyntaxError, ValueError) as error:
        raise HarnessError(f"{path}, line {line}: {text[:40]} is no byte literal.", REPAIR) from error

"""How a submission's file is read: as UTF-8, in the official scorer's lines, as JSON with places for errors.

Trap: the official reader takes the locale's encoding. Lines end at \\n, \\r\\n and \\r and at none of the
other separators of `str.splitlines`; each line is stripped of white space, as there."""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import HarnessError

BYTE_ORDER_MARK = "\ufeff"
BLANKED = "The official downloads blank their test labels: give label files that hold them."


@dataclass(frozen=True)
class Row:
    """One entry: `key` is the question's id, else the row's number from 1; `line` is 0 where it is not known.

    `value`: a label (lines, choices), tuple of tags, tuple of columns (pairs), text (answers) or tuple of
    entities (ranks). In labels of questions it is the tuple of answers, in those of ranks the gold entity."""

    key: str
    value: Any
    line: int = 0


@dataclass(frozen=True)
class Contents:
    """A file as it was read, with what a person should know about it."""

    path: Path
    rows: tuple[Row, ...]
    warnings: tuple[str, ...] = ()


def read_text(path: Path, may_be_empty: bool = False) -> str:
    """The file's text without a byte order mark. HarnessError when it is absent, no UTF-8 or empty."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise HarnessError(f"{path} cannot be read: {error.strerror}.", "Check the path.") from error
    try:
        content = raw.decode("utf-8").removeprefix(BYTE_ORDER_MARK)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        problem = f"{path}, line {line}: byte {error.start} is not UTF-8."
        raise HarnessError(problem, "Save the file in UTF-8.") from error
    if not content.strip() and not may_be_empty:
        raise HarnessError(f"{path} is empty.", "Write it again, or leave the file out.")
    return content


def lines_of(content: str) -> list[tuple[int, str]]:
    """Line numbers from 1 and stripped lines; what follows the last line end counts if it is not empty."""
    rows = content.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if not rows[-1]:
        rows.pop()
    return [(number, row.strip()) for number, row in enumerate(rows, 1)]


def parse_json(path: Path, content: str, first_line: int = 1) -> Any:
    """JSON whose objects hold each key once; HarnessError with file and line otherwise."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        out = dict(pairs)
        if len(out) < len(pairs):
            key = Counter(key for key, _ in pairs).most_common(1)[0][0]
            where = place(path, content, key, first_line)
            raise HarnessError(f"{where}: {key!r} stands twice in one object.", "Keep one of them.")
        return out

    try:
        return json.loads(content, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        where = f"{path}, line {error.lineno + first_line - 1}, column {error.colno}"
        raise HarnessError(f"{where}: no valid JSON ({error.msg}).", "Mend the file.") from error
    except RecursionError as error:
        raise HarnessError(f"{path}: JSON nested too deeply.", "Mend the file.") from error


def place(path: Path, content: str, key: str, first_line: int = 1) -> str:
    """The file and the line where a JSON string stands last, as far as it can be found."""
    spot = max(content.rfind(f'"{key}"'), content.rfind(json.dumps(key)))
    return f"{path}, line {content.count(chr(10), 0, spot) + first_line}" if spot >= 0 else str(path)

"""JSON files and JSON lines as checked rows: file and line in every complaint."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.tasks.source import read_lines, read_text

REPAIR = "Repair or fetch the file again; nothing was scored."


def read_json(path: Path) -> Any:
    """The document of a JSON file; HarnessError with the line where it breaks off."""
    return _decode(read_text(path), f"{path}, line ", 1)


def read_json_lines(path: Path) -> list[tuple[int, Mapping[str, Any]]]:
    """(line number, object) of every line; blank lines and anything but objects are refused."""
    rows: list[tuple[int, Mapping[str, Any]]] = []
    for number, line in enumerate(read_lines(path), 1):
        row = _decode(line, f"{path}, line ", number)
        if not isinstance(row, dict):
            raise HarnessError(f"{path}, line {number}: not a JSON object.", REPAIR)
        rows.append((number, row))
    return rows


def fields(row: Mapping[str, Any], keys: Sequence[str], where: str) -> list[Any]:
    """The values of `keys`; HarnessError names all that are missing, and `where`."""
    missing = [key for key in keys if not isinstance(row, Mapping) or key not in row]
    if missing:
        raise HarnessError(f"{where}: no {', '.join(missing)}.", REPAIR)
    return [row[key] for key in keys]


def _decode(text: str, where: str, first_line: int) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise HarnessError(f"{where}{first_line + error.lineno - 1}: not JSON ({error.msg}).", REPAIR) from error

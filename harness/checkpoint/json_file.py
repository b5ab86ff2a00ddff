"""JSON files that other programs wrote: an object, a list, or one sentence on where the file is broken."""

import json
from pathlib import Path
from typing import Any

from harness.errors import HarnessError

INCOMPLETE = "Copy or download it again."


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file."""
    value = _read(path)
    if not isinstance(value, dict):
        raise HarnessError(f"{path} holds a {type(value).__name__}, not a JSON object.", INCOMPLETE)
    return value


def read_list(path: Path) -> list[Any]:
    """The JSON list in a file."""
    value = _read(path)
    if not isinstance(value, list):
        raise HarnessError(f"{path} holds a {type(value).__name__}, not a JSON list.", INCOMPLETE)
    return value


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise HarnessError(f"{path}:{error.lineno}: no valid JSON ({error.msg}).", INCOMPLETE) from error
    except (OSError, UnicodeDecodeError) as error:
        raise HarnessError(f"{path} cannot be read as text ({error}).", INCOMPLETE) from error

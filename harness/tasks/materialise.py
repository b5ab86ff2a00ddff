"""Official files in a data folder and the record of where they came from.

A file is written whole or not at all. `FETCHED.jsonl` says which pin each fetched file is of: a file of another pin is
missing, so that an update of the pins is never scored on old data; a file that a user put there is never touched."""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError
from harness.tasks.data_set import Part
from harness.whole_file import whole_file

RECORD = "FETCHED.jsonl"


@dataclass(frozen=True)
class Record:
    """Where a fetched file came from, and the SHA-256 of its bytes."""

    file: str
    origin: str
    sha256: str


def read_records(root: Path) -> Mapping[str, Record]:
    """File -> its record, the last line of it; a line cut short by a crash is passed over."""
    found: dict[str, Record] = {}
    with suppress(FileNotFoundError):
        for line in (root / RECORD).read_text("utf-8").splitlines():
            with suppress(json.JSONDecodeError, TypeError):
                one = Record(**json.loads(line))
                found[one.file] = one
    return found


def is_missing(part: Part, root: Path, records: Mapping[str, Record]) -> bool:
    """Whether a file of the part is absent or was fetched from another pin."""
    return any(not (root / name).is_file() or is_stale(name, part, records) for name in part.files)


def is_stale(name: str, part: Part, records: Mapping[str, Record]) -> bool:
    """Whether the file was fetched from another pin than the part's."""
    return name in records and records[name].origin != str(part.origin)


def write(part: Part, texts: tuple[str, ...], root: Path, records: Mapping[str, Record]) -> None:
    """Writes the part's files and records them. HarnessError where a user's own file of that name says otherwise."""
    for name, text in zip(part.files, texts, strict=True):
        path, content = root / name, text.encode("utf-8")
        if path.is_file() and name not in records and path.read_bytes() != content:
            raise HarnessError(
                f"{path} is there already and is not what {part.origin} has.", "Move it away, or keep it."
            )
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(path) as half:
                half.write_bytes(content)
            line = json.dumps(vars(Record(name, str(part.origin), hashlib.sha256(content).hexdigest())))
            with (root / RECORD).open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")
        except OSError as error:
            raise HarnessError(
                f"{path} cannot be written: {error.strerror}.", "Check the disk and its permissions."
            ) from error


def digest(path: Path) -> str:
    """SHA-256 of a file's bytes, 64 hex digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()

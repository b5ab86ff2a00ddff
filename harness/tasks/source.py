"""Where a task's files are, and how a text file is read: UTF-8, with file and line in every complaint."""

import os
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from harness.errors import HarnessError

BUNDLED = "bundled"
CACHE = "HARNESS_DATA"
T = TypeVar("T")
_READ: ContextVar[set[Path] | None] = ContextVar("read", default=None)


class MissingDataError(HarnessError):
    """A file of a data set is not there: the plan skips the language with this reason."""


class BlankedLabelsError(HarnessError):
    """A file is there but its labels were removed (XTREME ships its test sets so)."""


@dataclass(frozen=True)
class Source:
    """A data folder: one subfolder per data set, files under the names they were published with.

    `fetched` says that it is the cache folder, into which what is missing may be fetched; `kept` is what was worked
    out from its files, where it remembers that."""

    root: Path
    fetched: bool = False
    kept: dict[Hashable, Any] | None = field(default=None, compare=False, repr=False)

    def remembering(self) -> "Source":
        """The same folder with an empty memory, for a while in which its files do not change: one plan."""
        return replace(self, kept={})

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives; a source that remembers asks it once for each key. What it raises is not kept."""
        if self.kept is None:
            return make()
        if key not in self.kept:
            self.kept[key] = make()
        found: T = self.kept[key]
        return found

    def first(self, folder: str, names: Iterable[str]) -> Path:
        """The first of `names` that exists in the data set's folder; MissingDataError names all of them."""
        names = list(names)
        for name in names:
            path = self.root / folder / name
            if path.is_file():
                return path
        raise MissingDataError(f"no {' or '.join(names)} in {self.root / folder}")

    def all(self, folder: str, names: Iterable[str]) -> list[Path]:
        """All of `names`; MissingDataError lists every one that is absent."""
        names = list(names)
        absent = [name for name in names if not (self.root / folder / name).is_file()]
        if absent:
            raise MissingDataError(f"no {', '.join(absent)} in {self.root / folder}")
        return [self.root / folder / name for name in names]


def open_source(data: str | Path | None) -> Source:
    """The folder given by --data; `bundled` is the small data set inside the package. None is the cache folder,
    $HARNESS_DATA or ~/.cache/harness/data, laid out alike; it need not be there yet."""
    if data is None:
        return Source(Path(os.environ.get(CACHE) or Path.home() / ".cache" / "harness" / "data"), fetched=True)
    root = Path(data)
    if str(data) == BUNDLED and not root.is_dir():
        root = Path(str(files("harness"))) / "data" / "demo"
    if not root.is_dir():
        raise HarnessError(f"The data folder {root} does not exist.", "Check the path given to --data.")
    return Source(root)


@contextmanager
def files_read() -> Iterator[set[Path]]:
    """Collects the paths that `read_text` opens within the block: so `harness data verify` knows what readers use."""
    found: set[Path] = set()
    token = _READ.set(found)
    try:
        yield found
    finally:
        _READ.reset(token)


def note_read(paths: Iterable[Path]) -> None:
    """Says that these files are used, for `files_read`, where their content is known already."""
    reading = _READ.get()
    if reading is not None:
        reading.update(paths)


def read_text(path: Path) -> str:
    """The file's text without a byte order mark; wrong encodings and empty files are refused."""
    note_read([path])
    try:
        content = path.read_bytes()
    except OSError as error:
        raise HarnessError(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from error
    if not content.strip():
        raise HarnessError(f"{path} is empty.", "Fetch the file again or leave this language out.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise HarnessError(f"{path}, line {line}: not valid UTF-8.", "Convert the file to UTF-8.") from error


def read_lines(path: Path) -> list[str]:
    """The file's lines without their ends. Only LF and CRLF end a line: a sentence may hold other Unicode breaks."""
    lines = read_text(path).split("\n")
    if lines[-1] == "":
        lines.pop()
    return [line.removesuffix("\r") for line in lines]


def read_columns(path: Path, columns: int) -> list[list[str]]:
    """Tab-separated fields of each line; a line with another number of fields is refused with its number."""
    rows = [line.split("\t") for line in read_lines(path)]
    for number, row in enumerate(rows, 1):
        if len(row) != columns:
            raise HarnessError(
                f"{path}, line {number}: {len(row)} tab-separated fields instead of {columns}.",
                "Repair that line; nothing was scored.",
            )
    return rows

"""A data set outside this machine: what is fetched from where, and which official files it becomes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import HarnessError

Columns = Mapping[str, Sequence[Any]]
"""The rows of a table, column by column."""


TEXT = "string"
XTREME_PIN = "ec5f1f46e9af79639a90684a7a70a956c4998f04"
# Our names of splits -> the hub's usual ones, and those of XTREME's file names.
HUB = {"train": "train", "validation": "validation", "test": "test"}
XTREME = {"train": "train", "validation": "dev", "test": "test"}


class UnreachableError(HarnessError):
    """The other side cannot be reached or is out of service: whatever else it has would fail in the same way."""


@dataclass(frozen=True)
class Table:
    """One split of one configuration on the Hugging Face hub, at a pinned commit; `rows` where they are known,
    `reading` what its format's reader is told (of those fields that it has)."""

    hub: str
    revision: str
    config: str | None
    split: str
    rows: int | None = None
    reading: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        return f"{self.hub}@{self.revision[:10]} {self.config or 'default'}/{self.split}"


@dataclass(frozen=True)
class Archive:
    """A tar archive at a data set's original address."""

    url: str

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True)
class Part:
    """One (data set, language, split): its origin and the official files it is written as, below the data folder.

    Parts with the same origin are loaded together. Of a table, `columns` (name -> kind, as `hub.kind` says it) and
    `classes` (column -> names in order) are checked, `select` gives the indices of the language's rows, of which there
    must be `rows`, and `write` the text of each file. Of an archive, `members` are patterns of the base names to
    unpack, and `read` gives the texts from the folder that holds them."""

    name: str
    language: str
    split: str
    files: tuple[str, ...]
    origin: Table | Archive
    columns: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rows: int | None = None
    select: Callable[[Columns], Sequence[int]] | None = None
    write: Callable[[Columns], tuple[str, ...]] | None = None
    members: tuple[str, ...] = ()
    read: Callable[[Path], tuple[str, ...]] | None = None


@dataclass(frozen=True)
class HubSet:
    """A data set on the hub. `languages` are those that have rows and `splits` the hub's names, per split of ours
    (train, validation, test, and an exam's solved `shots`); `rows(language, split)` and `total` (of a table that
    several languages share) are None where the counts are not known. A column of `columns` or `classes` may bear the
    language: `{code}`. `reading` is what the reader of its format is told."""

    name: str
    hub: str
    revision: str
    licence: str
    languages: Mapping[str, tuple[str, ...]]
    splits: Mapping[str, str]
    files: Callable[[str, str], tuple[str, ...]]
    columns: Mapping[str, str]
    write: Callable[[Columns, str], tuple[str, ...]]
    config: Callable[[str], str | None] = lambda language: None
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    code: Callable[[str], str] = str
    rows: Callable[[str, str], int | None] = lambda language, split: None
    total: Mapping[str, int] = field(default_factory=dict)
    select: Callable[[Columns, str], Sequence[int]] | None = None
    reading: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def where(self) -> str:
        """The address that `harness data list` prints."""
        return f"{self.hub}@{self.revision[:10]}"

    def part(self, language: str, split: str) -> Part:
        """The part of a language that has rows in that split."""
        code, select = self.code(language), self.select
        whole = self.total.get(split) if self.select or self.total else self.rows(language, split)
        return Part(
            self.name,
            language,
            split,
            self.files(code, split),
            Table(self.hub, self.revision, self.config(code), self.splits[split], whole, tuple(self.reading.items())),
            {name.format(code=code): kind for name, kind in self.columns.items()},
            self.classes,
            self.rows(language, split),
            None if select is None else lambda columns: select(columns, code),
            lambda columns: self.write(columns, code),
        )


@dataclass(frozen=True)
class OriginalSet:
    """A data set (or some of its splits) that is fetched as an archive from where it was published."""

    name: str
    url: Callable[[str], str]
    licence: str
    languages: Mapping[str, tuple[str, ...]]
    files: Callable[[str, str], tuple[str, ...]]
    members: Callable[[str, str], tuple[str, ...]]
    read: Callable[[Path, str, str], tuple[str, ...]]
    where: str
    note: str = ""

    def part(self, language: str, split: str) -> Part:
        """The part of a language that has files for that split."""
        return Part(
            self.name,
            language,
            split,
            self.files(language, split),
            Archive(self.url(language)),
            members=self.members(language, split),
            read=lambda folder: self.read(folder, language, split),
        )


def every(languages: Sequence[str], *splits: str) -> Mapping[str, tuple[str, ...]]:
    """The same languages in each split."""
    return dict.fromkeys(splits or tuple(HUB), tuple(languages))

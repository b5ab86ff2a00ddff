"""CCG supertags: the syntactic category of every word.

CCGbank (Hockenmaier & Steedman 2007) is licensed: a local folder `ccg/` with its own `.auto` files, or `word TAB
category` lines. The Parallel Meaning Bank's categories (Abzianidze et al. 2017) are the open stand-in."""

import re
from collections.abc import Sequence
from pathlib import Path

from harness.errors import HarnessError
from harness.examples import Tag
from harness.tasks.intermediate import optional, training
from harness.tasks.json_rows import REPAIR
from harness.tasks.source import MissingDataError, Source, read_lines
from harness.tasks.task import Training

# CCGbank's sections: 02-21 train, 00 dev.
SECTIONS = {"train": tuple(f"{number:02}" for number in range(2, 22)), "dev": ("00",)}
LEAF = re.compile(r"<L (\S+) \S+ \S+ (\S+) \S+>")
LEFT_OUT = ("", "-")


def train_ccg(source: Source, language: str) -> Training:
    """CCGbank where it is at hand (English), else the Parallel Meaning Bank's gold part of that language."""
    auto = {split: _auto(source, split) for split in SECTIONS} if language == "en" else {}
    if auto.get("train"):
        return training("CCGbank", source, auto["train"], auto["dev"], read_auto)
    lines = optional(source, "ccg", ["train.tsv"], language)
    if lines:
        return training("CCG", source, lines, optional(source, "ccg", ["dev.tsv"], language), read_pairs)
    train, dev = (_meaning_bank(source, language, split) for split in ("train", "dev"))
    if not train:
        raise MissingDataError(
            f"no .auto files of sections 02-21 or train.tsv in {source.root / 'ccg'}, "
            f"no {language}/gold/train.conll in {source.root / 'ccg_pmb'}"
        )
    return training("PMB", source, train, dev, read_meaning_bank, "the Parallel Meaning Bank's categories, not CCGbank")


def _auto(source: Source, split: str) -> list[Path]:
    paths = sorted((source.root / "ccg").glob("**/*.auto"))
    return [path for path in paths if path.parent.name in SECTIONS[split]]


def _meaning_bank(source: Source, language: str, split: str) -> list[Path]:
    """The newest release's file."""
    return sorted((source.root / "ccg_pmb").glob(f"*/{language}/gold/{split}.conll"))[-1:]


def read_auto(path: Path) -> tuple[Tag, ...]:
    """CCGbank's derivations: the leaves of each line that is no ID line."""
    found = []
    for number, line in enumerate(read_lines(path), 1):
        if line.startswith("ID=") or not line.strip():
            continue
        leaves = LEAF.findall(line)
        if not leaves:
            raise HarnessError(f"{path}, line {number}: a derivation without leaves.", REPAIR)
        found.append([(word, category) for category, word in leaves])
    return _examples(found)


def read_pairs(path: Path) -> tuple[Tag, ...]:
    """`word TAB category` lines, blank lines between sentences."""
    return _columns(path, 2, 0, 1)


def read_meaning_bank(path: Path) -> tuple[Tag, ...]:
    """The release's CoNLL files: word first, category fifth of seven columns; `~` joins what is one token."""
    return _columns(path, 7, 0, 4)


def _columns(path: Path, columns: int, word: int, category: int) -> tuple[Tag, ...]:
    found: list[list[tuple[str, str]]] = [[]]
    for number, line in enumerate(read_lines(path), 1):
        if not line.strip():
            found.append([])
        elif columns == 2 or not line.startswith("#"):
            row = line.split("\t")
            if len(row) != columns:
                message = f"{path}, line {number}: {len(row)} tab-separated fields instead of {columns}."
                raise HarnessError(message, REPAIR)
            found[-1].append((row[word].replace("~", " ") if columns > 2 else row[word], row[category]))
    return _examples([rows for rows in found if rows])


def _examples(sentences: Sequence[Sequence[tuple[str, str]]]) -> tuple[Tag, ...]:
    """A sentence that holds a token without category is left out."""
    whole = [rows for rows in sentences if not any(category in LEFT_OUT for _, category in rows)]
    return tuple(
        Tag(str(number), tuple(word for word, _ in rows), tuple(category for _, category in rows), str(number))
        for number, rows in enumerate(whole)
    )

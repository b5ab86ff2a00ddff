"""Sentences with a tag per word, from `word TAB tag` lines with blank lines between sentences.

Trap: XTREME's PAN-X has two blank lines in a row in some languages: any number of them is one boundary.
Fields are cut at the tab alone, so a word with a Unicode space inside stays one word and keeps its tag
(XTREME makes it `O`)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from harness.errors import HarnessError
from harness.examples import Tag
from harness.tasks.source import BlankedLabelsError, read_lines

REPAIR = "Repair that line; nothing was scored."


class TaggedSentence(NamedTuple):
    """A sentence and the line of the file where it begins."""

    line: int
    words: tuple[str, ...]
    tags: tuple[str, ...]


def read_tagged(path: Path, tags: Collection[str]) -> list[TaggedSentence]:
    """The sentences of a file. A line with another number of fields and a tag that is none of `tags` are
    refused.

    BlankedLabelsError where no line has a tag."""
    lines = read_lines(path)
    filled = [line for line in lines if line.strip()]
    if not any("\t" in line for line in filled):
        raise BlankedLabelsError(f"{path} has no tags")
    sentences: list[TaggedSentence] = []
    rows: list[list[str]] = []
    for number, line in enumerate([*lines, ""], 1):
        if line.strip():
            rows.append(_fields(path, number, line, tags))
        elif rows:
            words, tagging = zip(*rows, strict=True)
            sentences.append(TaggedSentence(number - len(rows), words, tagging))
            rows = []
    return sentences


def _fields(path: Path, number: int, line: str, tags: Collection[str]) -> list[str]:
    row = line.split("\t")
    if len(row) != 2:
        raise HarnessError(f"{path}, line {number}: {len(row)} tab-separated fields instead of 2.", REPAIR)
    if row[1] not in tags:
        raise HarnessError(f"{path}, line {number}: unknown tag '{row[1]}' (known: {', '.join(tags)}).", REPAIR)
    return row


def tag_examples(sentences: Iterable[TaggedSentence]) -> tuple[Tag, ...]:
    """Examples with their position as id; each sentence is resampled by itself."""
    return tuple(
        Tag(str(position), sentence.words, sentence.tags, str(position)) for position, sentence in enumerate(sentences)
    )


def tag_notes(sentences: Sequence[TaggedSentence]) -> Mapping[str, str]:
    """How many words are empty (a tokenizer has no piece for them, yet their tag is counted)."""
    empty = sum(not word.strip() for sentence in sentences for word in sentence.words)
    return {"empty words": str(empty)} if empty else {}

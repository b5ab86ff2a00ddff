"""Words and UPOS of a CoNLL-U file, tokenised as XTREME's UDPOS: multiword tokens joined, empty nodes
dropped.

XTREME converts with `ud-conversion-tools`: a joined token has the tag of its word nearest to the root (fewest
ancestors over basic and enhanced edges); a precedence list per language decides between equals, first of all
for preposition and article (`del`, `zum`), where both hang on the noun. Zero-width non-joiners and spaces
inside words go, and so do sentences of withheld words (`_`), of which at most one may be left."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from harness.errors import HarnessError
from harness.tasks.source import read_lines
from harness.tasks.tagged import REPAIR, TaggedSentence

WITHHELD = "_"
UPOS = (
    "ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM",
    "PART", "PRON", "PROPN", "PUNCT", "SCONJ", "SYM", "VERB", "X",
)  # fmt: skip
DEFAULT = (
    "VERB", "NOUN", "PROPN", "PRON", "ADJ", "NUM", "ADV", "INTJ",
    "AUX", "ADP", "DET", "PART", "CCONJ", "SCONJ", "X", "PUNCT",
)  # fmt: skip
# What is in no list (SYM; CCONJ in fr, which the tool spells CONJ) comes last; the tool itself fails there.
PRECEDENCE: Mapping[str, Sequence[str]] = {
    "es": ("VERB", "AUX", "PRON", "ADP", "DET"),
    "fr": ("VERB", "AUX", "PRON", "NOUN", "ADJ", "ADV", "ADP", "DET", "PART", "SCONJ", "CONJ"),
    "it": ("VERB", "AUX", "ADV", "PRON", "ADP", "DET", "INTJ"),
}


class Word(NamedTuple):
    """A syntactic word: its heads are the numbers of its basic and enhanced governors (0 is the root)."""

    form: str
    tag: str
    heads: frozenset[int]


def read_conllu(path: Path, language: str) -> list[TaggedSentence]:
    """The sentences of a treebank file in XTREME's tokenisation; malformed lines are refused with their
    number."""
    sentences: list[TaggedSentence] = []
    rows: list[tuple[int, list[str]]] = []
    for number, line in enumerate([*read_lines(path), ""], 1):
        if line.strip() and not line.startswith("#"):
            rows.append((number, line.split("\t")))
        elif not line.strip() and rows:
            sentences.append(_sentence(path, rows, PRECEDENCE.get(language, DEFAULT)))
            rows = []
    return [sentence for sentence in sentences if not _withheld(sentence)]


def _sentence(path: Path, rows: Sequence[tuple[int, list[str]]], precedence: Sequence[str]) -> TaggedSentence:
    words: dict[int, Word] = {}
    joined: dict[int, tuple[range, str]] = {}
    for number, row in rows:
        where = f"{path}, line {number}"
        if len(row) != 10:
            raise HarnessError(f"{where}: {len(row)} tab-separated fields instead of 10.", REPAIR)
        first, dash, last = row[0].partition("-")
        if dash and first.isdigit() and last.isdigit():
            joined[int(first)] = range(int(first), int(last) + 1), row[1]
        elif row[0] == str(len(words) + 1):
            words[len(words) + 1] = _word(row, where)
        elif "." not in row[0]:
            raise HarnessError(f"{where}: the word number {row[0]} instead of {len(words) + 1}.", REPAIR)
    lacking = [str(span[-1]) for span, _ in joined.values() if not span or span[-1] > len(words)]
    if lacking or not words:
        raise HarnessError(f"{path}, line {rows[0][0]}: a sentence without its word {', '.join(lacking) or 1}.", REPAIR)
    return _join(rows[0][0], words, joined, precedence)


def _word(row: Sequence[str], where: str) -> Word:
    if row[3] not in UPOS and row[3] != WITHHELD:
        raise HarnessError(f"{where}: unknown tag '{row[3]}' (known: {', '.join(UPOS)}).", REPAIR)
    governors = [row[6], *(one.partition(":")[0] for one in row[8].split("|"))]
    return Word(row[1], row[3], frozenset(int(one) for one in governors if one.isdigit()))


def _join(
    line: int, words: Mapping[int, Word], joined: Mapping[int, tuple[range, str]], precedence: Sequence[str]
) -> TaggedSentence:
    forms: list[str] = []
    tags: list[str] = []
    at = 1
    while at <= len(words):
        span, form = joined.get(at, (range(at, at + 1), words[at].form))
        forms.append(form.replace("\u200c", "").replace(" ", ""))
        tags.append(words[_leading(span, words, precedence) if at in joined else at].tag)
        at = span[-1] + 1
    return TaggedSentence(line, tuple(forms), tuple(tags))


def _leading(span: range, words: Mapping[int, Word], precedence: Sequence[str]) -> int:
    """The word of a joined token that gives it its tag: nearest to the root, then first in the list, then
    leftmost."""
    above = {at: len(_ancestors(at, words)) for at in span}
    nearest = [at for at in span if above[at] == min(above.values())]
    rank = {tag: place for place, tag in enumerate(precedence)}
    return min(nearest, key=lambda at: rank.get(words[at].tag, len(rank)))


def _ancestors(at: int, words: Mapping[int, Word]) -> set[int]:
    found: set[int] = set()
    waiting = [at]
    while waiting:
        one = waiting.pop()
        fresh = (words[one].heads if one in words else frozenset()) - found
        found |= fresh
        waiting += fresh
    return found - {at}


def _withheld(sentence: TaggedSentence) -> bool:
    count = sentence.words.count(WITHHELD)
    return count > 0 and count >= len(sentence.words) - 1

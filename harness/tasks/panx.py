"""PAN-X (WikiAnn): persons, places and organisations (Pan et al. 2017, splits of Rahimi et al. 2019, in
XTREME)."""

import re
from functools import partial
from pathlib import Path

from harness.metrics.entities import tag_metrics
from harness.tasks.any_language import any_language
from harness.tasks.evaluated import SPLITS, read_evaluated
from harness.tasks.selection import own_dev, select_on
from harness.tasks.source import Source
from harness.tasks.tagged import TaggedSentence, read_tagged, tag_examples, tag_notes
from harness.tasks.task import Loaded, Task, Training, content_hash
from harness.tasks.xtreme import XTREME_LANGUAGES

LABELS = ("B-LOC", "B-ORG", "B-PER", "I-LOC", "I-ORG", "I-PER", "O")
PREFIX = re.compile(r"[a-z]{2,3}(?:[-_][a-z]+)*:")


def load(source: Source, language: str, split: str, limit: int | None) -> Loaded:
    """XTREME's `{dev,test}-<lang>.tsv` or WikiAnn's own `<lang>/{dev,test}`, whose words begin with
    `<lang>:`."""
    name = SPLITS[split]
    sentences = _read(source, language, name)[1]
    examples = tag_examples(sentences)[:limit]
    return Loaded(examples, split, content_hash(examples), len(examples), tag_notes(sentences))


def _read(source: Source, language: str, name: str) -> tuple[Path, list[TaggedSentence]]:
    readers = {f"{name}-{language}.tsv": read_panx, f"{language}/{name}": read_panx}
    dev = [f"dev-{language}.tsv", f"{language}/dev"] if name == "test" else []
    return read_evaluated(source, "panx", readers, dev)


def read_panx(path: Path) -> list[TaggedSentence]:
    """The sentences; a language prefix goes where each word of the file has the same."""
    sentences = read_tagged(path, LABELS)
    prefix = PREFIX.match(sentences[0].words[0])
    if prefix is None:
        return sentences
    begins = prefix.group()
    if not all(word.startswith(begins) for sentence in sentences for word in sentence.words):
        return sentences
    strip = partial(_without, len(begins))
    return [sentence._replace(words=tuple(map(strip, sentence.words))) for sentence in sentences]


def _without(length: int, word: str) -> str:
    return word[length:].strip()


def train(source: Source, language: str) -> Training:
    """PAN-X train of that language, selected on its dev as XTREME does."""
    path, sentences = _read(source, language, "train")
    notes = {"training": f"{path.relative_to(source.root)}, {len(sentences)} sentences"}
    dev = own_dev(load, source, language, "panx")
    return select_on(f"PAN-X {language}", tag_examples(sentences), dev, notes)


TASK = Task(
    name="panx",
    title="PAN-X named entities",
    form="tag",
    languages=XTREME_LANGUAGES["panx"],
    protocols=("transfer", "head"),
    metrics=lambda language: tag_metrics(),
    load=load,
    accepts=any_language,
    files="panx/{train,dev,test}-<lng>.tsv or panx/<lng>/{train,dev,test}",
    splits=("validation", "test"),
    source="WikiAnn (Pan et al. 2017), splits of Rahimi et al. 2019",
    licence="text from Wikipedia, CC BY-SA",
    labels=LABELS,
    train=train,
)

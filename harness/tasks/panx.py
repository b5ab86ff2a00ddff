"""PAN-X (WikiAnn): persons, places and organisations (Pan et al. 2017, splits of Rahimi et al. 2019, in
XTREME)."""

import re
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
    """The sentences. Where most words begin with the language and a colon (WikiAnn's raw files), all up to the first
    colon goes, and a word without any with it, as XTREME's `utils_preprocess.py` does."""
    sentences = read_tagged(path, LABELS)
    prefix = PREFIX.match(sentences[0].words[0])
    words = [word for one in sentences for word in one.words]
    if prefix is None or 2 * sum(word.startswith(prefix.group()) for word in words) <= len(words):
        return sentences
    return [one for one in map(_without_prefix, sentences) if one.words]


def _without_prefix(sentence: TaggedSentence) -> TaggedSentence:
    kept = [at for at, word in enumerate(sentence.words) if ":" in word]
    words = tuple(sentence.words[at].partition(":")[2].strip() for at in kept)
    return sentence._replace(words=words, tags=tuple(sentence.tags[at] for at in kept))


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

"""PAWS-X: are two sentences with nearly the same words paraphrases? (Yang et al. 2019, in XTREME.)

No row is dropped: where a translation is missing both upstream and XTREME hold the placeholder `NS`, and 59
of 2,000 rows carry labels that differ between languages."""

from pathlib import Path

from harness.metrics.accuracy import ACCURACY
from harness.tasks.any_language import any_language
from harness.tasks.evaluated import SPLITS, read_evaluated
from harness.tasks.pairs_tsv import (
    PairRow,
    classify,
    complete,
    pair_notes,
    read_pairs,
    read_table,
    refuse_repeated,
)
from harness.tasks.paws import read_paws
from harness.tasks.selection import own_dev, select_on
from harness.tasks.source import Source
from harness.tasks.task import Loaded, Task, Training, content_hash
from harness.tasks.xtreme import XTREME_LANGUAGES

LABELS = ("0", "1")
COLUMNS = ("id",), ("sentence1",), ("sentence2",), ("label",)


def load(source: Source, language: str, split: str, limit: int | None) -> Loaded:
    """XTREME's `{dev,test}-<lang>.tsv`; where that is absent or blanked, upstream's
    `x-final/<lang>/{dev,test}_2k.tsv`.

    Ids are positions in both, since row i of every language is the same pair."""
    name = SPLITS[split]
    readers = {f"{name}-{language}.tsv": read_pairs, f"x-final/{language}/{name}_2k.tsv": read_upstream}
    dev = [f"dev-{language}.tsv", f"x-final/{language}/dev_2k.tsv"] if split == "test" else []
    path, rows = read_evaluated(source, "pawsx", readers, dev)
    examples = classify(path, rows, LABELS)[:limit]
    return Loaded(examples, split, content_hash(examples), len(examples), pair_notes(rows))


def read_upstream(path: Path) -> list[PairRow]:
    """`id, sentence1, sentence2, label` with a header; an id may stand once."""
    table = read_table(path, COLUMNS)
    refuse_repeated(path, ((line, values[0]) for line, values in table))
    return [PairRow(line, *values[1:]) for line, values in table]


def train(source: Source, language: str) -> Training:
    """PAWS-X in that language; for English, where it is not at hand, PAWS-QQP. Selected on PAWS-X dev."""
    readers = {
        f"pawsx/train-{language}.tsv": read_pairs,
        f"pawsx/x-final/{language}/train.tsv": read_upstream,
        f"pawsx/x-final/{language}/translated_train.tsv": read_upstream,
    } | ({"paws_qqp/paws_train.tsv": read_paws} if language == "en" else {})
    path, rows = read_evaluated(source, "", readers)
    examples = complete(classify(path, rows, LABELS))
    name = "PAWS-QQP" if path.parent.name == "paws_qqp" else "PAWS-X"
    notes = {"training": f"{path.relative_to(source.root)}, {len(examples)} pairs"}
    if name != "PAWS-X":
        notes["stand-in"] = "not PAWS-X's train"
    return select_on(name, examples, own_dev(load, source, language, "pawsx"), notes)


TASK = Task(
    name="pawsx",
    title="PAWS-X paraphrase identification",
    form="classify",
    languages=XTREME_LANGUAGES["pawsx"],
    protocols=("transfer", "head", "prompt"),
    metrics=lambda language: (ACCURACY,),
    load=load,
    accepts=any_language,
    files="pawsx/{train,dev,test}-<lng>.tsv or pawsx/x-final/<lng>/{train,dev_2k,test_2k}.tsv; paws_qqp/…",
    joint=True,
    splits=("validation", "test"),
    source="google-research-datasets/paws, PAWS-X",
    licence="free for any purpose, acknowledgement of Google appreciated",
    labels=LABELS,
    train=train,
)

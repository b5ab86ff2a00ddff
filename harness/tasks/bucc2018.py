"""BUCC 2018: mine the translation pairs of two comparable corpora (Zweigenbaum et al. 2018, in XTREME).

XTREME's `dev` is BUCC's sample split and its `test` BUCC's training split. The threshold is tuned on dev and
applied to test; with `--split validation` dev is both tuned on and scored, and the signature says so."""

from pathlib import Path

from harness.errors import HarnessError
from harness.examples import Comparable, Corpus, Mining
from harness.metrics.mining import bucc_metrics, tuning_metrics
from harness.tasks.source import MissingDataError, Source, read_columns
from harness.tasks.task import Loaded, Task, content_hash
from harness.tasks.xtreme import XTREME_LANGUAGES

PUBLISHED = {"dev": ("dev", "sample"), "test": ("test", "training")}


def load(source: Source, language: str, split: str, limit: int | None) -> Loaded:
    """Dev and test of `<language>-en` for the split `test`, dev alone for `validation`."""
    tune = read_split(source, language, "dev", limit)
    test = None
    if split == "test":
        try:
            test = read_split(source, language, "test", limit)
        except MissingDataError as error:
            raise MissingDataError(f"{error.problem}; dev is there: --split validation scores it") from error
    mining = Mining(tune, test)
    tuned = "dev" if test else "on the scored split"
    return Loaded(mining, split, content_hash(mining), len((test or tune).gold), {"threshold": tuned})


def read_split(source: Source, language: str, split: str, limit: int | None) -> Comparable:
    """Both sides and the gold pairs; the gold may name only sentences that are there."""
    paths: list[Path] = []
    for suffix in (language, "en", "gold"):
        names = [f"{language}-en.{name}.{suffix}" for name in PUBLISHED[split]]
        paths.append(source.first("bucc2018", names))
    corpora = read_corpus(paths[0]), read_corpus(paths[1])
    gold = tuple((row[0], row[1]) for row in read_columns(paths[2], 2))
    known = [set(corpus.ids) for corpus in corpora]
    for number, pair in enumerate(gold, 1):
        for side, one in enumerate(pair):
            if one not in known[side]:
                raise HarnessError(
                    f"{paths[2]}, line {number}: the id {one} is not in {paths[side].name}.",
                    "The three files must be of one release: fetch them again.",
                )
    return Comparable(corpora[0], corpora[1], gold) if limit is None else first(limit, *corpora, gold)


def first(limit: int, source: Corpus, target: Corpus, gold: tuple[tuple[str, str], ...]) -> Comparable:
    """The first `limit` source sentences and their gold pairs, against the whole target side."""
    kept = set(source.ids[:limit])
    return Comparable(
        Corpus(source.ids[:limit], source.texts[:limit]), target, tuple(pair for pair in gold if pair[0] in kept)
    )


def read_corpus(path: Path) -> Corpus:
    """`<id> TAB sentence` lines; an id may stand once."""
    rows = read_columns(path, 2)
    seen: set[str] = set()
    for number, (one, text) in enumerate(rows, 1):
        if one in seen:
            raise HarnessError(f"{path}, line {number}: the id {one} stands twice.", "Repair the file.")
        if not text.strip():
            raise HarnessError(f"{path}, line {number}: an empty sentence.", "Repair the file.")
        seen.add(one)
    return Corpus(tuple(row[0] for row in rows), tuple(row[1] for row in rows))


TASK = Task(
    name="bucc2018",
    title="BUCC 2018 bitext mining (threshold tuned on dev)",
    form="mine",
    languages=XTREME_LANGUAGES["bucc2018"],
    protocols=("retrieve",),
    metrics=lambda language: (*bucc_metrics(), *tuning_metrics()),
    load=load,
    accepts=XTREME_LANGUAGES["bucc2018"].__contains__,
    files="bucc2018/<lng>-en.{dev,test}.{<lng>,en,gold}",
    splits=("validation", "test"),
    source="BUCC 2018 shared task",
    licence="for research; see the shared task's page",
)

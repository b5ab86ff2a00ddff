"""MLQA: questions on passages of Wikipedia, context and question in any two of seven languages (Lewis et al.
2020).

XTREME scores the diagonal, where both are in one language; `de-en` is a German passage and an English
question."""

from dataclasses import replace
from itertools import product

from harness.metrics.score import Metric
from harness.metrics.spans import mlqa_metrics, squad_readings
from harness.tasks.evaluated import SPLITS, read_evaluated
from harness.tasks.source import Source
from harness.tasks.squad import train_squad
from harness.tasks.squad_json import answer_notes, read_scored, spans
from harness.tasks.task import Loaded, Task, content_hash
from harness.tasks.xtreme import XTREME_LANGUAGES

LANGUAGES = XTREME_LANGUAGES["mlqa"]
PAIRS = tuple(f"{context}-{question}" for context, question in product(LANGUAGES, repeat=2) if context != question)


def sides(language: str) -> tuple[str, str]:
    """(context, question) languages of `de` or of a pair such as `de-en`."""
    context, _, question = language.partition("-")
    return context, question or context


def load(source: Source, language: str, split: str, limit: int | None) -> Loaded:
    """`MLQA_V1/{dev,test}/{dev,test}-context-X-question-Y.json`.

    The cluster is the question: its id alone is the same in all languages, of which each has a part of the
    ids."""
    context, question = sides(language)
    files = {name: f"MLQA_V1/{name}/{name}-context-{context}-question-{question}.json" for name in ("dev", "test")}
    readers = {files[SPLITS[split]]: read_scored}
    rows = read_evaluated(source, "mlqa", readers, [files["dev"]] if split == "test" else [])[1]
    examples = tuple(replace(one, cluster=one.id) for one in spans(rows))[:limit]
    return Loaded(examples, split, content_hash(examples), len(examples), answer_notes(rows))


def metrics(language: str) -> tuple[Metric, ...]:
    """Official F1 first, then exact match, by the rule of the passage's language; SQuAD's rule, which XTREME has for
    its other two, as a further reading."""
    return (*reversed(mlqa_metrics(sides(language)[0])), *reversed(squad_readings()))


TASK = Task(
    name="mlqa",
    title="MLQA question answering",
    form="span",
    languages=LANGUAGES,
    protocols=("transfer", "head", "prompt"),
    metrics=metrics,
    load=load,
    accepts=(*LANGUAGES, *PAIRS).__contains__,
    files="mlqa/MLQA_V1/{dev,test}/{dev,test}-context-<lng>-question-<lng>.json; squad/… for training",
    joint=True,
    splits=("validation", "test"),
    source="facebookresearch/MLQA V1",
    licence="CC BY-SA 3.0",
    train=train_squad,
)

"""XQuAD: 1,190 questions of SQuAD's dev set, translated (Artetxe et al. 2020, in XTREME).

Trap: the official score uses SQuAD's English rule in every language; MLQA's rule is a further reading."""

from harness.metrics.score import Metric
from harness.metrics.spans import mlqa_readings, squad_metrics
from harness.tasks.any_language import any_language
from harness.tasks.evaluated import read_evaluated
from harness.tasks.source import Source
from harness.tasks.squad import train_squad
from harness.tasks.squad_json import answer_notes, read_scored, spans
from harness.tasks.task import Loaded, Task, content_hash
from harness.tasks.xtreme import XTREME_LANGUAGES


def load(source: Source, language: str, split: str, limit: int | None) -> Loaded:
    """`xquad.<lang>.json`. It has one split, which XTREME calls test, whatever was asked for.

    Passages stand in the same order in every language, so the cluster is the passage's number."""
    rows = read_evaluated(source, "xquad", {f"xquad.{language}.json": read_scored})[1]
    examples = spans(rows)[:limit]
    return Loaded(examples, "test", content_hash(examples), len(examples), answer_notes(rows))


def metrics(language: str) -> tuple[Metric, ...]:
    """Official F1 first, official exact match, then both by MLQA's rule."""
    return (*reversed(squad_metrics()), *reversed(mlqa_readings(language)))


TASK = Task(
    name="xquad",
    title="XQuAD question answering",
    form="span",
    languages=XTREME_LANGUAGES["xquad"],
    protocols=("transfer", "head", "prompt"),
    metrics=metrics,
    load=load,
    accepts=any_language,
    files="xquad/xquad.<lng>.json; squad/{train,dev}-v1.1.json for training",
    joint=True,
    source="google-deepmind/xquad",
    licence="CC BY-SA 4.0",
    train=train_squad,
)

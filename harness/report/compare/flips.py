"""Which items flipped: right on one side and wrong on the other, or scored differently; with text where data are given.

The text is read again from the data folder, and only where its content hash is the one that was scored."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.errors import HarnessError
from harness.examples import Caption, Choice, Classify, Examples, Mining, Pair, Question, Span, Tag, Word
from harness.metrics.score import Item, Metric
from harness.report.compare.compare import item_pairs
from harness.report.compare.side import Matched, Side, match
from harness.store import Result
from harness.tasks import find_task
from harness.tasks.source import Source
from harness.tasks.task import Task


@dataclass(frozen=True)
class Flip:
    """One item on both sides: `score_a`, `score_b` are its own scores (None where a metric has none per item)."""

    task: str
    language: str
    id: str
    text: str
    gold: Any
    output_a: Any
    output_b: Any
    score_a: float | None
    score_b: float | None


def flips(a: Side, b: Side, count: int, source: Source | None) -> list[Flip]:
    """The first `count` flipped items of every task, taken from its languages in turn; of the first seed both have."""
    out: list[Flip] = []
    for one in match(a, b)[0]:
        task = find_task(one.task)
        if task is not None:
            lists = [_language(task, one, code, (a, b), source) for code in one.languages]
            out += _in_turn(lists, count)
    return out


def _in_turn(lists: Sequence[Iterator[Flip]], count: int) -> list[Flip]:
    out: list[Flip] = []
    waiting = list(lists)
    while waiting and len(out) < count:
        for one in list(waiting):
            found = next(one, None)
            if found is None:
                waiting.remove(one)
            elif len(out) < count:
                out.append(found)
    return out


def _language(
    task: Task, matched: Matched, language: str, sides: tuple[Side, Side], source: Source | None
) -> Iterator[Flip]:
    metric = task.metrics(language)[0]
    items_a, items_b = item_pairs(matched, language, metric, (sides[0].store, sides[1].store))[0]
    scores = item_scores(metric, items_a), item_scores(metric, items_b)
    text = _texts(task, matched.languages[language][0][0], source)
    for at, (one, other) in enumerate(zip(items_a, items_b, strict=True)):
        score_a, score_b = (None if side is None else float(side[at]) for side in scores)
        changed = one.output != other.output if score_a is None else score_a != score_b
        if changed:
            outputs = one.output, other.output
            gold = one.gold or other.gold
            yield Flip(task.name, language, one.id, text(one.id), gold, *outputs, score_a, score_b)


def item_scores(metric: Metric, items: Sequence[Item]) -> Any:
    """Each item's own score (n,), as if it were the whole set; None where a metric is no function of a sum."""
    return None if metric.weighted is not None else np.asarray(metric.value(metric.statistics(items)))


def _texts(task: Task, result: Result, source: Source | None) -> Callable[[str], str]:
    """id -> text; empty without data, or where the data are not those that were scored."""
    if source is None:
        return lambda identifier: ""
    try:
        loaded = task.load(source, result.language, result.split, result.settings.get("limit"))
    except HarnessError:
        return lambda identifier: ""
    known = texts(loaded.examples) if loaded.data == result.fingerprint.get("data") else {}
    return lambda identifier: known.get(identifier, "")


def texts(examples: Examples) -> dict[str, str]:
    """Item id -> what a reader needs to judge the answer."""
    if isinstance(examples, Mining):
        sides = {"dev": examples.tune, "test": examples.test or examples.tune}
        return {
            f"{split}/{one}": text
            for split, side in sides.items()
            for one, text in zip(side.source.ids, side.source.texts, strict=True)
        }
    found: dict[str, str] = {}
    for one in examples:
        if isinstance(one, Caption):
            found[one.image] = " / ".join(filter(None, (found.get(one.image), one.text)))
        else:
            found[str(one.row) if isinstance(one, Pair | Word) else one.id] = _text(one)
    return found


def _text(example: Question | Pair | Word) -> str:
    match example:
        case Classify():
            return example.first if example.second is None else f"{example.first} / {example.second}"
        case Tag():
            return " ".join(example.words)
        case Span():
            return f"{example.question} / {example.context}"
        case Choice():
            return " / ".join(part for part in (example.context, example.question, *example.options) if part)
        case Pair() | Word():
            return f"{example.source} / {example.target}"

"""Predictions as items, for the forms that a head answers."""

from collections.abc import Sequence
from typing import Any

from harness.examples import Choice, Classify, Question, Span, Tag
from harness.metrics.score import Item


def to_items(examples: Sequence[Question], outputs: Sequence[Any]) -> tuple[Item, ...]:
    """One item per example, in order."""
    return tuple(
        Item(one.id, gold(one), output, one.cluster, filed(one)) for one, output in zip(examples, outputs, strict=True)
    )


def filed(example: Question) -> dict[str, Any]:
    """What an exam's question is filed under, and what guessing it would give: subject, tags, chance."""
    if not isinstance(example, Choice):
        return {}
    subject = {"subject": example.subject} if example.subject or example.tags else {}
    return {**subject, **dict(example.tags), "chance": 1 / len(example.options)}


def gold(example: Question) -> Any:
    """The right answer as a predictions file holds it."""
    match example:
        case Classify():
            return example.label
        case Tag():
            return list(example.tags)
        case Span():
            return list(example.answers)
        case Choice():
            return example.answer

"""Labelled questions in a mixture: the heads of `transfer` on the shared encoder, and how well dev is answered."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from statistics import fmean
from typing import Any

import numpy as np

from harness.errors import HarnessError
from harness.examples import Choice, Classify, Question, Span, Tag
from harness.heads import HEADS
from harness.heads.features import Features
from harness.heads.head import Encoding, Head, collate, loss
from harness.heads.predict import predict
from harness.heads.ragged import Array
from harness.heads.span_answer import decode_or_none
from harness.heads.tokeniser import Tokeniser
from harness.metrics.spans import best, token_f1
from harness.train.component import Component
from harness.train.material import Material
from harness.train.recipes import Part
from harness.train.settings import TrainSettings
from harness.train.shared_encoder import Shared

METRICS = {"classify": "accuracy", "tag": "token_accuracy", "span": "f1", "choice": "accuracy"}


def labels_of(part: Part, materials: Sequence[Material]) -> tuple[str, ...]:
    """The recipe's classes; of tags, all that occur in training, sorted."""
    if part.recipe.form != "tag":
        return part.recipe.labels
    return tuple(sorted({tag for one in materials for example in _questions(one.train) for tag in _tags(example)}))


def _tags(example: Question) -> tuple[str, ...]:
    return example.tags if isinstance(example, Tag) else ()


def question_component(
    part: Part, material: Material, labels: tuple[str, ...], tokeniser: Tokeniser, settings: TrainSettings
) -> Component:
    """A labelled set as a component. HarnessError: no question of it has an answer to train on."""
    head, name = HEADS[part.recipe.form], part.recipe.name
    encoding = Encoding(tokeniser, settings.max_length, labels, training=True)
    features = head.encode(_questions(material.train), encoding)
    if not len(features.lengths):
        raise HarnessError(f"{material.name} ({material.language}) has nothing to train on.", "Give other data.")
    dev = _questions(material.dev)[: settings.dev_limit]
    return Component(
        task=name,
        material=replace(material, notes={**material.notes, **features.notes}),
        weight=part.weight,
        # all options of a question are read: each as long as the longest
        lengths=features.lengths * np.diff(features.units),
        collate=lambda units: collate(head, features, units.tolist()),
        loss=lambda model, batch: loss(head, partial(model, name), batch),
        judge=_judge(head, name, dev, replace(encoding, training=False)) if dev else None,
        metric=METRICS[head.form],
    )


def _questions(examples: Sequence[Any]) -> tuple[Question, ...]:
    return tuple(one for one in examples if isinstance(one, Classify | Tag | Span | Choice))


def _judge(head: Head, name: str, dev: Sequence[Question], encoding: Encoding) -> Callable[[Shared], float]:
    """The share of dev that is answered rightly; F1 of spans."""
    features = head.encode(dev, encoding)

    def judge(model: Shared) -> float:
        logits = predict(head, model.tasks[name], [features])[0]
        return fmean(rightness(dev, _answers(head, features, dev, logits, encoding.labels)))

    return judge


def _answers(
    head: Head, features: Features, dev: Sequence[Question], logits: Array, labels: tuple[str, ...]
) -> list[Any]:
    """Where dev holds unanswerable questions, none may be the answer."""
    if any(isinstance(one, Span) and not one.answers for one in dev):
        return decode_or_none(features, [one for one in dev if isinstance(one, Span)], logits)
    return head.decode(features, dev, logits, labels)


def rightness(examples: Sequence[Question], outputs: Sequence[Any]) -> list[float]:
    """How right each answer is, 0 to 1: every word's tag counts as one, a span by its token F1 (SQuAD 2.0: of a
    question without answer 1 where none was given)."""
    found: list[float] = []
    for example, output in zip(examples, outputs, strict=True):
        match example:
            case Classify():
                found.append(float(example.label == output))
            case Choice():
                found.append(float(example.answer == output))
            case Tag():
                found += [float(one == other) for one, other in zip(example.tags, output, strict=True)]
            case Span():
                found.append(best(output, example.answers, token_f1) if example.answers else float(not output))
    return found

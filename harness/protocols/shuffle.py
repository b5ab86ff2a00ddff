"""The control of a fine-tuning: the same questions, with right answers that say nothing about them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from harness.examples import Choice, Classify, Question, Span, Tag
from harness.tasks.task import Training, content_hash


def shuffle_labels(training: Training, seed: int = 0) -> Training:
    """Labels and tags dealt out anew over all items, spans and options drawn at random; the dev set stays."""
    generator = np.random.default_rng(seed)
    train = _shuffled(training.train, generator)
    notes = {**training.notes, "labels": "shuffled"}
    return replace(training, train=train, data=content_hash((train, training.dev)), notes=notes)


def _shuffled(examples: Sequence[Question], generator: np.random.Generator) -> tuple[Question, ...]:
    labels = iter(_permuted([one.label for one in examples if isinstance(one, Classify)], generator))
    tags = iter(_permuted([tag for one in examples if isinstance(one, Tag) for tag in one.tags], generator))
    out: list[Question] = []
    for one in examples:
        match one:
            case Classify():
                out.append(replace(one, label=next(labels)))
            case Tag():
                out.append(replace(one, tags=tuple(next(tags) for _ in one.tags)))
            case Span():
                out.append(_anywhere(one, generator))
            case Choice():
                out.append(replace(one, answer=int(generator.integers(len(one.options)))))
    return tuple(out)


def _permuted(values: list[Any], generator: np.random.Generator) -> list[Any]:
    return [values[at] for at in generator.permutation(len(values))]


def _anywhere(one: Span, generator: np.random.Generator) -> Span:
    """As many words as the answer has, from anywhere in the passage."""
    starts = [0] + [at + 1 for at, letter in enumerate(one.context) if letter == " "]
    first = int(generator.integers(len(starts)))
    last = min(first + len(one.answers[0].split()), len(starts) - 1) if first + 1 < len(starts) else first
    end = starts[last] - 1 if last > first else len(one.context)
    answer = one.context[starts[first] : end]
    return replace(one, answers=(answer,), starts=(starts[first],))

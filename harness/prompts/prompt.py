"""The forms of a prompt: answers to compare, or an answer to write."""

from collections.abc import Callable
from dataclasses import dataclass

from harness.examples import Question


@dataclass(frozen=True)
class Options:
    """The likeliest of `continuations` after `context` is the answer; `answers` are what each of them stands for in
    the task's own terms (a label, an option's index)."""

    context: str
    continuations: tuple[str, ...]
    answers: tuple[str | int, ...]


@dataclass(frozen=True)
class Writing:
    """What the model writes after `context`, up to one of `stops` or `tokens` tokens, is the answer."""

    context: str
    stops: tuple[str, ...] = ("\n",)
    tokens: int = 64


Prompt = Options | Writing


@dataclass(frozen=True)
class Template:
    """A named way to ask the questions of a task. Instructions are English, the question's text is as it comes."""

    name: str
    render: Callable[[Question], Prompt]

"""The protocol `prompt`: a language model is shown the question, and its likeliest or written answer counts.

All requests go through `lm_eval.evaluate`, with tasks made in memory from our examples."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from harness.checkpoint import Checkpoint, kinds
from harness.errors import HarnessError
from harness.metrics.score import Metric
from harness.plan import Answer, Job, Progress, Protocol, Resolved, Settings
from harness.prompts.templates import TEMPLATES
from harness.protocols import templated
from harness.tasks.source import Source
from harness.tasks.task import Task

GENERATIVE = (kinds.CAUSAL, kinds.SEQ2SEQ, kinds.VISION_LANGUAGE)


def refuse(checkpoint: Checkpoint, task: Task) -> str:
    """A model that predicts tokens, and a task that there are prompts for."""
    if task.name not in TEMPLATES:
        return f"there are no prompts for {task.name}"
    if checkpoint.kind not in GENERATIVE:
        return f"{checkpoint.name} ({checkpoint.kind}) is no language model that could be prompted"
    return ""


def resolve(checkpoint: Checkpoint, task: Task, settings: Settings, source: Source) -> Resolved:
    """What the prompts are and how one of them is chosen."""
    return templated.resolve(task, settings, source)


def lacks(task: Task, language: str, settings: Settings) -> str:
    """lm-eval's own definition, where it alone is asked for."""
    return templated.lacks(task, language, settings)


def metrics(task: Task, language: str, settings: Mapping[str, Any]) -> tuple[Metric, ...]:
    """The task's own of the main reading, then those of the other readings."""
    return templated.metrics(task, language, settings)


def run(jobs: Sequence[Job], cache: Path, progress: Progress) -> Iterator[tuple[Job, Answer]]:
    """Answers each job from one loaded model."""
    from harness.likelihood.language_model import open_language_model
    from harness.likelihood.scorer import Scorer
    from harness.protocols.lm_eval_model import HarnessLM

    first = jobs[0]
    try:
        model = open_language_model(first.checkpoint, str(first.settings["dtype"]), first.device)
    except HarnessError as error:
        yield from ((job, error) for job in jobs)
        return
    lm = HarnessLM(Scorer(model, cache / "answers"))
    for _, group in groupby(jobs, key=lambda job: job.task.name):
        yield from _task(list(group), lm, progress)


def _task(jobs: Sequence[Job], lm: Any, progress: Progress) -> Iterator[tuple[Job, Answer]]:
    """The languages of one task; an error in one leaves the others."""
    for job in jobs:
        label = f"{job.name}: prompting {job.task.name} {job.language}"
        lm.report = lambda done, total, label=label: progress(label, done, total)
        try:
            yield job, templated.answer(job, lm)
        except HarnessError as error:
            yield job, error


PROTOCOL = Protocol("prompt", refuse, resolve, run, seedless=True, metrics=metrics, lacks=lacks)

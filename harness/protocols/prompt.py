"""The protocol `prompt`: a language model is shown the question, and its likeliest or written answer counts.

All requests go through `lm_eval.evaluate`, with tasks made in memory from our examples."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from harness.checkpoint import Checkpoint
from harness.errors import HarnessError
from harness.metrics.score import Metric
from harness.plan import Answer, Job, Progress, Protocol, Resolved
from harness.prompts.exam import STYLES
from harness.prompts.templates import TEMPLATES
from harness.prompts.translation import TASKS as TRANSLATIONS
from harness.protocols import exam, templated, translation
from harness.protocols.loaded import loaded
from harness.settings import Settings
from harness.tasks.source import Source
from harness.tasks.task import Loaded, Task


def refuse(checkpoint: Checkpoint, task: Task) -> str:
    """A model that predicts tokens, and a task that there are prompts for; exams also by sentence vectors."""
    if task.name in STYLES:
        return ""
    if task.name in TRANSLATIONS:
        return translation.refuse(checkpoint)
    if task.name not in TEMPLATES:
        return f"there are no prompts for {task.name}"
    readout = exam.readout_of(checkpoint)
    if readout == exam.COSINE or (readout == exam.PSEUDO and task.form == "span"):
        return f"{checkpoint.name} ({checkpoint.kind}) is no language model that could be prompted"
    return ""


def asked_only(checkpoint: Checkpoint, task: Task) -> bool:
    """A model that was not made to go on writing answers by prompt only where that is asked for."""
    return exam.readout_of(checkpoint) != exam.LIKELIHOOD


def resolve(checkpoint: Checkpoint, task: Task, settings: Settings, source: Source) -> Resolved:
    """What the prompts are and how one of them is chosen."""
    if task.name in TEMPLATES:
        found = templated.resolve(checkpoint, task, settings, source)
    elif task.name in TRANSLATIONS:
        found = translation.resolve(task, settings)
    else:
        found = exam.resolve(checkpoint, task, settings)
    if settings.backend is None:
        return found
    if exam.readout_of(checkpoint) != exam.LIKELIHOOD:
        raise HarnessError(
            f"{checkpoint.name} ({checkpoint.kind}) is no model that other backends could ask.", "Leave out --backend."
        )
    own = {"backend": settings.backend, "backend_args": settings.backend_args}
    return replace(found, settings={**found.settings, **own}, marks=(settings.backend, *found.marks))


def details(task: Task, loaded: Loaded, settings: Settings) -> Mapping[str, Any]:
    """The solved questions or sentences."""
    if task.name in TRANSLATIONS:
        return translation.details(loaded, settings)
    return {} if task.name in TEMPLATES else exam.details(task, loaded, settings)


def lacks(task: Task, language: str, loaded: Loaded, settings: Settings) -> str:
    """lm-eval's own definition, solved questions or words in the language, where they are asked for."""
    if task.name in TEMPLATES:
        return templated.lacks(task, language, settings)
    if task.name in TRANSLATIONS:
        return translation.lacks(loaded, settings)
    return exam.lacks(language, loaded, settings)


def metrics(job: Job, language: str) -> tuple[Metric, ...]:
    """The task's own of the main reading, then those of the other readings."""
    if job.task.name in TEMPLATES:
        return templated.metrics(job.task, language, job.settings)
    if job.task.name in TRANSLATIONS:
        return job.task.metrics(language)
    return exam.metrics(job, language)


def run(jobs: Sequence[Job], cache: Path, progress: Progress) -> Iterator[tuple[Job, Answer]]:
    """Answers each job from one loaded model."""
    for job in jobs:
        label = f"{job.name}: prompting {job.task.name} {job.language}"
        try:
            if job.settings.get("readout", "").startswith(exam.COSINE):
                yield job, exam.nearest(job, cache, progress)
                continue
            lm = loaded(_wanted(job, cache), partial(_open, job, cache))
            lm.report = lambda done, total, label=label: progress(label, done, total)
            yield job, _answer(job, lm)
        except HarnessError as error:
            yield job, error


def _answer(job: Job, lm: Any) -> Answer:
    """Another backend's failure (a server that is gone) concerns this job: it is tried again by the next run."""
    from harness.protocols.lm_eval_model import backend_errors

    try:
        return _answered(job, lm)
    except backend_errors() as error:
        if "backend" not in job.settings:
            raise
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        problem = f"lm-eval's '{job.settings['backend']}' gave no answer: {reason}"
        raise HarnessError(problem, "Check --backend-args and the server; run the same command again.") from error


def _answered(job: Job, lm: Any) -> Answer:
    kinds = {**dict.fromkeys(TEMPLATES, templated.answer), **dict.fromkeys(TRANSLATIONS, translation.answer)}
    return kinds.get(job.task.name, exam.answer)(job, lm)


def _wanted(job: Job, cache: Path) -> tuple[Any, ...]:
    """What two jobs must share to be answered by one loaded model."""
    settings = tuple(str(job.settings.get(name)) for name in ("dtype", "masking", "backend", "backend_args"))
    return (job.checkpoint.fingerprint, job.device, str(cache), *settings)


def _open(job: Job, cache: Path) -> Any:
    """Our lm-eval model on the checkpoint, or the backend that was named."""
    from harness.protocols.lm_eval_model import HarnessLM, open_backend
    from harness.protocols.pseudo_likelihood import PseudoLM

    if "backend" in job.settings:
        return open_backend(str(job.settings["backend"]), str(job.settings["backend_args"]), job.checkpoint)
    from harness.likelihood.language_model import open_language_model
    from harness.likelihood.scorer import Scorer

    model = open_language_model(job.checkpoint, str(job.settings["dtype"]), job.device)
    scorer = Scorer(model, cache / "answers")
    return PseudoLM(scorer, str(job.settings["masking"])) if "masking" in job.settings else HarnessLM(scorer)


PROTOCOL = Protocol(
    "prompt",
    refuse,
    resolve,
    run,
    seedless=True,
    metrics=metrics,
    lacks=lacks,
    details=details,
    asked_only=asked_only,
)

"""What will run, what is skipped and why: decided, with all data read and checked, before any compute."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.checkpoint import Checkpoint, contamination
from harness.errors import HarnessError
from harness.examples import Choice
from harness.languages import normalise
from harness.metrics.exam import group_metrics
from harness.metrics.score import Item, Metric
from harness.prompts.templates import TEMPLATES
from harness.settings import Settings
from harness.tasks import XTREME_R, further_languages
from harness.tasks.catalogue import elsewhere
from harness.tasks.fetch import fetch_missing
from harness.tasks.source import BlankedLabelsError, MissingDataError, Source
from harness.tasks.task import Loaded, Task, Training


@dataclass(frozen=True)
class Resolved:
    """A protocol's settings for one checkpoint and task: all that can move a score, `marks` for those that are not
    the default, and the training data where there is training."""

    settings: Mapping[str, Any]
    marks: tuple[str, ...] = ()
    training: Training | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Job:
    """One (checkpoint, task, language, protocol, seed) with its data, ready to run. `settings` is all that can move
    the score, `of_language` which of them may differ by language; `folder` names the protocol and every setting that is
    not the default."""

    checkpoint: Checkpoint
    name: str
    task: Task
    language: str
    protocol: str
    settings: Mapping[str, Any]
    folder: str
    seed: int
    device: str
    loaded: Loaded = field(repr=False)
    training: Training | None = field(default=None, repr=False)
    of_language: frozenset[str] = frozenset()


# (what is being done, how much of it is done, of how much)
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Answered:
    """A language's items in their order, and what was measured on the way that belongs to the number (an approximate
    search's recall, what a training came to): it goes into the signature but decides nothing about staleness."""

    items: tuple[Item, ...]
    measured: Mapping[str, Any] = field(default_factory=dict)


Answer = Answered | HarnessError


def task_metrics(job: Job, language: str) -> tuple[Metric, ...]:
    """The task's own, and those of the subjects and categories of an exam."""
    own = job.task.metrics(language)
    examples = job.loaded.examples
    filed = [one for one in examples if isinstance(one, Choice)] if isinstance(examples, tuple) else []
    if job.task.marks is None or not filed:
        return own
    whole = "incomplete" not in job.loaded.notes and len({one.subject for one in filed}) > 1
    tags = dict.fromkeys(tag for one in filed for tag in one.tags)
    groups = [tag for tag in sorted(tags) if whole or tag[0] != "category"]
    return (*own, *group_metrics(groups, whole))


@dataclass(frozen=True)
class Protocol:
    """How checkpoints answer tasks. `refuse` says why a checkpoint cannot answer a task ("" when it can); `resolve`
    settles the settings; `run` answers jobs of one checkpoint in their order, given a folder for what it keeps.
    A `seedless` protocol draws nothing at random: one result, kept under seed 0. `variants` are the settings that one
    request stands for (every layer). `metrics` are a job's in a language, the main one first; `lacks` says what a
    language has not that it would need ("" when all is there); `details` are settings that differ by language. Where
    it is `asked_only` for a checkpoint and task, another protocol goes first unless it is named."""

    name: str
    refuse: Callable[[Checkpoint, Task], str]
    resolve: Callable[[Checkpoint, Task, Settings, Source], Resolved]
    run: Callable[[Sequence[Job], Path, Progress], Iterable[tuple[Job, Answer]]]
    seedless: bool = False
    variants: Callable[[Checkpoint, Task, Settings], Sequence[Settings]] = lambda checkpoint, task, settings: (
        settings,
    )
    metrics: Callable[[Job, str], tuple[Metric, ...]] = task_metrics
    lacks: Callable[[Task, str, Loaded, Settings], str] = lambda task, language, loaded, settings: ""
    details: Callable[[Task, Loaded, Settings], Mapping[str, Any]] = lambda task, loaded, settings: {}
    asked_only: Callable[[Checkpoint, Task], bool] = lambda checkpoint, task: False


@dataclass(frozen=True)
class Skip:
    """A (checkpoint, task, language) that cannot run, and why; `folder` and `seed` as of the job it would be."""

    name: str
    task: Task
    language: str
    split: str
    protocol: str
    folder: str
    seed: int
    reason: str


@dataclass(frozen=True)
class Plan:
    """All jobs and all skips of a run, in the order in which they were asked for, and what a user should hear."""

    jobs: tuple[Job, ...]
    skips: tuple[Skip, ...]
    warnings: tuple[str, ...] = ()


def plan(
    checkpoints: Mapping[str, Checkpoint],
    tasks: Sequence[Task],
    source: Source,
    settings: Settings,
    protocols: Mapping[str, Protocol],
    progress: Progress = lambda label, done, total: None,
) -> Plan:
    """Jobs and skips for each checkpoint (by its name in the results) and task; HarnessError where nothing can run.
    Without --data, what is missing is fetched first, with `progress`."""
    wanted = _wanted_languages(tasks, settings)
    if source.fetched:
        trained = [
            task
            for task in tasks
            if any(_protocol(task, one, settings, protocols)[0].name == "transfer" for one in checkpoints.values())
        ]
        fetch_missing(_wanted_parts(tasks, trained, wanted, settings), source, progress)
    source = source.remembering()
    jobs: list[Job] = []
    skips: list[Skip] = []
    warnings: list[str] = []
    for task in tasks:
        loaded = {code: _load(task, code, source, settings) for code in wanted[task.name]}
        for name, checkpoint in checkpoints.items():
            protocol, reason = _protocol(task, checkpoint, settings, protocols)
            own = contamination.flagged(checkpoint, task, loaded)
            warnings += [f"{name}, {task.name}: {said}" for said in contamination.warnings(own)]
            for one in protocol.variants(checkpoint, task, settings):
                found = _task_plan(name, checkpoint, task, (protocol, reason), own, source, one)
                jobs += found.jobs
                skips += found.skips
                warnings += found.warnings
    if not jobs:
        raise HarnessError(f"Nothing can be scored: {_reasons(skips)}", "Check --data, --tasks and --languages.")
    # A checkpoint's jobs stand together, so that it is loaded once.
    order = {name: at for at, name in enumerate(checkpoints)}
    return Plan(tuple(sorted(jobs, key=lambda job: order[job.name])), tuple(skips), tuple(dict.fromkeys(warnings)))


def _task_plan(
    name: str,
    checkpoint: Checkpoint,
    task: Task,
    chosen: tuple[Protocol, str],
    loaded: Mapping[str, Loaded | str],
    source: Source,
    settings: Settings,
) -> Plan:
    """One task for one checkpoint by a protocol, unless there is a reason against it."""
    protocol, reason = chosen
    resolved = Resolved({})
    if not reason and any(isinstance(one, Loaded) for one in loaded.values()):
        try:
            resolved = protocol.resolve(checkpoint, task, settings, source)
        except (MissingDataError, BlankedLabelsError) as error:
            reason = f"nothing to train on: {error}"
    jobs: list[Job] = []
    skips: list[Skip] = []
    for seed in (0,) if protocol.seedless else settings.seeds:
        for code, found in loaded.items():
            lacking = reason or (protocol.lacks(task, code, found, settings) if isinstance(found, Loaded) else "")
            if isinstance(found, Loaded) and not lacking:
                details = {**protocol.details(task, found, settings), **found.notes}
                own = {**resolved.settings, **details, **_limit(settings)}
                folder = _folder(protocol, resolved, found.split, task, settings)
                place = (checkpoint, name, task, code, protocol.name, own, folder, seed, settings.device)
                jobs.append(Job(*place, found, resolved.training, frozenset(details)))
            else:
                split = settings.split if settings.split in task.splits else task.split
                folder = _folder(protocol, resolved, split, task, settings)
                said = found if isinstance(found, str) else lacking
                skips.append(Skip(name, task, code, split, protocol.name, folder, seed, said))
    return Plan(tuple(jobs), tuple(skips), tuple(f"{task.name}: {warning}" for warning in resolved.warnings))


def language_or_pair(code: str) -> str:
    """`deu_Latn` -> `de`; `deu-fra` -> `de-fr`: a language, or two of them with a hyphen between."""
    try:
        return normalise(code)
    except HarnessError as error:
        for at in [at for at, letter in enumerate(code) if letter == "-"]:
            with suppress(HarnessError):
                return f"{normalise(code[:at])}-{normalise(code[at + 1 :])}"
        raise error


def asked_languages(task: Task, settings: Settings) -> tuple[str, ...]:
    """A task's own list, that with what XTREME-R adds, or those of --languages that it has."""
    if settings.languages is None:
        return task.languages
    if settings.languages == (XTREME_R,):
        return further_languages(task)
    return _of_task(task, [language_or_pair(code) for code in settings.languages])


def _wanted_languages(tasks: Sequence[Task], settings: Settings) -> dict[str, tuple[str, ...]]:
    """By task; a language that no task has is refused."""
    asked = () if settings.languages in (None, (XTREME_R,)) else settings.languages or ()
    strange = [code for code in asked if not any(_of_task(task, [language_or_pair(code)]) for task in tasks)]
    if strange:
        names = ", ".join(task.name for task in tasks)
        raise HarnessError(
            f"The language {', '.join(strange)} is in none of the tasks {names}.",
            "`harness list tasks` prints each task's languages.",
        )
    return {task.name: asked_languages(task, settings) for task in tasks}


def _of_task(task: Task, forms: Sequence[str]) -> tuple[str, ...]:
    """The languages (or pairs) of a task that some forms stand for."""
    return tuple(dict.fromkeys(one for form in forms for one in task.expand(form) if task.accepts(one)))


def _wanted_parts(
    tasks: Sequence[Task], trained: Sequence[Task], wanted: Mapping[str, Sequence[str]], settings: Settings
) -> list[tuple[Task, str, str]]:
    """(task, language, split) of all that is scored, of what is trained on, and of what chooses a template. Sets that
    --train-on names must be there."""
    evaluated = [(task, code, settings.split) for task in tasks for code in wanted[task.name]]
    tuned = [task for task in trained if task.train is not None and settings.train_on is None]
    training = [(task, settings.source_language, "train") for task in tuned]
    asked = [task for task in tasks if task.name in TEMPLATES and settings.protocol == "prompt"]
    dev = [(task, "en", "validation" if "validation" in task.splits else "train") for task in asked]
    return [*evaluated, *training, *dev]


def _load(task: Task, language: str, source: Source, settings: Settings) -> Loaded | str:
    """The examples, or the reason why there are none."""
    try:
        return task.load(source, language, settings.split, settings.limit)
    except MissingDataError as error:
        return f"{error}; {elsewhere(task)}" if source.fetched else str(error)
    except BlankedLabelsError as error:
        return str(error)


def _protocol(
    task: Task, checkpoint: Checkpoint, settings: Settings, protocols: Mapping[str, Protocol]
) -> tuple[Protocol, str]:
    """(protocol, "") with the first one that the checkpoint can answer, or (the task's first, why none runs)."""
    there = [protocols[name] for name in task.protocols if name in protocols]
    if settings.protocol is not None and settings.protocol not in protocols:
        raise HarnessError(f"There is no protocol '{settings.protocol}'.", f"Choose one of {', '.join(protocols)}.")
    asked = [one for one in there if settings.protocol in (None, one.name)]
    if not asked:
        return there[0], f"{task.name} has no protocol '{settings.protocol}' but {', '.join(one.name for one in there)}"
    if settings.protocol is None:
        asked.sort(key=lambda one: one.asked_only(checkpoint, task))
    refusals = [(one, one.refuse(checkpoint, task)) for one in asked]
    return next(((one, "") for one, refusal in refusals if not refusal), refusals[0])


def _limit(settings: Settings) -> dict[str, int]:
    return {"limit": settings.limit} if settings.limit else {}


def _folder(protocol: Protocol, resolved: Resolved, split: str, task: Task, settings: Settings) -> str:
    own = [split] if split != task.split else []
    own += [f"limit{settings.limit}"] if settings.limit else []
    return "@".join([protocol.name, *resolved.marks, *own])


def _reasons(skips: Sequence[Skip]) -> str:
    """Each reason once, with the tasks and languages it holds for."""
    by_reason: dict[str, list[str]] = {}
    for skip in skips:
        by_reason.setdefault(skip.reason, []).append(f"{skip.task.name}/{skip.language}")
    said = [f"{', '.join(dict.fromkeys(where))}: {reason}." for reason, where in by_reason.items()]
    more = f" (and {len(said) - 5} more reasons)" if len(said) > 5 else ""
    return " ".join(said[:5]) + more

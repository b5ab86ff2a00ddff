"""How each task is read: settled on the base, so that no checkpoint is read at a layer or by a protocol of its own.

Trap: a checkpoint's default layer depends on its folder's name (the zoo knows xlm-roberta-large, not ckpt/mnli)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.api import settings_from
from harness.checkpoint import Checkpoint
from harness.errors import HarnessError
from harness.flags.values import split_list
from harness.plan import Job, Progress, asked_languages, language_or_pair, plan
from harness.protocols import PROTOCOLS
from harness.report.study.matrix import Readout
from harness.report.study.related import NONE
from harness.study.request import Request
from harness.tasks import get_task, select
from harness.tasks.source import BlankedLabelsError, MissingDataError, Source
from harness.tasks.task import Loaded, Task

RETRIEVE = "retrieve"


Scored = Mapping[str, Loaded]


@dataclass(frozen=True)
class Settled:
    """The readouts of a study's tasks, and of their development sets where a recipe is to be picked. `scored` are the
    data by task and language, `selection` those of the development sets, `jobs` the base's on each task that it can
    answer; `left_out` says why a task of a benchmark cannot be scored."""

    readouts: tuple[Readout, ...]
    development: tuple[Readout, ...]
    scored: Mapping[str, Scored] = field(repr=False)
    jobs: Mapping[str, tuple[Job, ...]] = field(repr=False)
    left_out: Mapping[str, str]
    selection: Mapping[str, Scored] = field(repr=False, default_factory=dict)


def settle(base: Checkpoint, request: Request, source: Source, progress: Progress) -> Settled:
    """Plans every task on the base. HarnessError where a task that was named itself cannot be scored, all at once."""
    readouts: list[Readout] = []
    development: dict[str, tuple[Job, ...]] = {}
    scored: dict[str, Scored] = {}
    jobs: dict[str, tuple[Job, ...]] = {}
    left_out: dict[str, str] = {}
    tasks = select(request.tasks)
    _refuse_strange(tasks, request)
    for at, task in enumerate(tasks):
        progress("reading the tasks", at, len(tasks))
        options = {"layer": base.default_layer, **request.settings(task.name), "seeds": (request.seeds[0],)}
        try:
            options |= _languages(task, options)
            lacks = _lacks(base, task, options)
            if lacks:
                scored[task.name] = _loaded(task, source, options)
                readouts.append(_of_others(task, scored[task.name], lacks))
                continue
            jobs[task.name] = plan({NONE: base}, [task], source, settings_from(options), PROTOCOLS, progress).jobs
        except HarnessError as error:
            left_out[task.name] = error.problem
            continue
        scored[task.name] = _data(jobs[task.name])
        readouts.append(_readout(task.name, jobs[task.name]))
        if request.best and "validation" in task.splits and options.get("split") != "validation":
            development[task.name] = _development(base, readouts[-1], options, source)
    progress("reading the tasks", len(tasks), len(tasks))
    named = [name for name in left_out if name in request.tasks]
    if named or not readouts:
        said = "; ".join(f"{name}: {left_out[name].rstrip('.')}" for name in named or left_out)
        raise HarnessError(f"The base cannot be scored on {said}.", "Leave the task out, or give its data.")
    apart = {name: own for name, own in development.items() if own}
    picking = tuple(_readout(name, own) for name, own in apart.items())
    return Settled(tuple(readouts), picking, scored, jobs, left_out, {name: _data(own) for name, own in apart.items()})


def _data(jobs: Sequence[Job]) -> Scored:
    return {job.language: job.loaded for job in jobs}


def _refuse_strange(tasks: Sequence[Task], request: Request) -> None:
    """HarnessError: a language that no task of the study has."""
    asked = {code for task in tasks for code in _asked(request.eval_options(task.name))}
    strange = [code for code in sorted(asked) if not any(task.accepts(language_or_pair(code)) for task in tasks)]
    if strange:
        names = ", ".join(task.name for task in tasks)
        raise HarnessError(
            f"The language {', '.join(strange)} is in none of the tasks {names}.",
            "`harness list tasks` prints each task's languages.",
        )


def _languages(task: Task, options: Mapping[str, Any]) -> dict[str, Any]:
    """Of the languages that were asked for, those of this task. HarnessError where it has none of them."""
    asked = _asked(options)
    own = [code for code in asked if task.accepts(language_or_pair(code))]
    if asked and not own:
        raise HarnessError(f"it has none of the languages {', '.join(asked)}")
    return {"languages": own} if own else {}


def _asked(options: Mapping[str, Any]) -> list[str]:
    given = options.get("languages") or ()
    return split_list(given) if isinstance(given, str) else list(given)


def _lacks(base: Checkpoint, task: Task, options: Mapping[str, Any]) -> str:
    """Why the base can answer the task by no protocol, though a checkpoint made from it may ("": it can)."""
    asked = options.get("protocol")
    refusals = [PROTOCOLS[name].refuse(base, task) for name in task.protocols if asked in (None, name)]
    return refusals[0] if refusals and all(refusals) else ""


def _loaded(task: Task, source: Source, options: Mapping[str, Any]) -> dict[str, Loaded]:
    """The data of every language that there are any of. HarnessError where there are none."""
    settings = settings_from(dict(options))
    found: dict[str, Loaded] = {}
    reason = ""
    for code in asked_languages(task, settings):
        try:
            found[code] = task.load(source, code, settings.split, settings.limit)
        except (MissingDataError, BlankedLabelsError) as error:
            reason = str(error)
    if not found:
        raise HarnessError(reason or "none of the languages is of this task")
    return found


def _of_others(task: Task, scored: Scored, lacks: str) -> Readout:
    """The readout of a task that the base cannot answer: layer and pooling are then the recipe's own."""
    split = next(iter(scored.values())).split
    return Readout(task.name, task.protocols[0], split, tuple(scored), base_lacks=lacks)


def _development(base: Checkpoint, readout: Readout, options: Mapping[str, Any], source: Source) -> tuple[Job, ...]:
    """The task's own named development set, in English where the task has it; nothing where the folder has none."""
    languages = ["en"] if "en" in readout.languages else list(readout.languages)
    wanted = settings_from({**options, **pinned(readout), "split": "validation", "languages": languages})
    try:
        return tuple(plan({NONE: base}, [get_task(readout.task)], source, wanted, PROTOCOLS).jobs)
    except HarnessError:
        return ()


def _readout(task: str, jobs: tuple[Job, ...]) -> Readout:
    first = jobs[0]
    vectors = first.protocol == RETRIEVE
    return Readout(
        task=task,
        protocol=first.protocol,
        split=first.loaded.split,
        languages=tuple(dict.fromkeys(job.language for job in jobs)),
        layer=int(first.settings["layer"]) if vectors and "layer" in first.settings else None,
        pooling=str(first.settings["pooling"]) if vectors and "pooling" in first.settings else None,
    )


def pinned(readout: Readout) -> dict[str, Any]:
    """The options of an evaluation that hold every checkpoint to the readout."""
    own: dict[str, Any] = {"protocol": readout.protocol, "languages": list(readout.languages)}
    if readout.layer is not None:
        own |= {"layer": readout.layer, "pooling": readout.pooling}
    return own


def can_sweep(readout: Readout) -> bool:
    """Whether other layers are scored beside the pinned one: mining all of them would take too long."""
    return readout.layer is not None and get_task(readout.task).form == "pair"

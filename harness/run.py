"""The main path: plan -> what is missing -> run -> score -> write."""

import json
import os
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

from harness.checkpoint import Checkpoint
from harness.errors import HarnessError
from harness.metrics.bootstrap import RESAMPLES, score_average, score_items
from harness.metrics.score import Item, Score
from harness.plan import Answered, Job, Plan, Progress, Skip
from harness.protocols import metrics_of, run_jobs
from harness.store import AVERAGE, Result, Store, changed, rounded


@dataclass(frozen=True)
class Outcome:
    """What a run did: results written now, results that were there already, and jobs that failed."""

    written: tuple[Result, ...]
    kept: tuple[Result, ...]
    failed: tuple[Result, ...]


def name_checkpoints(opened: Sequence[tuple[str | None, Checkpoint]], name: str | None) -> dict[str, Checkpoint]:
    """Names in the results: those of a trajectory as given, else `name`, else each one's own, with eight digits of the
    fingerprint where two differ."""
    named = {given: one for given, one in opened if given is not None}
    others = {one.fingerprint: one for given, one in opened if given is None}
    if name is not None:
        if len(others) > 1:
            raise HarnessError("--name was given with several models.", "Leave it out, or score them one by one.")
        if not name.strip() or name.startswith(".") or "/" in name or os.sep in name:
            raise HarnessError(f"'{name}' cannot be a folder's name.", "Choose a --name without slashes.")
        return {**named, **dict(zip([name], others.values(), strict=False))}
    for one in others.values():
        alone = [other.name for other in others.values()].count(one.name) == 1
        named[one.name if alone else f"{one.name}-{one.fingerprint[:8]}"] = one
    return named


def run(plan: Plan, store: Store, redo_stale: bool, progress: Progress) -> Outcome:
    """Runs what is missing of a plan and writes each result as soon as it is there."""
    missing, kept = split_missing(plan.jobs, store, redo_stale)
    for skip in plan.skips:
        write_skip(skip, store)
    written: list[Result] = []
    started = time.perf_counter()
    for job, answer in run_jobs(missing, store.root / ".cache", progress):
        seconds, started = time.perf_counter() - started, time.perf_counter()
        result = failed(job, answer) if isinstance(answer, HarnessError) else scored(job, answer)
        items = () if isinstance(answer, HarnessError) else stored_items(answer.items)
        store.write(result, items, run_record(job, seconds))
        written.append(result)
    written += averages(plan.jobs, store)
    return Outcome(
        tuple(one for one in written if one.status == "scored"),
        tuple(kept),
        tuple(one for one in written if one.status == "failed"),
    )


def split_missing(jobs: Sequence[Job], store: Store, redo_stale: bool) -> tuple[list[Job], list[Result]]:
    """(jobs to run, results that stand). A stored result made of something else is refused, all of them at once."""
    missing: list[Job] = []
    kept: list[Result] = []
    stale: list[str] = []
    for job in jobs:
        wanted = blank(job)
        stored = store.read(wanted)
        if stored is None or stored.status != "scored":
            missing.append(job)
        elif not (differences := changed(stored, wanted)):
            kept.append(stored)
        elif redo_stale:
            missing.append(job)
        else:
            stale.append(f"{store.path(wanted)} was made with other {' and '.join(differences)}")
    if stale:
        more = f" (and {len(stale) - 3} more)" if len(stale) > 3 else ""
        raise HarnessError(
            f"Stored results do not fit this run: {'; '.join(stale[:3])}{more}.",
            "Score them again with --redo-stale, or keep both with another --name or --output.",
        )
    return missing, kept


def blank(job: Job) -> Result:
    """The job's result before it has scores."""
    settings = as_stored(job.settings)
    return Result(
        checkpoint=job.name,
        task=job.task.name,
        language=job.language,
        split=job.loaded.split,
        protocol=job.protocol,
        settings=settings,
        seed=job.seed,
        status="",
        fingerprint={
            "weights": job.checkpoint.fingerprint,
            "task": job.task.version,
            "data": job.loaded.data,
            "settings": settings,
        },
        folder=job.folder,
    )


def as_stored(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as a result's JSON gives them back."""
    found: dict[str, Any] = json.loads(json.dumps(dict(settings)))
    return found


def stored_items(items: Sequence[Item]) -> tuple[Item, ...]:
    """The items as the predictions file holds them; these are what is scored, so that a file gives its own score."""
    return tuple(
        Item(one.id, rounded(one.gold), rounded(one.output), one.cluster, rounded(one.readings)) for one in items
    )


def scored(job: Job, answer: Answered) -> Result:
    """Items -> scores with intervals and signatures."""
    items = stored_items(answer.items)
    marks = {} if job.task.marks is None else job.task.marks(items)
    result = replace(blank(job), measured=as_stored({**answer.measured, **marks}))
    scores = score_items(metrics_of(job, job.language), items)
    signed = tuple(replace(score, signature=signature(result, score)) for score in scores)
    return replace(result, status="scored", scores=signed)


def failed(job: Job, error: HarnessError) -> Result:
    """A job that could not be finished: tried again by the next run."""
    return replace(blank(job), status="failed", reason=str(error))


def signature(result: Result, score: Score) -> str:
    """All that could change the number, in one line."""
    settings = "|".join(f"{key}:{value}" for key, value in {**result.settings, **result.measured}.items())
    return (
        f"{score.metric}|{result.task}.v{result.fingerprint['task']}|{result.language}|split:{result.split}"
        f"|{result.protocol}|{settings}|seed:{result.seed}|data:{result.fingerprint['data']}"
        f"|interval:bootstrap{RESAMPLES}"
    )


def averages(jobs: Sequence[Job], store: Store) -> Iterator[Result]:
    """Writes the macro average of every (checkpoint, task, folder, seed) of which all official languages are scored."""
    groups: dict[tuple[str, str, str, int], Job] = {}
    for job in jobs:
        groups.setdefault((job.name, job.task.name, job.folder, job.seed), job)
    for job in groups.values():
        found = {code: store.read(replace(blank(job), language=code)) for code in job.task.languages}
        complete = {code: one for code, one in found.items() if one is not None and one.status == "scored"}
        if len(complete) < len(found) or any("incomplete" in one.settings for one in complete.values()):
            continue
        wanted = average_of(job, complete)
        if (stored := store.read(wanted)) is not None and not changed(stored, wanted):
            continue
        items = {code: store.items(one) for code, one in complete.items()}
        metrics = {code: metrics_of(job, code) for code in items}
        scores = score_average(items, metrics, job.task.joint)
        result = replace(wanted, scores=tuple(replace(one, signature=signature(wanted, one)) for one in scores))
        store.write(result)
        yield result


def average_of(job: Job, results: Mapping[str, Result]) -> Result:
    """The result that holds the average: made of the data of all its languages."""
    first = blank(job)
    data = {code: one.fingerprint["data"] for code, one in results.items()}
    every = [one.measured for one in results.values()]
    shared = {key: value for key, value in every[0].items() if all(own.get(key) == value for own in every)}
    return replace(
        first,
        language=AVERAGE,
        status="scored",
        measured=shared,
        languages=tuple(results),
        fingerprint={**first.fingerprint, "data": data},
    )


def write_skip(skip: Skip, store: Store) -> None:
    """Records why a language was not scored, unless it is scored already."""
    result = Result(
        checkpoint=skip.name,
        task=skip.task.name,
        language=skip.language,
        split=skip.split,
        protocol=skip.protocol,
        settings={},
        seed=skip.seed,
        status="skipped",
        fingerprint={"task": skip.task.version},
        folder=skip.folder,
        reason=skip.reason,
    )
    stored = store.read(result)
    if stored is None or (stored.status == "skipped" and stored != result):
        store.write(result)


def run_record(job: Job, seconds: float) -> dict[str, Any]:
    """What may differ between two equal runs."""
    packages = ("zeroshot-harness", "torch", "transformers", "numpy", "tokenizers")
    return {
        "seconds": round(seconds, 3),
        "host": platform.node(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in packages},
        "path": str(job.checkpoint.path),
        "kind": job.checkpoint.kind,
        "command": os.environ.get("HARNESS_COMMAND", ""),
    }

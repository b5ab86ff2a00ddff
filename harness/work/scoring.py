"""What becomes of an answer: items as they are stored, scores with intervals, and a signature."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from harness.errors import HarnessError
from harness.metrics.bootstrap import RESAMPLES, score_items
from harness.metrics.score import Item, Score
from harness.plan import Answered, Job
from harness.protocols import metrics_of
from harness.store import Result, rounded

PACKAGES = ("zeroshot-harness", "torch", "transformers", "numpy", "tokenizers")


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


def scored(job: Job, items: Sequence[Item], measured: Mapping[str, Any]) -> Result:
    """Stored items -> scores with intervals and signatures."""
    marks = {} if job.task.marks is None else job.task.marks(items)
    result = replace(blank(job), measured=as_stored({**measured, **marks}))
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


def run_record(job: Job, seconds: float) -> dict[str, Any]:
    """What may differ between two equal runs; made where the job ran."""
    return {
        "seconds": round(seconds, 3),
        "host": platform.node(),
        "python": platform.python_version(),
        "versions": versions(),
        "path": str(job.checkpoint.path),
        "kind": job.checkpoint.kind,
        "command": os.environ.get("HARNESS_COMMAND", ""),
    }


def versions() -> dict[str, str]:
    """Of the packages whose change could move a number."""
    return {name: version(name) for name in PACKAGES}


def finished(job: Job, answer: Answered) -> tuple[Result, tuple[Item, ...]]:
    """(the scored result, its items as they are stored)."""
    items = stored_items(answer.items)
    return scored(job, items, answer.measured), items

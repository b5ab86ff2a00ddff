"""What a plan will cost on the device at hand: seconds, memory and disk, from a short calibration of each checkpoint.

Counts come from the jobs' texts, rates from `calibrate`. What it does not know: batches that fill a GPU better than the
sample does, beginnings of prompts that are shared, and the other work of the machine."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.plan import Job, Progress
from harness.protocols.reader import kind_of
from harness.protocols.tuning import model_key
from harness.work.calibrate import Rates, calibrate
from harness.work.pieces import kept
from harness.work.workload import PRODUCTS, SIMILARITY, Workload, workload

# Bytes of a result's two JSON files, and of an item in its compressed predictions (about, on the bundled data).
RESULT, ITEM = 6_000, 40
# Seconds of scoring an item with its interval, and of a result at all: from the bundled data on one core.
SCORING, EACH = 1e-4, 0.02


@dataclass(frozen=True)
class Estimate:
    """One row of a plan: the languages of a checkpoint, task and setting. `seconds` are one worker's, of which
    `training`; `memory` is the peak of a worker in bytes, `disk` what is kept in bytes."""

    checkpoint: str
    task: str
    folder: str
    languages: tuple[str, ...]
    seconds: float
    training: float
    memory: int
    disk: int


def estimate(jobs: Sequence[Job], cache: Path, progress: Progress) -> tuple[Estimate, ...]:
    """A row for each (checkpoint, task, setting) of these jobs, in their order."""
    by_checkpoint: dict[str, list[Job]] = {}
    for job in jobs:
        by_checkpoint.setdefault(job.name, []).append(job)
    found: list[Estimate] = []
    for done, (name, own) in enumerate(by_checkpoint.items()):
        progress("calibrating", done, len(by_checkpoint))
        found += _rows(name, own, calibrate(own), cache)
    progress("calibrating", len(by_checkpoint), len(by_checkpoint))
    return tuple(found)


def _rows(name: str, jobs: Sequence[Job], rates: Rates, cache: Path) -> Iterator[Estimate]:
    deepest = _deepest(jobs)
    read: set[object] = set()
    models: set[str] = set()
    groups: dict[tuple[str, str], list[Job]] = {}
    for job in jobs:
        groups.setdefault((job.task.name, job.folder), []).append(job)
    loading = rates.load
    for (task, folder), own in groups.items():
        seconds, training, vectors, disk = loading, 0.0, 0, 0
        loading = 0.0
        for job in own:
            key = model_key(job) if job.protocol == "transfer" else ""
            trains = bool(key) and key not in models and not kept(job, cache)
            models.add(key)
            work = workload(job, training=trains)
            # The layers of one language share a pass, which counts for the first of them.
            passed = _pass(job)
            layers = 0 if passed in read else deepest.get(passed, job.checkpoint.layers)
            read.add(passed)
            trained = _trained(work, rates, job.checkpoint.layers)
            seconds += trained + _predicted(work, rates, layers, job.checkpoint.width)
            training += trained
            vectors = max(vectors, 3 * 4 * work.sentences * job.checkpoint.width)
            disk += RESULT + ITEM * work.items + 4 * work.sentences * job.checkpoint.width + work.models * rates.weights
        memory = rates.peak + vectors
        yield Estimate(name, task, folder, tuple(job.language for job in own), seconds, training, memory, disk)


def _predicted(work: Workload, rates: Rates, layers: int, width: int) -> float:
    search = work.similarities * (SIMILARITY + 2 * width / PRODUCTS)
    return work.tokens * rates.tokens_per_counted * rates.token * layers + search + EACH + SCORING * work.items


def _trained(work: Workload, rates: Rates, layers: int) -> float:
    tokens = work.trained * rates.trained_token + work.judged * rates.token * layers
    return tokens * rates.tokens_per_counted + work.steps * rates.step


def _pass(job: Job) -> object:
    """What is read once."""
    if job.protocol != "retrieve":
        return job.task.name, job.language, job.folder, job.seed
    return job.task.name, job.language, kind_of(job)


def _deepest(jobs: Sequence[Job]) -> Mapping[object, int]:
    """The highest layer of each pass."""
    found: dict[object, int] = {}
    for job in jobs:
        layer = int(job.settings.get("layer") or job.checkpoint.layers)
        found[_pass(job)] = max(layer, found.get(_pass(job), 0))
    return found

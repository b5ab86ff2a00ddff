"""The jobs of one piece of work, and the function that a worker runs over them.

Bundles travel to other processes and machines: tasks hold functions, so they go by their names and are looked up again
where they arrive; data and settings go as they are, and no worker reads a data folder."""

import io
import pickle
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.metrics.score import Item
from harness.plan import Job, Progress
from harness.protocols import run_jobs
from harness.store import Result
from harness.tasks import get_task, include
from harness.tasks.task import Task
from harness.work.scoring import finished, run_record, versions


@dataclass(frozen=True)
class Made:
    """A scored result, ready to be written."""

    result: Result
    items: tuple[Item, ...]
    run: dict[str, Any]


@dataclass(frozen=True)
class Bundle:
    """Jobs that share what they load, by their numbers. `cache` is the folder of kept vectors and models; `included`
    are the files of --include; `threads` of the processor are the worker's (None: as many as PyTorch takes); `refusal`
    says why it cannot be run where it arrived."""

    jobs: Mapping[int, Job]
    cache: Path
    included: tuple[str, ...] = ()
    threads: int | None = None
    refusal: str = ""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        buffer = io.BytesIO()
        _Pickler(buffer, pickle.HIGHEST_PROTOCOL).dump((self.jobs, self.cache))
        return unpack, (buffer.getvalue(), self.included, self.threads, versions())


class _Pickler(pickle.Pickler):
    """Pickles tasks by their names. (pickle asks for its base class.)"""

    def reducer_override(self, obj: Any) -> Any:
        """A task is found again by its name; all else goes as pickle would have it."""
        return (get_task, (obj.name,)) if isinstance(obj, Task) else NotImplemented


def unpack(content: bytes, included: tuple[str, ...], threads: int | None, expected: dict[str, str]) -> Bundle:
    """A bundle as it arrives; on a node with other versions, one that says so when it is run."""
    found = versions()
    other = [f"{name} {found[name]} instead of {wanted}" for name, wanted in expected.items() if found[name] != wanted]
    if other:
        return Bundle({}, Path(), refusal=f"{platform.node()} has {', '.join(other)}.")
    include(included)
    jobs, cache = pickle.loads(content)
    return Bundle(jobs, cache, included, threads)


def answer(bundle: Bundle, numbers: Sequence[int], progress: Progress) -> Iterator[Made | HarnessError]:
    """Runs and scores the jobs of these numbers, in order; an error that concerns one job stands in its place."""
    if bundle.refusal:
        raise HarnessError(bundle.refusal, "Install the same versions on every node: they can move a score.")
    jobs = [bundle.jobs[number] for number in numbers]
    absent = [path for path in dict.fromkeys(str(job.checkpoint.path) for job in jobs) if not Path(path).is_dir()]
    if absent:
        raise HarnessError(
            f"{platform.node()} does not see {', '.join(absent)}.", "Put checkpoints where every node sees them."
        )
    if bundle.threads is not None:
        import torch

        torch.set_num_threads(bundle.threads)
    started = time.perf_counter()
    for job, found in run_jobs(jobs, bundle.cache, progress):
        if isinstance(found, HarnessError):
            yield found
        else:
            result, items = finished(job, found)
            yield Made(result, items, run_record(job, time.perf_counter() - started))
        started = time.perf_counter()

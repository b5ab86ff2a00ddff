"""Which executor does the work, with how many workers, each on what."""

import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError, unknown_names
from harness.execute import devices, local, ray
from harness.plan import Job, Progress
from harness.protocols.loaded import forget
from harness.work.bundle import Bundle, Made, answer
from harness.work.pieces import cut, whole

EXECUTORS = ("local", "devices", "ray")
THREADS = "OMP_NUM_THREADS"
# Workers to cut pieces for where the cluster decides how many there are.
MANY = 8


@dataclass(frozen=True)
class Crew:
    """What a user may say about it; `included` are the files of --include, which workers read too."""

    executor: str = "local"
    workers: int | None = None
    device: str = "auto"
    included: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.executor not in EXECUTORS:
            raise unknown_names("executor", [self.executor], EXECUTORS, f"One of: {', '.join(EXECUTORS)}.")
        if self.workers is not None and self.workers < 1:
            raise HarnessError(f"--workers {self.workers} does no work.", "Give 1 or more.")
        if self.executor == "local" and self.workers is not None:
            raise HarnessError("One process does all the work of --executor local.", "Add --executor devices or ray.")
        if self.executor != "local" and ":" in self.device:
            raise HarnessError(
                f"--device {self.device} is one device, --executor {self.executor} deals out all of them.",
                "Name the GPUs by CUDA_VISIBLE_DEVICES, and leave --device out.",
            )


def check(crew: Crew) -> None:
    """Refuses before any compute what cannot be had: GPUs that are not there, Ray not installed or not answering."""
    if crew.executor == "devices":
        slots(crew)
    elif crew.executor == "ray":
        ray.demand(crew.workers, crew.device == "cpu")


def run(
    jobs: Sequence[Job], crew: Crew, cache: Path, progress: Progress
) -> Generator[tuple[Job, Made | HarnessError], None, None]:
    """Each job with its result or with why there is none, as they come; workers end when this is closed."""
    if not jobs:
        return
    try:
        with closing(_started(jobs, crew, cache, progress)) as found:
            for number, made in found:
                yield jobs[number], made
    finally:
        forget()


def _started(
    jobs: Sequence[Job], crew: Crew, cache: Path, progress: Progress
) -> Generator[tuple[int, Made | HarnessError], None, None]:
    if crew.executor == "local":
        return local.run(answer, whole(jobs, lambda own, training: Bundle(own, cache)), progress)
    import torch

    # A training's sums depend on the number of threads that share them: it gets those it would get without workers.
    all_threads, workers = torch.get_num_threads(), crew.workers or 0
    share: int | None = None
    included = tuple(str(Path(one).resolve()) for one in crew.included)

    def bundle(own: Mapping[int, Job], training: bool) -> Bundle:
        return Bundle(own, cache.resolve(), included, all_threads if training and share else share)

    if crew.executor == "devices":
        places = slots(crew)
        share = int(places[0].get(THREADS, 0)) or None
        return devices.run(answer, cut(jobs, len(places), bundle, cache), places, progress)
    needs = ray.demand(crew.workers, crew.device == "cpu")
    share = None if needs.gpus else needs.cpus
    environment = {"HARNESS_COMMAND": os.environ.get("HARNESS_COMMAND", "")}
    return ray.run(answer, cut(jobs, workers or MANY, bundle, cache), needs, environment, progress)


def slots(crew: Crew) -> list[Mapping[str, str]]:
    """The environment of each worker of this machine: one GPU each, or a share of the processors."""
    import torch

    count = torch.cuda.device_count() if crew.device != "cpu" else 0
    if not count:
        if crew.workers is None:
            raise HarnessError(
                "PyTorch sees no GPU here." if crew.device != "cpu" else "--device cpu counts no GPU.",
                "Say how many processes share the processors: --workers N.",
            )
        threads = max(1, torch.get_num_threads() // crew.workers)
        # Threads that wait for one another do not spin, so that a training's can share processors with other workers.
        return [{THREADS: str(threads), "OMP_WAIT_POLICY": "PASSIVE"}] * crew.workers
    if crew.workers is not None and crew.workers > count:
        raise HarnessError(f"--workers {crew.workers}, but PyTorch sees {count} GPUs.", "Leave --workers out.")
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = visible.split(",") if visible else [str(number) for number in range(count)]
    return [{"CUDA_VISIBLE_DEVICES": name} for name in names[: crew.workers or count]]

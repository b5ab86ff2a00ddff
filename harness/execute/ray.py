"""Pieces as tasks of a Ray cluster, under the same rules as on one machine.

Ray schedules; retrying is ours (`max_retries=0`), so that what a lost node had answered is not done again. A task
streams its answers. Trap: tasks with a GPU end their process after each call unless `max_calls=0` says otherwise."""

import os
import socket
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import HarnessError, missing_package
from harness.execute.piece import Function, Piece, Progress, answers
from harness.execute.queue import Queue, Ticket

# Seconds between two looks at the cluster while nothing comes.
LOOK = 5.0
# Seconds to wait for a cluster's address to answer.
PATIENCE = 10.0
START = "Start one with `ray start --head`, and set RAY_ADDRESS where it is not on this machine (docs/cluster.md)."


@dataclass(frozen=True)
class Demand:
    """What a task needs, and how many run at a time (None: as many as the cluster has GPUs, now and later)."""

    cpus: int
    gpus: int
    workers: int | None


def connect() -> Any:
    """The package `ray`, connected to the cluster of RAY_ADDRESS, else one on this machine, else a new one here.
    HarnessError where it is not installed or the cluster does not answer."""
    try:
        import ray
    except ImportError as error:
        raise missing_package("ray", "'zeroshot-harness[ray]'") from error
    if ray.is_initialized():
        return ray
    _knock(os.environ.get("RAY_ADDRESS", ""))
    try:
        ray.init(log_to_driver=False, logging_level="ERROR")
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        said = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        where = os.environ.get("RAY_ADDRESS", "this machine")
        raise HarnessError(f"The Ray cluster of {where} does not answer: {said}", START) from error
    return ray


def _knock(address: str) -> None:
    """Refuses an address at which nobody answers: Ray itself would try for minutes and print what it tries."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), timeout=PATIENCE).close()
    except OSError as error:
        raise HarnessError(f"Nobody answers at RAY_ADDRESS={address}: {error}.", START) from error


def demand(workers: int | None, processor_only: bool) -> Demand:
    """A GPU per task where the cluster has any (unless `processor_only`), else its processors dealt out to the
    workers; HarnessError where their number is left open."""
    nodes = [node["Resources"] for node in connect().nodes() if node["Alive"]]
    if not processor_only and any(one.get("GPU", 0) >= 1 for one in nodes):
        return Demand(1, 1, workers)
    if workers is None:
        raise HarnessError(
            "The Ray cluster has no GPU to count workers by." if not processor_only else "--device cpu counts no GPU.",
            "Say how many run at a time: --workers N.",
        )
    processors = [int(one.get("CPU", 0)) for one in nodes]
    return Demand(max(1, min(sum(processors) // workers, max(processors))), 0, workers)


def run(
    function: Function, pieces: Sequence[Piece], needs: Demand, environment: Mapping[str, str], progress: Progress
) -> Generator[tuple[Any, Any], None, None]:
    """(item, answer) as they come. The function's module must be importable on every node."""
    ray = connect()
    task = ray.remote(
        num_cpus=needs.cpus,
        num_gpus=needs.gpus,
        max_retries=0,
        max_calls=0,
        runtime_env={"env_vars": dict(environment)},
    )(_task)
    queue = Queue(pieces)
    running: dict[Any, Ticket] = {}
    group, total = "", sum(len(piece.items) for piece in pieces)
    done = 0
    try:
        while queue:
            while len(running) < _slots(ray, needs) and (ticket := queue.take(group)) is not None:
                running[task.remote(function, ticket.piece.shared, ticket.items)] = ticket
            ready, _ = ray.wait(list(running), num_returns=1, timeout=LOOK)
            for stream in ready:
                group = running[stream].piece.group
                for answered in _next(ray, stream, running, queue):
                    done += 1
                    progress(f"ray: answers of {total}", done, total)
                    yield answered
    finally:
        for stream in running:
            ray.cancel(stream, force=True)


def _task(function: Function, shared: Any, items: Sequence[Any]) -> Iterator[Any]:
    yield from answers(function, shared, items, lambda label, done, total: None)


def _slots(ray: Any, needs: Demand) -> int:
    """Tasks at a time; with GPUs one more than there are, so that Ray's autoscaler sees that one is wanted."""
    if needs.workers is not None:
        return needs.workers
    return 1 + int(sum(node["Resources"].get("GPU", 0) for node in ray.nodes() if node["Alive"]))


def _next(ray: Any, stream: Any, running: dict[Any, Ticket], queue: Queue) -> Iterator[tuple[Any, Any]]:
    """Takes one answer from a task, or notes its end or its loss."""
    ticket = running[stream]
    try:
        answer = ray.get(next(stream))
    except StopIteration:
        del running[stream]
        queue.finished(ticket)
    except ray.exceptions.RayError as error:
        del running[stream]
        ray.cancel(stream, force=True)
        yield from queue.lost(ticket, f"A Ray task was lost. Ray says: {str(error).strip() or type(error).__name__}")
    else:
        yield from queue.answered(ticket, answer)

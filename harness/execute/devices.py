"""A process per device of this machine, which takes piece after piece, the longest first.

A worker that dies is replaced; what it had answered is kept, and the rest is tried again (Queue.lost)."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from multiprocessing.connection import wait
from typing import Any

from harness.execute.piece import Function, Piece, Progress
from harness.execute.process import Worker
from harness.execute.queue import Queue


def run(
    function: Function,
    pieces: Sequence[Piece],
    slots: Sequence[Mapping[str, str]],
    progress: Progress,
) -> Generator[tuple[Any, Any], None, None]:
    """(item, answer) as they come, from one worker per slot; a slot is what its environment has beside ours
    (`CUDA_VISIBLE_DEVICES`). The function and all that it is given must be picklable."""
    queue = Queue(pieces)
    workers: dict[int, Worker] = {}
    try:
        while queue:
            yield from _start(function, queue, slots, workers)
            at = {worker.connection: slot for slot, worker in workers.items()}
            for connection in wait(list(at)):
                slot = at[connection]  # type: ignore[index]
                try:
                    kind, value = workers[slot].connection.recv()
                except (EOFError, OSError):
                    yield from _bury(workers.pop(slot), queue)
                    continue
                if kind == "progress":
                    label, done, total = value
                    progress(f"{label} (worker {slot + 1})", done, total)
                else:
                    yield from _heard(workers[slot], queue, kind, value)
    finally:
        for worker in workers.values():
            worker.kill()


def _start(
    function: Function, queue: Queue, slots: Sequence[Mapping[str, str]], workers: dict[int, Worker]
) -> Iterator[tuple[Any, Any]]:
    """Gives every idle worker a piece; a slot's worker is started when there is one for it."""
    for slot, environment in enumerate(slots):
        worker = workers.get(slot)
        if worker is not None and worker.ticket is not None:
            continue
        ticket = queue.take(worker.group if worker else "")
        if ticket is None:
            return
        worker = workers.setdefault(slot, worker or Worker(environment))
        try:
            worker.give(function, ticket)
        except OSError:
            yield from _bury(workers.pop(slot), queue)


def _heard(worker: Worker, queue: Queue, kind: str, value: Any) -> Iterator[tuple[Any, Any]]:
    assert worker.ticket is not None, "an idle worker says nothing"
    if kind == "answer":
        yield from queue.answered(worker.ticket, value)
    else:
        queue.finished(worker.ticket)
        worker.ticket = None


def _bury(worker: Worker, queue: Queue) -> Iterator[tuple[Any, Any]]:
    reason = worker.end()
    if worker.ticket is not None:
        yield from queue.lost(worker.ticket, reason)

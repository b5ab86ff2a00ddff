"""Functions for the tests of executors; workers import them by name."""

import os
import signal
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.errors import HarnessError

Progress = Any


def square(shared: Any, items: Sequence[int], progress: Progress) -> Iterator[int]:
    """Squares; `shared` is added."""
    for at, item in enumerate(items):
        progress("squaring", at + 1, len(items))
        yield item * item + (shared or 0)


def where(shared: Any, items: Sequence[int], progress: Progress) -> Iterator[tuple[int, str]]:
    """The process and what its environment says."""
    for _ in items:
        time.sleep(0.05)
        yield os.getpid(), os.environ.get("SLOT", "")


def dies_at(shared: tuple[Path, int, int], items: Sequence[int], progress: Progress) -> Iterator[int]:
    """Kills its process at an item, so many times; every start of an item is noted."""
    notes, fatal, times = shared
    for item in items:
        with notes.open("a") as file:
            file.write(f"{item}\n")
        if item == fatal and notes.read_text().split().count(str(item)) <= times:
            print("about to die", flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        yield item


def raises(shared: str, items: Sequence[int], progress: Progress) -> Iterator[int]:
    """Ends with an error of the given kind at the second item."""
    yield items[0]
    if shared == "harness":
        raise HarnessError("It cannot be done.", "Do it otherwise.")
    raise ZeroDivisionError("a bug")


def trains(shared: Path, items: Sequence[str], progress: Progress) -> Iterator[str | HarnessError]:
    """The item "train" makes a file that all others need; "broken" fails."""
    for item in items:
        if item == "train":
            time.sleep(0.3)
            shared.write_text("trained")
        assert item == "broken" or shared.exists(), "started too early"
        yield HarnessError("The training failed.") if item == "broken" else item


def sleeps(shared: Path, items: Sequence[int], progress: Progress) -> Iterator[int]:
    """Notes its process, then does nothing for long."""
    (shared / str(os.getpid())).touch()
    time.sleep(60)
    yield from items

"""Two runs on one results folder: each claims what it writes, so that neither loses nor repeats the other's results.

On a disk a claim is a lock of the operating system (harness.lock), one for each (checkpoint, task, settings, seed). In
a bucket, which has no locks, one run at a time holds a lease on the folder: a file that it renews and that counts as
abandoned when it has stood still for `STALE` seconds. Two that find a lease abandoned in the same moment are told apart
by what the file holds after `SETTLE` seconds; a run that has lost its lease stops."""

import os
import platform
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import HarnessError
from harness.folder import is_remote, put
from harness.lock import PAUSE, Locks
from harness.plan import Progress
from harness.store import Store
from harness.whole_file import is_running

Group = tuple[str, str, str, int]

RENEW, STALE, SETTLE = 15.0, 90.0, 2.0


@contextmanager
def claimed(store: Store, groups: Iterable[Group], progress: Progress) -> Iterator[set[Group]]:
    """Those of the groups that no other run is at, ours until the end of the block; waits until there is one."""
    wanted = sorted(groups)
    if is_remote(store.root):
        with Lease(store.root / ".lease").held(progress):
            yield set(wanted)
        return
    locks = Locks(store.root / ".lock")
    try:
        while not (mine := {one for one in wanted if locks.take("/".join(map(str, one)))}):
            progress("waiting for another run on this folder", 0, 1)
            time.sleep(PAUSE)
        yield mine
    finally:
        locks.close()


class Lease:
    """One run's right to write into a folder of a bucket."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._name = f"{platform.node()} {os.getpid()} {uuid.uuid4().hex}"
        self._over = threading.Event()
        self._lost = False

    @contextmanager
    def held(self, progress: Progress) -> Iterator[None]:
        """Waits for it, renews it in the background, and gives it back. HarnessError at the end where another run took
        it over, having seen no renewal."""
        while not self._take():
            progress(f"waiting for another run on {self._path.parent}", 0, 1)
            time.sleep(PAUSE)
        renewal = threading.Thread(target=self._renew, daemon=True)
        renewal.start()
        try:
            yield
        finally:
            self._over.set()
            renewal.join()
            if not self._lost and self._ours():
                self._path.unlink(missing_ok=True)
        if self._lost:
            raise HarnessError(f"Another run took over {self._path.parent}.", "Run the same command again.")

    def _take(self) -> bool:
        """Tries once; waits as long as a lease that may be abandoned must stand still."""
        if (first := self._read()) is not None and not _died(first):
            end = time.monotonic() + STALE
            while time.monotonic() < end:
                time.sleep(min(PAUSE, STALE))
                found = self._read()
                if found is None or _died(found):
                    break
                if found != first:
                    return False
        self._write(0)
        time.sleep(SETTLE)
        return self._ours()

    def _renew(self) -> None:
        try:
            self._renew_until_over()
        finally:
            # Whatever ended it early: nobody renews any more.
            self._lost |= not self._over.is_set()

    def _renew_until_over(self) -> None:
        count, renewed = 0, time.monotonic()
        while not self._over.wait(RENEW):
            try:
                if not self._ours():
                    return
                self._write(count + 1)
            except OSError:
                # One request may fail; who was silent for so long counts as dead to the others.
                if time.monotonic() - renewed > STALE:
                    return
                continue
            count, renewed = count + 1, time.monotonic()

    def _ours(self) -> bool:
        found = self._read()
        return found is not None and found.startswith(self._name)

    def _read(self) -> str | None:
        try:
            return self._path.read_bytes().decode()
        except FileNotFoundError:
            return None

    def _write(self, count: int) -> None:
        put(self._path, f"{self._name} {count}".encode())


def _died(content: str) -> bool:
    """Whether the holder was a process of this machine that is no more."""
    host, process, *_ = content.split(" ")
    return host == platform.node() and not is_running(int(process))

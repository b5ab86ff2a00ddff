"""One process at a time: a lock that the system takes back when its holder dies, however it died.

POSIX record locks on places of one file: they need one file descriptor for any number of names, are not inherited by
children, and hold between the machines of an NFS, Lustre or GPFS that has locking switched on. Trap: a process loses
all its locks on a file as soon as it closes that file once, so each process opens it at one place only."""

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.errors import HarnessError

# Seconds between two tries.
PAUSE = 0.25


class Locks:
    """Named locks on one file, which is made and stays."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file = path.open("ab")
        self.held: set[str] = set()

    def take(self, name: str) -> bool:
        """Whether the lock is ours now; it is another process's otherwise. HarnessError where the file system has no
        locks."""
        import fcntl

        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(name), os.SEEK_SET)
        except (BlockingIOError, PermissionError):
            return False
        except OSError as error:
            raise HarnessError(
                f"{self._path} cannot be locked: {error.strerror}.",
                "Choose an --output on a file system with locks, so that two runs cannot mix.",
            ) from error
        self.held.add(name)
        return True

    def close(self) -> None:
        """Gives all back."""
        self.held.clear()
        self._file.close()


@contextmanager
def alone(path: Path, name: str, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Waits until no other process is within the same block; `waiting` is called at each try in vain."""
    locks = Locks(path)
    try:
        while not locks.take(name):
            waiting()
            time.sleep(PAUSE)
        yield
    finally:
        locks.close()


def _place(name: str) -> int:
    """A byte far beyond the file's end; that two names meet there is as likely as a collision of 62 bits."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 2

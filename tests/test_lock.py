"""Locks between processes: one holder at a time, and none after its death."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.lock import Locks, alone

HOLDS = """
import sys, time
from pathlib import Path
from harness.lock import Locks
locks = Locks(Path(sys.argv[1]))
print([locks.take(name) for name in sys.argv[2:]], flush=True)
time.sleep(60)
"""
COUNTS = """
import sys, time
from pathlib import Path
from harness.lock import alone
counter = Path(sys.argv[2])
for _ in range(20):
    with alone(Path(sys.argv[1]), "counter"):
        value = int(counter.read_text())
        time.sleep(0.002)
        counter.write_text(str(value + 1))
"""


def _python(code: str, *arguments: str) -> "subprocess.Popen[str]":
    known = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True, env=known)


def test_a_name_has_one_holder_until_it_dies(tmp_path: Path) -> None:
    path = tmp_path / "folder" / ".lock"
    path.parent.mkdir()
    other = _python(HOLDS, str(path), "a", "b")
    assert other.stdout is not None
    assert other.stdout.readline() == "[True, True]\n"
    locks = Locks(path)
    assert [locks.take(name) for name in "abc"] == [False, False, True]
    other.send_signal(signal.SIGKILL)
    other.communicate()
    assert [locks.take(name) for name in "abc"] == [True, True, True]
    third = _python(HOLDS, str(path), "c", "d")
    assert third.stdout is not None
    assert third.stdout.readline() == "[False, True]\n"
    locks.close()
    third.kill()
    third.communicate()
    assert locks.held == set()


def test_two_processes_never_meet_in_a_block(tmp_path: Path) -> None:
    counter = tmp_path / "counter"
    counter.write_text("0")
    both = [_python(COUNTS, str(tmp_path / ".lock"), str(counter)) for _ in range(2)]
    assert [one.wait() for one in both] == [0, 0]
    assert counter.read_text() == "40"


def test_who_waits_says_so(tmp_path: Path) -> None:
    other = _python(HOLDS, str(tmp_path / ".lock"), "name")
    assert other.stdout is not None
    other.stdout.readline()
    said: list[float] = []

    def waiting() -> None:
        said.append(time.monotonic())
        other.kill()

    with alone(tmp_path / ".lock", "name", waiting):
        assert said
    other.communicate()


def test_a_file_system_without_locks_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    def refuses(*given: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "lockf", refuses)
    with pytest.raises(HarnessError, match="cannot be locked: No locks available"):
        Locks(tmp_path / ".lock").take("a")

"""Two runs on one folder are kept apart: by locks on a disk, by a lease in a bucket."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import cast

import pytest
from upath import UPath

from harness import claims
from harness.claims import Lease, claimed
from harness.errors import HarnessError
from harness.folder import put
from harness.store import Store

QUIET = lambda label, done, total: None  # noqa: E731
A, B = ("ckpt", "xnli", "transfer", 42), ("ckpt", "tatoeba", "retrieve", 0)
HOLDS = """
import sys, time
from pathlib import Path
from harness.claims import claimed
from harness.store import Store
with claimed(Store(Path(sys.argv[1])), {("ckpt", "xnli", "transfer", 42)}, print) as mine:
    print(len(mine), flush=True)
    time.sleep(float(sys.argv[2]))
"""
# Two processes that add to a number, each under the lease, on a file system that is treated as a bucket.
LEASED = """
import sys, time
from upath import UPath
from harness import claims
claims.RENEW, claims.STALE, claims.SETTLE = 0.1, 1.0, 0.1
folder = UPath("file://" + sys.argv[1], auto_mkdir=True)
for _ in range(3):
    with claims.Lease(folder / ".lease").held(lambda *said: None):
        value = int((folder / "number").read_text())
        time.sleep(0.05)
        (folder / "number").write_text(str(value + 1))
"""


def _python(code: str, *arguments: str) -> "subprocess.Popen[str]":
    known = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True, env=known)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("RENEW", 0.05), ("STALE", 0.5), ("SETTLE", 0.05), ("PAUSE", 0.02)):
        monkeypatch.setattr(claims, name, seconds)


def test_what_another_run_is_at_is_left_aside(tmp_path: Path) -> None:
    other = _python(HOLDS, str(tmp_path), "60")
    assert other.stdout is not None
    assert other.stdout.readline() == "1\n"
    with claimed(Store(tmp_path), {A, B}, QUIET) as mine:
        assert mine == {B}
    waited: list[str] = []

    def hears(label: str, done: int, total: int) -> None:
        waited.append(label)
        other.kill()

    with claimed(Store(tmp_path), {A}, hears) as mine:
        assert mine == {A}
    assert waited[0] == "waiting for another run on this folder"
    other.communicate()


def test_two_processes_with_a_lease_never_meet(tmp_path: Path) -> None:
    (tmp_path / "number").write_text("0")
    both = [_python(LEASED, str(tmp_path)) for _ in range(2)]
    assert [one.wait() for one in both] == [0, 0]
    assert (tmp_path / "number").read_text() == "6"
    assert not (tmp_path / ".lease").exists()


def _place(name: str) -> Path:
    return cast(Path, UPath(f"memory://{name}/.lease"))


def test_a_bucket_has_one_run_at_a_time(hasty: None) -> None:
    seen: list[str] = []

    def run(name: str) -> None:
        with Lease(_place("one")).held(QUIET):
            seen.append(f"{name} begins")
            time.sleep(0.7)
            seen.append(f"{name} ends")

    both = [threading.Thread(target=run, args=(name,)) for name in ("first", "second")]
    for one in both:
        one.start()
        time.sleep(0.2)
    for one in both:
        one.join()
    assert seen == ["first begins", "first ends", "second begins", "second ends"]


def test_an_abandoned_lease_is_taken_over(hasty: None) -> None:
    place = _place("abandoned")
    place.write_bytes(b"elsewhere 1 abc 7")
    began = time.monotonic()
    with Lease(place).held(QUIET):
        assert time.monotonic() - began >= 0.5
        assert b"elsewhere" not in place.read_bytes()


def test_a_lease_of_a_dead_process_of_this_machine_is_taken_over_at_once(hasty: None) -> None:
    import platform

    dead = _python("pass")
    dead.communicate()
    place = _place("dead")
    place.write_bytes(f"{platform.node()} {dead.pid} abc 7".encode())
    began = time.monotonic()
    with Lease(place).held(QUIET):
        assert time.monotonic() - began < 0.5


def test_a_run_that_lost_its_lease_says_so(hasty: None) -> None:
    place = _place("lost")
    with pytest.raises(HarnessError, match="Another run took over"), Lease(place).held(QUIET):
        place.write_bytes(b"elsewhere 1 abc 0")
        time.sleep(0.3)
    assert place.read_bytes() == b"elsewhere 1 abc 0"


def test_a_request_that_fails_costs_no_lease(hasty: None, monkeypatch: pytest.MonkeyPatch) -> None:
    place = _place("shaky")
    calls: list[int] = []

    def shaky(path: object, content: bytes) -> None:
        calls.append(1)
        if len(calls) == 3:
            raise OSError("503")
        put(path, content)  # type: ignore[arg-type]

    monkeypatch.setattr(claims, "put", shaky)
    with Lease(place).held(QUIET):
        time.sleep(0.4)
        assert len(calls) > 4
    assert not place.exists()


def test_a_lease_that_cannot_be_renewed_is_lost(hasty: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another run may have taken it over: it says so, and leaves what lies there."""
    place = _place("cut off")
    with pytest.raises(HarnessError, match="Another run took over"), Lease(place).held(QUIET):

        def cut_off(path: object, content: bytes) -> None:
            raise OSError("no route")

        monkeypatch.setattr(claims, "put", cut_off)
        time.sleep(1.0)
    assert place.exists()

"""`--executor ray` on a real cluster of two nodes on this machine (two `ray start`), one killed in the middle."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from executors import children, results, start, wait_for
from kill_and_resume import files

pytest.importorskip("ray", reason="the package ray is not installed (extra `ray`)")
pytestmark = pytest.mark.ray


# Two nodes on one machine: each takes what ports are free, instead of the ranges that a machine of its own would have.
OWN = ["--block", "--num-cpus=1", f"--object-store-memory={80 * 2**20}", "--disable-usage-stats"]
PORTS = ["--min-worker-port=0", "--max-worker-port=0", "--dashboard-agent-listen-port=0", "--node-ip-address=127.0.0.1"]


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The address of a head node and one more, a processor each, and the second one's `ray start`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    # Ray's own default; a path of the test's would be too long for its sockets.
    place = tempfile.mkdtemp(prefix="ray")
    head = node("--head", f"--port={address.partition(':')[2]}", "--include-dashboard=false", f"--temp-dir={place}")
    started = [head]
    try:
        wait_for(lambda: raylet_of(head), head)
        started.append(node(f"--address={address}"))
        wait_for(lambda: raylet_of(started[1]), started[1])
        yield address, started[1]
    finally:
        for one in reversed(started):
            one.terminate()
            one.wait(60)
        shutil.rmtree(place, ignore_errors=True)


def node(*flags: str) -> "subprocess.Popen[bytes]":
    """`ray start` with resources of its own; it lives until it is told to end."""
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", *flags, *OWN, *PORTS]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def raylet_of(started: "subprocess.Popen[bytes]") -> int | None:
    """The process that is the node."""
    own = children(started.pid)
    return next((one for one in own if b"raylet/raylet" in Path(f"/proc/{one}/cmdline").read_bytes()), None)


def test_a_node_killed_in_the_middle(
    cluster: tuple[str, Any], tiny: Path, calm: dict[str, bytes], tmp_path: Path
) -> None:
    address, second = cluster
    driver = start(tiny, tmp_path, "--executor", "ray", "--workers", "2", RAY_ADDRESS=address)
    raylet = raylet_of(second)
    assert raylet is not None
    wait_for(lambda: results(tmp_path) and at_work(raylet), driver)
    there = len(results(tmp_path))
    os.kill(raylet, signal.SIGKILL)
    said = driver.communicate()[1]
    assert driver.returncode == 0, said
    assert there < len(results(tmp_path))
    assert files(tmp_path) == calm


def at_work(raylet: int) -> bool:
    """Whether a process of a node runs a task of ours, as its title says."""
    return any(b"ray::_task" in Path(f"/proc/{one}/cmdline").read_bytes() for one in children(raylet))

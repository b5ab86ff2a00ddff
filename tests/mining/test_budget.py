"""Memory: how it is written, what a search is allowed of it, and that a run keeps to it."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.mining.budget import (
    GIB,
    MIB,
    Peak,
    Size,
    TooSmallError,
    exact_needs,
    exact_shard,
    held,
    ivf_needs,
    parse_size,
    show,
)
from harness.retrieval.ivf import PROBED

LINUX = pytest.mark.skipif(not held(), reason="the system does not tell anonymous memory apart")


@pytest.mark.parametrize(
    ("text", "size"), [("8G", 8 * GIB), ("600M", 600 * MIB), ("1.5gib", 3 * GIB // 2), ("4GB", 4 * GIB), ("1024", 1024)]
)
def test_sizes_as_people_write_them(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "G", "-1G", "8X", "0", "lots"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(HarnessError, match="no amount of memory"):
        parse_size(text)


def test_sizes_are_shown_for_people() -> None:
    assert show(600 * MIB) == "600 MiB"
    assert show(4.5 * GIB) == "4.50 GiB"


def test_shards_grow_with_memory_and_are_all_of_it_at_last() -> None:
    size = Size(400_000, 400_000, 1024, 4)
    shards = [exact_shard(size, free) for free in (480 * MIB, 550 * MIB, 700 * MIB, 4 * GIB)]
    assert shards == sorted(shards)
    assert shards[0] < shards[1] < shards[2] < shards[3] == 400_000
    with pytest.raises(TooSmallError):
        exact_shard(size, 200 * MIB)
    assert ivf_needs(size) > size.coded * 800_000


def test_a_search_by_cells_counts_the_cells_it_knows_at_once() -> None:
    size = Size(100_000, 100_000, 8, 4)
    assert ivf_needs(size) >= exact_needs(size, 200_000) + 4 * PROBED


@LINUX
def test_the_peak_is_what_was_held() -> None:
    with Peak() as peak:
        block = np.ones(300 * MIB // 8)
        time.sleep(0.2)
        del block
        time.sleep(0.2)
    assert peak.anonymous - held()["RssAnon"] > 250 * MIB


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """A source side that alone is larger than what may be held, and a small target side."""
    folder = tmp_path_factory.mktemp("vectors")
    random = np.random.default_rng(0)
    topics = random.standard_normal((200, 1024), dtype=np.float32)
    for name, rows in (("a", 168_000), ("b", 2000)):
        out = np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.float32, (rows, 1024))
        for start in range(0, rows, 2000):
            part = topics[random.integers(200, size=2000)] + random.standard_normal((2000, 1024), dtype=np.float32)
            out[start : start + 2000] = part / np.linalg.norm(part, axis=1, keepdims=True)
    assert (folder / "a.npy").stat().st_size > 650 * MIB
    yield [str(folder / "a.npy"), str(folder / "b.npy")]
    shutil.rmtree(folder)


@LINUX
@pytest.mark.parametrize("index", ["exact", "ivf"])
def test_a_run_keeps_to_its_memory(index: str, vectors: list[str], tmp_path: Path) -> None:
    """By the system's own count, from outside."""
    command = [sys.executable, "-m", "harness", "mine", "--vectors", *vectors, "--output", str(tmp_path / "pairs.tsv")]
    assert peak_of([*command, "--memory", "640M", "--index", index, "--quiet"]) < 640 * MIB
    assert len((tmp_path / "pairs.tsv").read_text("utf-8").splitlines()) > 1000


@LINUX
def test_too_little_memory_is_refused_and_named(vectors: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "harness", "mine", "--vectors", *vectors, "--output", str(tmp_path / "pairs.tsv")]
    done = subprocess.run([*command, "--memory", "200M", "--quiet"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--memory is 200 MiB" in done.stderr
    assert "needs" in done.stderr
    assert "Traceback" not in done.stderr


def peak_of(command: list[str]) -> int:
    peak = 0
    with subprocess.Popen(command) as process:
        status = Path(f"/proc/{process.pid}/status")
        while process.poll() is None:
            for line in status.read_text("ascii", "replace").splitlines():
                if line.startswith("RssAnon"):
                    peak = max(peak, int(line.split()[1]) * 1024)
            time.sleep(0.01)
    assert process.returncode == 0
    return peak

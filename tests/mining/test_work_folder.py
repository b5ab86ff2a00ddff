"""The folder beside the output: what a second run may take from it, and what it leaves alone."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import harness.mining
from harness.errors import HarnessError


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Path, Path]:
    """Two files of vectors that are not of length one, so that copies are made in the folder."""
    random = np.random.default_rng(0)
    places = tmp_path / "a.npy", tmp_path / "b.npy"
    for place in places:
        np.save(place, random.standard_normal((60, 8), dtype=np.float32))
    return places


HOLD = """
import sys
from pathlib import Path
from harness.lock import Locks
locks = Locks(Path(sys.argv[1]))
print(locks.take("mine"), flush=True)
input()
"""


def die(label: str, done: int, total: int) -> None:
    if label.startswith("searching"):
        raise KeyboardInterrupt


def test_swapped_sides_are_another_run(sides: tuple[Path, Path], tmp_path: Path) -> None:
    output = tmp_path / "pairs.tsv"
    with pytest.raises(KeyboardInterrupt):
        harness.mining.mine(vectors=sides, output=output, progress=die)
    with pytest.raises(HarnessError, match="unfinished run with other files"):
        harness.mining.mine(vectors=sides[::-1], output=output)


def test_two_runs_into_one_output_do_not_mix(sides: tuple[Path, Path], tmp_path: Path) -> None:
    output = tmp_path / "pairs.tsv"
    command = [sys.executable, "-c", HOLD, str(tmp_path / ".pairs.tsv.lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        with pytest.raises(HarnessError, match=r"Another process is mining into .*pairs\.tsv"):
            harness.mining.mine(vectors=sides, output=output)
        assert not (tmp_path / "pairs.tsv.work").exists()
        other.communicate("\n")
    assert harness.mining.mine(vectors=sides, output=output).pairs > 0

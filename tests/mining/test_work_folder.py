"""The folder beside the output: what a second run may take from it, and what it leaves alone."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import harness.mining
from harness.errors import HarnessError
from harness.mining import run as running


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


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="the system does not tell what is mapped")
def test_nothing_maps_the_folder_s_files_when_it_is_deleted(
    sides: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NFS keeps a deleted file that is mapped, and with it the folder."""
    mapped: list[bool] = []
    delete = running._forget

    def look(*ignored: object) -> None:
        mapped.append("pairs.tsv.work" in Path("/proc/self/maps").read_text("utf-8"))

    def forget(work: Path) -> None:
        look()
        delete(work)

    monkeypatch.setattr(running, "_forget", forget)
    harness.mining.mine(vectors=sides, output=tmp_path / "pairs.tsv", progress=look)
    assert True in mapped[:-1]
    assert not mapped[-1]


def test_a_folder_that_cannot_be_deleted_does_not_fail_the_run(
    sides: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete = os.unlink

    def refuse(place: os.PathLike[str], *more: Any, **options: Any) -> None:
        if os.fspath(place).endswith("source.npy"):
            raise OSError("Device or resource busy")
        delete(place, *more, **options)

    monkeypatch.setattr(os, "unlink", refuse)
    for _ in range(2):
        assert harness.mining.mine(vectors=sides, output=tmp_path / "pairs.tsv").pairs > 0
        assert {place.name for place in (tmp_path / "pairs.tsv.work").iterdir()} == {"run.json", "source.npy"}


def test_a_run_killed_while_it_deletes_its_folder_can_be_run_again(tmp_path: Path) -> None:
    texts = tmp_path / "a.txt", tmp_path / "b.txt"
    for at, place in enumerate(texts):
        place.write_text("\n".join(f"{number * (at + 1)}" for number in range(60)), encoding="utf-8")
        np.save(tmp_path / f"{at}.npy", np.random.default_rng(at).standard_normal((60, 8), dtype=np.float32))
    given = {"source": texts[0], "target": texts[1], "vectors": (tmp_path / "0.npy", tmp_path / "1.npy")}
    straight, output, work = tmp_path / "straight.tsv", tmp_path / "pairs.tsv", tmp_path / "pairs.tsv.work"
    harness.mining.mine(**given, output=straight)
    with pytest.raises(KeyboardInterrupt):
        harness.mining.mine(**given, output=output, progress=die)
    whole = tmp_path / "whole"
    shutil.copytree(work, whole)
    for name in sorted(place.name for place in whole.iterdir() if place.name != "run.json"):
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(whole, work)
        if (work / name).is_dir():
            shutil.rmtree(work / name)
        else:
            (work / name).unlink()
        harness.mining.mine(**given, output=output)
        assert output.read_bytes() == straight.read_bytes()

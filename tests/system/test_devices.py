"""`--executor devices`: the bytes of one process, whatever the number of workers and whoever dies."""

import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from executors import command, results, start, wait_for, workers
from kill_and_resume import files

from harness.cli import main


def test_interrupted_resumed_and_a_worker_killed(tiny: Path, calm: dict[str, bytes], tmp_path: Path) -> None:
    devices = ("--executor", "devices", "--workers", "2")
    driver = start(tiny, tmp_path, *devices)
    wait_for(lambda: results(tmp_path), driver)
    running = workers(driver.pid)
    driver.send_signal(signal.SIGINT)
    said = driver.communicate()[1]
    assert (len(running), driver.returncode) == (2, 130)
    assert said == "harness: interrupted; run the same command again to go on from here\n"
    assert not any(Path(f"/proc/{one}").exists() for one in running)
    kept = {path: path.stat().st_mtime_ns for path in results(tmp_path)}

    driver = start(tiny, tmp_path, *devices)
    wait_for(lambda: len(results(tmp_path)) > len(kept), driver)
    there = len(results(tmp_path))
    os.kill(workers(driver.pid)[0], signal.SIGKILL)
    said = driver.communicate()[1]
    assert (driver.returncode, said) == (0, "")
    assert there < len(results(tmp_path))
    assert files(tmp_path) == calm
    assert kept == {path: path.stat().st_mtime_ns for path in kept}
    models = [path for path in (tmp_path / ".cache" / "models").iterdir() if path.is_dir()]
    assert len(models) == 2, "each task's model is trained once"


def test_two_drivers_on_one_folder_share_the_work(tiny: Path, calm: dict[str, bytes], tmp_path: Path) -> None:
    """Every result is written once, and neither run lacks any."""
    tasks = ("--tasks", "tatoeba,bucc2018")
    drivers = [start(tiny, tmp_path, *tasks) for _ in range(2)]
    assert [(driver.communicate()[1], driver.returncode) for driver in drivers] == [("", 0)] * 2
    assert files(tmp_path) == {name: content for name, content in calm.items() if name.split("/")[1] in tasks[1]}


def test_ray_that_is_not_installed_names_its_install_line(
    tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    given = command(tiny, tmp_path / "results", "--tasks", "tatoeba", "--executor", "ray")[3:]
    assert main(given) == 2
    assert "pip install 'zeroshot-harness[ray]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--executor", "devices"], "--workers N"),
        (["--workers", "2"], "--executor devices"),
        (["--executor", "devices", "--workers", "2", "--device", "cuda:1"], "CUDA_VISIBLE_DEVICES"),
        pytest.param(
            ["--executor", "ray", "--workers", "2"],
            "Nobody answers at RAY_ADDRESS=127.0.0.1:9",
            marks=pytest.mark.skipif(find_spec("ray") is None, reason="the package ray is not installed"),
        ),
    ],
)
def test_mistakes_are_one_sentence(
    tiny: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    flags: list[str],
    said: str,
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")
    given = command(tiny, tmp_path / "results", "--tasks", "tatoeba", *flags)[3:]
    assert main(given) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "results").exists()

"""What the tests of executors share: one evaluation, its files, and the processes that it starts."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from kill_and_resume import files
from tiny_models import save_model

Started = subprocess.Popen[str]


def make_model(folder: Path) -> Path:
    """A tiny encoder."""
    return save_model(folder, "bert", "masked-lm")


def command(model: Path, output: str | Path, *more: str) -> list[str]:
    """Two tasks with a training each, retrieval, and mining in all its languages."""
    flags = ["--model", str(model), "--name", "tiny", "--data", "bundled", "--output", str(output), "--quiet"]
    tasks = ["--tasks", "xnli,udpos,tatoeba,bucc2018", "--languages", "de,fr,ru,zh"]
    training = ["--max-steps", "6", "--batch-size", "8", "--device", "cpu"]
    return [sys.executable, "-m", "harness", "eval", *flags, *tasks, *training, *more]


def run_to_the_end(model: Path, output: Path, *more: str) -> dict[str, bytes]:
    """Its files."""
    subprocess.run(command(model, output, *more), check=True, stdout=subprocess.DEVNULL)
    return files(output)


def start(model: Path, output: Path, *more: str, **environment: str) -> Started:
    """The evaluation as a process, with its errors in a pipe. It hears ctrl-C, also where the tests are run in the
    background by a shell, which tells its children to ignore it."""
    given = ["env", "--default-signal=INT", *command(model, output, *more)]
    known = {**os.environ, **environment}
    return subprocess.Popen(given, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=known)


def wait_for(condition: Callable[[], object], process: Started, seconds: float = 120) -> None:
    """Until it holds; the process must be running all the while."""
    end = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, f"it ended too early: {process.communicate()[1]}"
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.02)


def results(output: Path) -> list[Path]:
    """Results that are there, without those that only say why there is none."""
    found = [path for path in output.glob("[!.]*/*/*/*.json") if not path.name.endswith(".run.json")]
    return [path for path in found if b'"status": "scored"' in path.read_bytes()]


def workers(driver: int) -> list[int]:
    """Worker processes of a driver."""
    return [one for one in children(driver) if b"harness.execute.worker" in Path(f"/proc/{one}/cmdline").read_bytes()]


def children(process: int) -> list[int]:
    """Its child processes."""
    found: list[int] = []
    for task in Path(f"/proc/{process}/task").iterdir():
        found += [int(one) for one in (task / "children").read_text().split()]
    return found

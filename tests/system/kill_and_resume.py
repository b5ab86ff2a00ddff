"""Kills `harness eval` at random points and starts it again: the results must be the bytes of an undisturbed run.

    python -m tests.system.kill_and_resume --kills 20

SIGKILL, SIGTERM and ctrl-C take turns. The test beside this file does a few; this script does all."""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


def command(model: Path, output: Path) -> list[str]:
    """A run of a few tasks and languages."""
    flags = ["--model", str(model), "--name", "minilm", "--data", "bundled", "--output", str(output), "--quiet"]
    chosen = ["--tasks", "tatoeba,bucc2018", "--languages", "de,fr,ru", "--layer", "all"]
    return [sys.executable, "-m", "harness", "eval", *flags, *chosen]


def files(folder: Path) -> dict[str, bytes]:
    """What must be the same bytes: results and predictions."""
    paths = [path for path in folder.glob("[!.]*/**/*") if path.is_file() and ".run.json" not in path.name]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def undisturbed(model: Path, output: Path) -> float:
    """Runs to the end; seconds."""
    started = time.monotonic()
    subprocess.run(command(model, output), check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - started


def disturbed(model: Path, output: Path, kills: int, seconds: float, seed: int, first: int = 0) -> int:
    """Kills that many runs at random points of their time, beginning with signal `first`, then runs to the end; how
    many died in the middle."""
    generator = random.Random(seed)
    died = 0
    for number in range(kills):
        run = subprocess.Popen(command(model, output), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            run.wait(generator.uniform(0.3, 1.0) * seconds)
        except subprocess.TimeoutExpired:
            run.send_signal(SIGNALS[(first + number) % len(SIGNALS)])
            died += run.wait() != 0
    undisturbed(model, output)
    return died


def main() -> None:
    """Prints how many runs died and whether the results are the same."""
    from benchmarks.minilm import minilm

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    model = minilm()
    with tempfile.TemporaryDirectory() as folder:
        seconds = undisturbed(model, Path(folder) / "calm")
        expected = files(Path(folder) / "calm")
        same = died = 0
        for number in range(options.kills):
            output = Path(folder) / f"killed{number}"
            died += disturbed(model, output, 1, seconds, options.seed + number, number)
            found = files(output)
            same += found == expected
            other = [name for name in {*found, *expected} if found.get(name) != expected.get(name)]
            print(f"run {number + 1}: {'differs in ' + ', '.join(sorted(other)) if other else 'the same'}", flush=True)
    print(f"{options.kills} runs, {died} killed in the middle, {same} with the bytes of the undisturbed run")
    sys.exit(same != options.kills)


if __name__ == "__main__":
    main()

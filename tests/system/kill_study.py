"""Kills `harness study` with SIGKILL at random points and starts it again: table and results must be the same bytes.

    python tests/system/kill_study.py --kills 10

The test beside this file does two; this script does as many as are asked for."""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import tiny_models


def command(base: Path, output: Path) -> list[str]:
    """A study of two recipes and two seeds on a retrieval and a fine-tuned task."""
    given = ["--base", str(base), "--data", "bundled", "--output", str(output), "--quiet", "--languages", "en,de,fr"]
    chosen = ["--recipes", "none,qqp,pairs", "--tasks", "tatoeba,pawsx", "--seeds", "1,2", "--no-sweep"]
    made = ["--recipe-max-steps", "4", "--recipe-batch-size", "8", "--recipe-max-length", "32"]
    saved = ["--recipe-save-every", "1", "--recipe-dev-limit", "8", "--recipe-device", "cpu", "--device", "cpu"]
    tuned = ["--max-steps", "2", "--batch-size", "8", "--set", "pawsx:limit=12", "--set", "pawsx:max-length=32"]
    return [sys.executable, "-m", "harness", "study", *given, *chosen, *made, *saved, *tuned]


def contents(output: Path) -> dict[str, bytes]:
    """The table and the results, without what may differ between two equal runs."""
    found = {"table.json": (output / "table.json").read_bytes()}
    for path in (output / "results").glob("[!.]*/**/*"):
        if path.is_file() and ".run.json" not in path.name:
            found[str(path.relative_to(output))] = path.read_bytes()
    return found


def undisturbed(base: Path, output: Path) -> float:
    """Runs to the end; seconds."""
    started = time.monotonic()
    subprocess.run(command(base, output), check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - started


def disturbed(base: Path, output: Path, kills: int, seconds: float, seed: int) -> int:
    """Kills that many runs at random points of their time, then runs to the end; how many died in the middle."""
    generator = random.Random(seed)
    died = 0
    for _ in range(kills):
        run = subprocess.Popen(command(base, output), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            run.wait(generator.uniform(0.3, 0.9) * seconds)
        except subprocess.TimeoutExpired:
            run.send_signal(signal.SIGKILL)
            died += run.wait() != 0
    undisturbed(base, output)
    return died


def main() -> None:
    """Prints how many runs died and whether the table is the same."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        base = tiny_models.save_model(Path(folder) / "base", "bert", "masked-lm", layers=3)
        seconds = undisturbed(base, Path(folder) / "calm")
        died = disturbed(base, Path(folder) / "killed", options.kills, seconds, options.seed)
        same = contents(Path(folder) / "killed") == contents(Path(folder) / "calm")
    print(f"{options.kills} kills, {died} in the middle; the table is {'the same' if same else 'ANOTHER'}")
    sys.exit(not same)


if __name__ == "__main__":
    main()

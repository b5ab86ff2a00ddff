"""Checkpoints of one training, `run/checkpoint-*`: their paths in the order of their steps, and their names."""

import glob
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError

_STEP = re.compile(r"(\d+)(?!.*\d)")


@dataclass(frozen=True)
class Asked:
    """A model that was asked for; `name` is set for a checkpoint of a trajectory: `run@500`."""

    model: str
    name: str | None = None


def expand(models: Sequence[str | Path], name: str | None = None) -> list[Asked]:
    """Each model; a pattern stands for the folders that match it, by step."""
    out: list[Asked] = []
    for model in map(str, models):
        if Path(model).exists() or not glob.has_magic(model):
            out.append(Asked(model))
            continue
        folders = [path for path in map(Path, glob.glob(model)) if path.is_dir()]
        if not folders:
            raise HarnessError(f"No folder matches {model}.", "Check the pattern given to --model.")
        steps = {path: step_of(path.name) for path in folders}
        without = [path for path, step in steps.items() if step is None]
        if without:
            raise HarnessError(f"{without[0]} matches {model} but has no step in its name.", "Narrow the pattern.")
        for path in sorted(folders, key=lambda path: steps[path] or 0):
            out.append(Asked(str(path), f"{name or path.resolve().parent.name}@{steps[path]}"))
    named: dict[str, str] = {}
    for one in out:
        if one.name is not None and named.setdefault(one.name, one.model) != one.model:
            raise HarnessError(
                f"{named[one.name]} and {one.model} would both be called {one.name}.",
                "Score them by two commands, each with a --name of its own.",
            )
    return out


def step_of(name: str) -> int | None:
    """The last number of a folder's name: 500 of `checkpoint-500`."""
    found = _STEP.search(name)
    return int(found.group(1)) if found else None


def split_step(name: str) -> tuple[str, int | None]:
    """`run@500` -> (run, 500); a name that is of no trajectory -> (name, None)."""
    run, mark, step = name.rpartition("@")
    return (run, int(step)) if mark and step.isdecimal() else (name, None)

"""What a killed training needs to go on as if nothing had happened, and how it is kept on disk.

Every random draw of a step follows from (seed, step, process), so that no generator's state need be kept."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from accelerate import Accelerator

from harness.errors import HarnessError
from harness.train.problem import DevScore, Problem
from harness.train.selection import Kept
from harness.train.settings import TrainSettings

FOLDER = "resume"
PARTIAL = "partial"
IDENTITY = "identity.txt"
SAMPLE = 1000


@dataclass
class State:
    """How far a training is. `micro_tokens` and `full_precision` hold what it had to change on its way."""

    kept: Kept
    micro_tokens: int
    full_precision: bool = False
    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    losses: list[float] = field(default_factory=list)
    dev_scores: list[DevScore] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def state_dict(self) -> dict[str, Any]:
        """All of it, for a resume."""
        plain = {one.name: getattr(self, one.name) for one in fields(self)}
        dev_scores = [(one.step, one.score) for one in self.dev_scores]
        return {**plain, "kept": self.kept.state_dict(), "dev_scores": dev_scores}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes up what `state_dict` gave."""
        self.kept.load_state_dict(state["kept"])
        dev_scores = [DevScore(*one) for one in state["dev_scores"]]
        vars(self).update({**state, "kept": self.kept, "dev_scores": dev_scores})


def identity(problem: Problem, settings: TrainSettings, processes: int) -> str:
    """A digest of what decides a training's course: the settings, the lengths of the features, the weights
    at the start (name, shape and a sample of each) and the number of processes."""
    digest = hashlib.sha256(json.dumps([settings.as_signature(), settings.seed, processes]).encode())
    digest.update(f"{settings.micro_tokens} {problem.whole}".encode())
    if problem.rates:
        digest.update(json.dumps(dict(problem.rates), sort_keys=True).encode())
    digest.update(problem.lengths.tobytes())
    if problem.groups is not None:
        digest.update(problem.groups.tobytes())
    if problem.quotas is not None:
        digest.update(problem.quotas.tobytes())
    for name, weight in problem.model.named_parameters():
        digest.update(f"{name} {tuple(weight.shape)} {weight.requires_grad}".encode())
        sample = weight.detach().flatten()[:: weight.numel() // SAMPLE + 1]
        digest.update(sample.float().cpu().numpy().tobytes())
    return digest.hexdigest()


def save(
    accelerator: Accelerator, state: State, folder: Path, mark: str, parts: Callable[[Path], None] | None = None
) -> None:
    """Keeps the state after a step and drops the one before: whole or not at all, by renaming. `parts` writes what
    every process has for itself."""
    partial = folder / FOLDER / PARTIAL
    if accelerator.is_main_process:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
    accelerator.wait_for_everyone()
    # safetensors would drop one of two tied weights
    accelerator.save_state(str(partial), safe_serialization=False)
    if parts:
        parts(partial)
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        older = _saved(folder)
        (partial / IDENTITY).write_text(mark, "utf-8")
        partial.rename(folder / FOLDER / f"step-{state.step:09d}")
        for one in older:
            shutil.rmtree(one)
    accelerator.wait_for_everyone()


def resume(
    accelerator: Accelerator, state: State, folder: Path, mark: str, parts: Callable[[Path], None] | None = None
) -> None:
    """Takes up the last state that was kept, if there is one; `parts` reads what every process has for itself.
    HarnessError where it is another training's."""
    accelerator.register_for_checkpointing(state)
    saved = _saved(folder)
    if not saved:
        return
    last = saved[-1]
    if (last / IDENTITY).read_text("utf-8") != mark:
        raise HarnessError(
            f"{folder / FOLDER} holds an unfinished training with other settings, data or weights.",
            "Delete it, or choose another folder.",
        )
    accelerator.load_state(str(last))
    if parts:
        parts(last)


def _saved(folder: Path) -> list[Path]:
    """The states on disk, oldest first."""
    return sorted((folder / FOLDER).glob("step-*"))


def clear(accelerator: Accelerator, folder: Path) -> None:
    """Deletes what was kept."""
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        shutil.rmtree(folder / FOLDER, ignore_errors=True)

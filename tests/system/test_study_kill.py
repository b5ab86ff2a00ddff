"""A study that is killed goes on where it stood and ends with the same table."""

from pathlib import Path

import tiny_models
from kill_study import contents, disturbed, undisturbed


def test_killed_twice_is_as_if_never(tmp_path: Path) -> None:
    base = tiny_models.save_model(tmp_path / "base", "bert", "masked-lm", layers=3)
    seconds = undisturbed(base, tmp_path / "calm")
    died = disturbed(base, tmp_path / "killed", 2, seconds, seed=3)
    assert died >= 1
    assert contents(tmp_path / "killed") == contents(tmp_path / "calm")

"""Patterns of checkpoints: by step, named by run and step; nothing that has no step."""

from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.trajectory import expand, split_step, step_of


def _run(root: Path, *names: str) -> str:
    for name in names:
        (root / "run" / name).mkdir(parents=True)
    return str(root / "run" / "checkpoint-*")


def test_steps_are_in_order_of_number(tmp_path: Path) -> None:
    pattern = _run(tmp_path, "checkpoint-1000", "checkpoint-200", "checkpoint-30")
    assert [one.name for one in expand([pattern])] == ["run@30", "run@200", "run@1000"]
    assert [one.name for one in expand([pattern], "mine")] == ["mine@30", "mine@200", "mine@1000"]


def test_a_plain_path_stays(tmp_path: Path) -> None:
    assert [(one.model, one.name) for one in expand(["org/name", str(tmp_path)])] == [
        ("org/name", None),
        (str(tmp_path), None),
    ]


def test_a_pattern_that_matches_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="No folder matches"):
        expand([str(tmp_path / "none-*")])


def test_a_folder_without_a_step_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="no step in its name"):
        expand([_run(tmp_path, "checkpoint-1", "checkpoint-best")])


def test_names_are_split_again() -> None:
    assert split_step("run@500") == ("run", 500)
    assert split_step("model") == ("model", None)
    assert step_of("step_0042-final") == 42


def test_two_runs_of_one_name_are_refused(tmp_path: Path) -> None:
    """One of them would not be scored, and nobody would be told."""
    patterns = [_run(tmp_path / name, "checkpoint-30") for name in ("a", "b")]
    with pytest.raises(
        HarnessError, match=r"a/run/checkpoint-30 and .*b/run/checkpoint-30 would both be called run@30"
    ):
        expand(patterns)
    assert len(expand([patterns[0], patterns[0]])) == 2

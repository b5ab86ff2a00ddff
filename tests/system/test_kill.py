"""A run that is killed goes on where it stood and ends with the same bytes."""

from pathlib import Path

from kill_and_resume import disturbed, files, undisturbed


def test_killed_three_times_is_as_if_never(minilm: Path, tmp_path: Path) -> None:
    seconds = undisturbed(minilm, tmp_path / "calm")
    died = disturbed(minilm, tmp_path / "killed", 3, seconds, seed=1)
    assert died >= 1
    expected = files(tmp_path / "calm")
    assert len(expected) >= 6 * 2 * 5
    assert files(tmp_path / "killed") == expected

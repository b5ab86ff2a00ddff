"""What `harness mine` refuses before it loses or overwrites anything."""

from pathlib import Path

import numpy as np
import pytest

import harness.mining
from harness.cli import main
from harness.errors import HarnessError


def test_an_input_is_not_overwritten(tmp_path: Path) -> None:
    source, target = tmp_path / "a.npy", tmp_path / "b.npy"
    for place in (source, target):
        np.save(place, np.eye(4, dtype=np.float32))
    (tmp_path / "link.npy").symlink_to(source)
    for output in (source, tmp_path / "link.npy", tmp_path / ".." / tmp_path.name / "a.npy"):
        with pytest.raises(HarnessError, match="is an input and would be overwritten"):
            harness.mining.mine(vectors=(source, target), output=output)
    (tmp_path / "pairs.tsv.work").mkdir()
    kept = source.rename(tmp_path / "pairs.tsv.work" / "a.npy")
    with pytest.raises(HarnessError, match="which is deleted at the end"):
        harness.mining.mine(vectors=(kept, target), output=tmp_path / "pairs.tsv")


def test_a_folder_that_is_not_ours_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "a.npy", np.eye(4, dtype=np.float32))
    (tmp_path / "pairs.tsv.work").mkdir()
    (tmp_path / "pairs.tsv.work" / "thesis.tex").write_text("years of work", encoding="utf-8")
    vectors = ["--vectors", str(tmp_path / "a.npy"), str(tmp_path / "a.npy")]
    assert main(["mine", *vectors, "--output", str(tmp_path / "pairs.tsv")]) == 2
    assert "is not of a mining run: it holds thesis.tex" in capsys.readouterr().err
    assert (tmp_path / "pairs.tsv.work" / "thesis.tex").read_text("utf-8") == "years of work"


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_files_that_hold_no_vectors_are_refused(
    more: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = np.eye(4, dtype=np.float32) + 1
    np.savez(tmp_path / "archive.npz", good)
    for name, array in (("good", good), ("flat", good[0]), ("whole", good.astype(int)), ("narrow", good[:, :3])):
        np.save(tmp_path / f"{name}.npy", array)
    cases = {
        "archive.npz": "is an archive of arrays",
        "flat.npy": "float32 of shape (4,)",
        "whole.npy": "int64 of shape (4, 4)",
        "narrow.npy": "4 dimensions, the target's 3",
    }
    for name, message in cases.items():
        vectors = ["--vectors", str(tmp_path / "good.npy"), str(tmp_path / name)]
        assert main(["mine", *vectors, "--output", str(tmp_path / f"{name}.tsv"), *more]) == 2
        assert message in capsys.readouterr().err

"""What an export refuses: two models in one submission, and files of another one beside it."""

from pathlib import Path

import pytest
from made_results import Made, write

from harness.errors import HarnessError
from harness.report.export import MANIFEST, export
from harness.store import Store

RIGHT = [True, False, True, True, False, True]


def test_two_models_make_no_submission(tmp_path: Path) -> None:
    write(tmp_path / "results", Made("ckpt"), {"de": RIGHT}, average=False)
    write(tmp_path / "results", Made("ckpt", weights="w1"), {"sw": RIGHT}, average=False)
    with pytest.raises(HarnessError, match=r"come from different weights .those of xnli/de and xnli/sw"):
        export(Store(tmp_path / "results"), "ckpt", tmp_path / "out", with_labels=True)
    assert not (tmp_path / "out").exists()


def test_a_head_of_each_task_may_have_a_model_of_its_own(tmp_path: Path) -> None:
    write(tmp_path / "results", Made("ckpt", folder="head"), {"de": RIGHT}, average=False)
    write(tmp_path / "results", Made("ckpt", "pawsx", "head", weights="w1"), {"de": RIGHT}, average=False)
    assert export(Store(tmp_path / "results"), "ckpt", tmp_path / "out", with_labels=False).files == 2


def test_files_of_an_earlier_export_are_not_left_beside_it(tmp_path: Path) -> None:
    write(tmp_path / "a", Made("ckpt"), {"de": RIGHT, "sw": RIGHT}, average=False)
    write(tmp_path / "b", Made("other"), {"de": RIGHT}, average=False)
    export(Store(tmp_path / "a"), "ckpt", tmp_path / "out", with_labels=False)
    manifest = (tmp_path / "out" / MANIFEST).read_bytes()
    with pytest.raises(HarnessError, match=r"predictions of an earlier export .*xnli/test-sw.tsv"):
        export(Store(tmp_path / "b"), "other", tmp_path / "out", with_labels=False)
    assert (tmp_path / "out" / MANIFEST).read_bytes() == manifest
    # More languages of the same are no leftovers.
    export(Store(tmp_path / "b"), "other", tmp_path / "new", with_labels=False)
    export(Store(tmp_path / "a"), "ckpt", tmp_path / "new", with_labels=False)


def test_two_protocols_are_not_chosen_between(tmp_path: Path) -> None:
    for folder in ("head", "transfer"):
        write(tmp_path / "results", Made("ckpt", folder=folder), {"de": RIGHT}, average=False)
    with pytest.raises(HarnessError, match="xnli was scored under head, transfer"):
        export(Store(tmp_path / "results"), "ckpt", tmp_path / "out", with_labels=False)
    found = export(Store(tmp_path / "results"), "ckpt", tmp_path / "out", with_labels=False, setting="head")
    assert found.files == 1

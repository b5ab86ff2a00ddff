"""The results folder: what is written is read back, and nothing is there by half."""

import json
import os
import platform
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.metrics.score import Item, Score
from harness.store import Result, Store, changed, open_store

RESULT = Result(
    checkpoint="org__name",
    task="tatoeba",
    language="de",
    split="test",
    protocol="retrieve",
    settings={"layer": 6},
    seed=0,
    status="scored",
    fingerprint={"weights": "ab", "task": 1, "data": "cd", "settings": {"layer": 6}},
    folder="retrieve@layer6",
    scores=(Score("accuracy", 0.5, 0.4, 0.6, 10, True, "accuracy|tatoeba"),),
)
ITEMS = (Item("1", 1, 2, "1", {"csls": 3}), Item("ü", ["a"], {"target": "b", "score": 0.123456}, "x"))


def test_what_a_killed_writer_left_goes_with_the_next_write(tmp_path: Path) -> None:
    """A file half written by a process that is gone; one by a process that runs stays."""
    store = open_store(tmp_path)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    folder = store.path(RESULT).parent
    folder.mkdir(parents=True)
    halves = {pid: folder / f".de.seed0.json.{platform.node()}-{pid}.tmp" for pid in (gone.pid, os.getppid())}
    for half in halves.values():
        half.write_bytes(b"{")
    store.write(RESULT, ITEMS)
    assert [half.exists() for half in halves.values()] == [False, True]


def test_results_and_predictions_round_trip(tmp_path: Path) -> None:
    store = open_store(tmp_path / "results")
    store.write(RESULT, ITEMS, {"seconds": 1.0})
    assert store.path(RESULT) == tmp_path / "results/org__name/tatoeba/retrieve@layer6/de.seed0.json"
    assert list(store.results()) == [RESULT]
    assert store.read(RESULT) == RESULT
    assert store.items(RESULT) == ITEMS
    assert store.run(RESULT) == {"seconds": 1.0}


def test_equal_results_are_equal_bytes(tmp_path: Path) -> None:
    contents = []
    for name in ("a", "b"):
        store = open_store(tmp_path / name)
        store.write(RESULT, ITEMS)
        contents.append([path.read_bytes() for path in sorted((tmp_path / name).rglob("*.*")) if path.is_file()])
    assert contents[0] == contents[1]
    assert len(contents[0]) == 2


def test_the_record_is_the_documented_one(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.write(RESULT, ITEMS)
    record = json.loads(store.path(RESULT).read_text("utf-8"))
    assert record["schema"] == 1
    assert record["status"] == "scored"
    assert record["scores"][0]["metric"] == "accuracy"
    assert set(record) == {
        "schema", "status", "checkpoint", "task", "language", "split", "protocol", "settings", "seed", "scores",
        "fingerprint",
    }  # fmt: skip


def test_changed_names_the_fields_that_differ() -> None:
    other = replace(RESULT, fingerprint={**RESULT.fingerprint, "data": "ef", "task": 2})
    assert changed(RESULT, other) == ["task", "data"]
    assert changed(RESULT, RESULT) == []


def test_no_number_that_is_not_one_is_written(tmp_path: Path) -> None:
    broken = replace(RESULT, scores=(Score("accuracy", float("nan"), 0, 1, 1),))
    with pytest.raises(ValueError, match="JSON"):
        open_store(tmp_path).write(broken)
    assert not list(tmp_path.rglob("*.json"))


def test_a_file_that_is_no_result_is_named(tmp_path: Path) -> None:
    path = tmp_path / "m" / "t" / "retrieve" / "de.seed0.json"
    path.parent.mkdir(parents=True)
    path.write_text("{", encoding="utf-8")
    with pytest.raises(HarnessError, match=r"de\.seed0\.json is not a result"):
        list(Store(tmp_path).results())


def test_an_unwritable_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HarnessError, match="cannot be written"):
        open_store(tmp_path / "file" / "results")


def test_a_damaged_predictions_file_is_named(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    store.write(RESULT, ITEMS)
    path = next(tmp_path.rglob("*.jsonl.gz"))
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(HarnessError, match=r"predictions\.jsonl\.gz cannot be read"):
        store.items(RESULT)

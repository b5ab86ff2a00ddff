"""Agreement across languages from a results folder made by hand."""

from pathlib import Path

import pytest

from harness.cli import main
from harness.metrics.score import Item
from harness.report.agreement import agreement
from harness.store import Result, Store


def put(store: Store, task: str, language: str, outputs: dict[str, int], golds: dict[str, int]) -> None:
    items = tuple(Item(number, golds[number], output, number) for number, output in outputs.items())
    place = {"checkpoint": "m", "task": task, "language": language, "split": "test", "protocol": "prompt"}
    store.write(Result(**place, settings={}, seed=0, status="scored", fingerprint={}, folder="prompt"), items)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store, golds = Store(tmp_path), {"a": 0, "b": 1, "c": 2, "d": 3}
    put(store, "mmlu", "en", {"a": 0, "b": 1, "c": 0, "d": 3}, golds)
    put(store, "mmmlu", "de", {"a": 0, "b": 2, "c": 2, "d": 3}, golds)
    put(store, "mmmlu", "sw", {"a": 0, "b": 2, "c": 1}, golds)
    put(store, "tatoeba", "de", {"a": 0}, golds)
    return store


def test_by_hand(store: Store) -> None:
    found = {(row.task, row.language): row for row in agreement(store)}
    assert set(found) == {("mmlu", "en"), ("mmmlu", "de"), ("mmmlu", "sw")}
    german, swahili, english = (found[key] for key in (("mmmlu", "de"), ("mmmlu", "sw"), ("mmlu", "en")))
    # a and b alike, c not; d is German's alone.
    assert german.same == swahili.same == pytest.approx(2 / 3)
    # English got a, b and d right: German a and d of them; Swahili has a and b, and only a right.
    assert (german.given_english, german.shared) == (pytest.approx(2 / 3), 3)
    assert (swahili.given_english, swahili.shared) == (pytest.approx(1 / 2), 2)
    assert (english.same, english.given_english) == (None, None)


def test_the_command(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["leaderboard", str(store.root), "--agreement"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert next(line for line in lines if " sw " in line).split()[-3:] == ["66.7", "50.0", "2"]

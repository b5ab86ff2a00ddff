"""How a mining run searches, and that a killed one goes on in the same way."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import harness.mining
from harness.mining import search
from harness.mining.budget import GIB, Size, exact_needs, exact_shard

SIZE = Size(500, 10_000, 8, 4)


@pytest.fixture
def given(tmp_path: Path) -> dict[str, Any]:
    for name, rows in (("a", SIZE.n), ("b", SIZE.m)):
        np.save(tmp_path / f"{name}.npy", np.random.default_rng(rows).standard_normal((rows, 8), dtype=np.float32))
    return {"vectors": (tmp_path / "a.npy", tmp_path / "b.npy"), "output": tmp_path / "pairs.tsv", "memory": 64 * GIB}


def leave_room_for(monkeypatch: pytest.MonkeyPatch, shard: int) -> None:
    free = exact_needs(SIZE, shard)
    monkeypatch.setattr(search, "held", lambda: {"RssAnon": 64 * GIB - free})


def killed_in_the_second_shard(given: dict[str, Any]) -> None:
    def kill(label: str, done: int, total: int) -> None:
        if label.startswith("searching") and done > SIZE.n:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        harness.mining.mine(**given, progress=kill)


def gone_on(given: dict[str, Any]) -> tuple[list[int], str]:
    """How far the search had come at each note, and the line that tells the plan."""
    seen, told = [], []

    def note(label: str, done: int, total: int) -> None:
        if label.startswith("searching"):
            seen.append(done)

    harness.mining.mine(**given, progress=note, told=told.append)
    return seen, next(line for line in told if "index" in line)


def test_shards_are_what_the_killed_run_had(given: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "search_for", lambda *asked: search.Search())
    leave_room_for(monkeypatch, 5000)
    killed_in_the_second_shard(given)
    leave_room_for(monkeypatch, 8000)
    assert exact_shard(SIZE, exact_needs(SIZE, 8000)) == 6144
    seen, plan = gone_on(given)
    assert "shards of 4,096 (as before)" in plan
    assert seen == [3 * SIZE.n]


def test_where_they_do_not_fit_the_search_starts_over_and_says_so(
    given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_room_for(monkeypatch, 8000)
    killed_in_the_second_shard(given)
    leave_room_for(monkeypatch, 5000)
    seen, plan = gone_on(given)
    assert "shards of 4,096" in plan
    assert "its search is not gone on with" in plan
    assert seen == [SIZE.n, 2 * SIZE.n, 3 * SIZE.n]


def test_the_index_is_that_of_the_killed_run(given: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    del given["memory"]

    def kill(label: str, done: int, total: int) -> None:
        if label.startswith("searching"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        harness.mining.mine(**given, progress=kill)
    monkeypatch.setattr(search, "choose_engine", lambda *size: search.Choice("ivfpq", "the machine is another"))
    assert "index exact (as before)" in gone_on(given)[1]


@pytest.mark.parametrize("rows", [4096, 5000, 6143, 6144, 8000, 9999, 10_000])
def test_a_shard_fits_into_what_is_free(rows: int) -> None:
    assert exact_shard(SIZE, exact_needs(SIZE, rows)) <= rows

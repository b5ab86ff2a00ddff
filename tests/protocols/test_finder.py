"""A long search inside `eval` goes on where it was killed, and leaves nothing behind."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from harness.protocols import finder
from harness.protocols.finder import Finder
from harness.retrieval import neighbours
from harness.retrieval.neighbours import Search, search_both


class KilledError(Exception):
    pass


def job(engine: str) -> SimpleNamespace:
    task = SimpleNamespace(name="tatoeba")
    return SimpleNamespace(name="ckpt", task=task, language="de", folder="retrieve", settings={"engine": engine})


def vectors(seed: int, rows: int) -> np.ndarray:
    found = np.random.default_rng(seed).normal(size=(rows, 16)).astype(np.float32)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_a_killed_search_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finder, "LONG_SEARCH", 0)
    monkeypatch.setattr(neighbours, "search_for", lambda recall: Search(tile=64))
    source, target = vectors(0, 200), vectors(1, 150)
    expected = search_both(source, target, 4)
    seen: list[int] = []

    def die(label: str, done: int, total: int) -> None:
        seen.append(done)
        if done == 128:
            raise KilledError

    with pytest.raises(KilledError):
        Finder(job("exact"), tmp_path, die)(source, target, 4)
    assert seen == [64, 128]
    seen.clear()
    again = Finder(job("exact"), tmp_path, lambda label, done, total: seen.append(done))
    found = again(source, target, 4)
    assert seen == [192, 200]
    np.testing.assert_array_equal(found.forward_index, expected.forward_index)
    np.testing.assert_array_equal(found.backward_index, expected.backward_index)
    assert any(tmp_path.iterdir())
    again.forget()
    assert not any(tmp_path.iterdir())


def test_a_short_search_keeps_nothing(tmp_path: Path) -> None:
    Finder(job("exact"), tmp_path, lambda *moment: None)(vectors(0, 20), vectors(1, 20), 4)
    assert not any(tmp_path.iterdir())


def test_only_an_approximate_search_has_a_recall(tmp_path: Path) -> None:
    for engine, recalls in (("exact", 0), ("faiss", 0), ("ivf", 1)):
        find = Finder(job(engine), tmp_path, lambda *moment: None)
        find(vectors(0, 300), vectors(1, 300), 4)
        assert len(find.recalls) == recalls


@pytest.mark.parametrize("engine", ["exact", "auto", "ivf"])
def test_what_an_approximate_search_says_beside_the_scores(engine: str, tmp_path: Path) -> None:
    find = Finder(job(engine), tmp_path, lambda *moment: None)
    find(vectors(0, 300), vectors(1, 300), 4)
    said = find.readings()
    if engine == "ivf":
        assert set(said) == {"recall", "recall_interval", "recall_queries"}
        low, high = (float(one) for one in str(said["recall_interval"]).split("-"))
        assert low <= float(str(said["recall"])) <= high
    else:
        assert said == ({"engine": "exact"} if engine == "auto" else {})

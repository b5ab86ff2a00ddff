"""Worker processes: every item is answered once, whatever becomes of the workers."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from work_examples import dies_at, raises, sleeps, square, trains, where

from harness.errors import HarnessError
from harness.execute import Function, Piece, devices, local

SLOTS: list[dict[str, str]] = [{"SLOT": "first"}, {"SLOT": "second"}]


def _run(function: Function, pieces: Sequence[Piece], slots: Sequence[dict[str, str]] = SLOTS) -> list[tuple[Any, Any]]:
    return list(devices.run(function, pieces, slots, lambda label, done, total: None))


def _pieces(count: int, size: int = 2, shared: Any = None) -> list[Piece]:
    return [Piece(tuple(range(at * size, (at + 1) * size)), shared, name=f"p{at}") for at in range(count)]


def test_answers_are_those_of_one_process() -> None:
    pieces = _pieces(4, shared=7)
    expected = list(local.run(square, pieces, lambda label, done, total: None))
    assert sorted(_run(square, pieces)) == expected == [(n, n * n + 7) for n in range(8)]


def test_each_worker_has_its_own_device_and_takes_piece_after_piece() -> None:
    found = [answer for _, answer in _run(where, _pieces(6))]
    assert len({process for process, _ in found}) == 2
    assert {slot for _, slot in found} == {"first", "second"}
    assert os.getpid() not in {process for process, _ in found}


def test_progress_comes_through() -> None:
    heard: list[tuple[str, int, int]] = []
    list(devices.run(square, _pieces(1), SLOTS, lambda *said: heard.append(said)))
    assert heard[-1] == ("squaring (worker 1)", 2, 2)


def test_a_worker_that_dies_is_replaced_and_goes_on_where_it_was(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    found = _run(dies_at, [Piece((0, 1, 2, 3), (notes, 2, 1))], SLOTS[:1])
    assert found == [(n, n) for n in range(4)]
    assert notes.read_text().split() == ["0", "1", "2", "2", "3"]


def test_an_item_that_kills_twice_is_given_up_and_the_others_are_not(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    found = dict(_run(dies_at, [Piece((0, 1, 2), (notes, 1, 99))], SLOTS[:1]))
    assert (found[0], found[2]) == (0, 2)
    assert isinstance(found[1], HarnessError)
    assert "SIGKILL" in str(found[1])
    assert "about to die" in str(found[1])
    assert notes.read_text().split() == ["0", "1", "1", "2"]


def test_a_worker_that_never_starts_is_given_up(tmp_path: Path) -> None:
    """The module of the function cannot be imported there."""
    script = tmp_path / "only_here.py"
    script.write_text("def unknown(shared, items, progress):\n    yield from items\n")
    sys.path.insert(0, str(tmp_path))
    try:
        from only_here import unknown  # type: ignore[import-not-found]
    finally:
        sys.path.remove(str(tmp_path))
    found = _run(unknown, [Piece((1, 2, 3, 4))])
    assert [item for item, _ in found] == [1, 2, 3, 4]
    assert all("only_here" in str(error) for _, error in found)


def test_an_error_stands_for_the_items_that_are_left() -> None:
    found = _run(raises, [Piece((1, 2, 3), "harness")])
    assert found[0] == (1, 1)
    assert [str(error) for _, error in found[1:]] == ["It cannot be done. Do it otherwise."] * 2
    assert str(dict(local.run(raises, [Piece((1, 2), "harness")], print))[2]) == str(found[1][1])


def test_a_bug_is_reported_with_its_traceback() -> None:
    found = dict(_run(raises, [Piece((1, 2), "bug")], SLOTS[:1]))
    # the second process answers item 2, its first
    assert found[1] == 1
    assert found[2] == 2
    found = dict(_run(raises, [Piece((1, 2, 3, 4, 5), "bug")], SLOTS[:1]))
    assert [item for item, answer in found.items() if not isinstance(answer, HarnessError)] == [1, 2, 3, 4, 5]


def test_what_needs_a_training_waits_for_it_and_fails_with_it(tmp_path: Path) -> None:
    trained = tmp_path / "model"
    pieces = [Piece((f"predict {n}",), trained, cost=9.0, after="m") for n in range(3)]
    pieces.append(Piece(("train", "predict 3"), trained, name="m"))
    assert sorted(item for item, answer in _run(trains, pieces) if item == answer) == sorted(
        item for piece in pieces for item in piece.items
    )
    broken = [*pieces[:3], Piece(("broken",), trained, name="m")]
    assert [str(answer) for _, answer in _run(trains, broken)] == ["The training failed."] * 4


def test_a_script_without_a_main_guard_may_use_workers(tmp_path: Path) -> None:
    """multiprocessing would run it again in each process."""
    script = tmp_path / "script.py"
    script.write_text(
        "from harness.execute import Piece, devices\n"
        "from work_examples import square\n"
        "print(sorted(devices.run(square, [Piece((1, 2)), Piece((3,))], [{}, {}], lambda *said: None)))\n"
    )
    known = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=True, env=known)
    assert done.stdout == "[(1, 1), (2, 4), (3, 9)]\n"


def test_workers_end_with_their_driver(tmp_path: Path) -> None:
    """Even where the driver is killed outright and says goodbye to nobody."""
    code = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from pathlib import Path
from harness.execute import Piece, devices
from work_examples import sleeps
list(devices.run(sleeps, [Piece((n,), Path({str(tmp_path)!r})) for n in range(2)], [{{}}, {{}}], print))
"""
    driver = subprocess.Popen([sys.executable, "-c", code])
    deadline = time.monotonic() + 30
    while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    processes = [int(path.name) for path in tmp_path.iterdir()]
    assert len(processes) == 2
    driver.kill()
    driver.wait()
    while any(_alive(one) for one in processes) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_alive(one) for one in processes)


def test_workers_end_when_the_answers_are_no_longer_wanted(tmp_path: Path) -> None:
    found = devices.run(sleeps, [Piece((0,), tmp_path)], SLOTS[:1], lambda label, done, total: None)
    pieces = [Piece((0,)), Piece((1,), cost=0.5)]
    answers = devices.run(square, pieces, SLOTS[:1], lambda label, done, total: None)
    assert next(answers) == (0, 0)
    answers.close()  # type: ignore[attr-defined]
    found.close()  # type: ignore[attr-defined]
    assert not list(tmp_path.iterdir())


def _alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("costs", [(1.0, 5.0, 3.0)])
def test_the_longest_goes_first(costs: tuple[float, ...]) -> None:
    pieces = [Piece((at,), cost=cost) for at, cost in enumerate(costs)]
    assert [item for item, _ in _run(square, pieces, SLOTS[:1])] == [1, 2, 0]

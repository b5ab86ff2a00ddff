"""The documentation's own examples, run as they stand there."""

import re
from pathlib import Path

import pytest

import harness
from harness import tasks
from harness.cli import main

DOCS = Path(__file__).resolve().parents[2] / "docs"


def _blocks(name: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (DOCS / name).read_text("utf-8"), re.DOTALL)


@pytest.fixture
def own_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tasks, "_OUTSIDE", {})
    file = tmp_path / "my_task.py"
    file.write_text(_blocks("tasks.md")[0], encoding="utf-8")
    folder = tmp_path / "data" / "mypairs"
    folder.mkdir(parents=True)
    (folder / "de.tsv").write_text("The dog sleeps.\tDer Hund schläft.\nIt rains.\tEs regnet.\n", encoding="utf-8")
    return file


def test_the_example_is_short(own_task: Path) -> None:
    assert len(own_task.read_text("utf-8").splitlines()) < 50


def test_a_task_from_a_file_is_listed_and_scored(
    own_task: Path, minilm: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["list", "tasks", "--include", str(own_task)]) == 0
    assert "mypairs" in capsys.readouterr().out
    given = ["--model", str(minilm), "--tasks", "mypairs", "--include", str(own_task), "--quiet"]
    assert main(["eval", *given, "--data", str(tmp_path / "data"), "--output", str(tmp_path / "results")]) == 0
    rows = [row for row in harness.open_results(tmp_path / "results") if row.main and row.value is not None]
    assert [(row.task, row.language, row.n) for row in rows] == [("mypairs", "de", 2)]
    assert rows[0].covered == (1, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("TASK = 3\n", "defines no TASK"),
        ("def broken(:\n", "line 1 cannot be imported"),
        ("import no_such_module_at_all\n", "cannot be imported"),
    ],
)
def test_a_file_without_a_task_is_refused(
    tmp_path: Path, text: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bad.py"
    file.write_text(text, encoding="utf-8")
    assert main(["list", "tasks", "--include", str(file)]) == 2
    assert message in capsys.readouterr().err


def test_a_task_may_not_take_a_name_of_ours(own_task: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own_task.write_text(own_task.read_text("utf-8").replace('name="mypairs"', 'name="tatoeba"'), encoding="utf-8")
    assert main(["list", "tasks", "--include", str(own_task)]) == 2
    assert "as one of ours" in capsys.readouterr().err


def test_the_python_example_runs(minilm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pandas")
    (tmp_path / "ckpt").symlink_to(minilm)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(_blocks("tasks.md")[1], names)
    frame = names["frame"]
    assert set(frame[frame.main & frame.value.notna()].language) == {"de", "sw"}  # type: ignore[attr-defined]
    assert len(names["same"].rows) >= len(names["results"].rows)  # type: ignore[attr-defined]

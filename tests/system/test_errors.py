"""What a user does wrong first: each ends in one clear sentence on stderr and exit code 2, and nothing is lost."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli import main

Run = Callable[..., str]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A small data folder: Tatoeba in German and Swahili."""
    folder = tmp_path / "data" / "tatoeba"
    folder.mkdir(parents=True)
    for code in ("deu", "swh"):
        (folder / f"tatoeba.{code}-eng.{code}").write_text("eins\nzwei\ndrei\n", encoding="utf-8")
        (folder / f"tatoeba.{code}-eng.eng").write_text("one\ntwo\nthree\n", encoding="utf-8")
    return tmp_path / "data"


@pytest.fixture
def refused(minilm: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `harness eval` with changed flags, asserts exit code 2 and one sentence without a traceback."""

    def run(**changes: str | None) -> str:
        flags = {"model": str(minilm), "tasks": "tatoeba", "data": str(data), "output": str(tmp_path / "results")}
        flags |= {key: value for key, value in changes.items() if value is not None}
        given = [part for key, value in flags.items() for part in (f"--{key}", value)]
        assert main(["eval", *given]) == 2
        error = capsys.readouterr().err
        assert "Traceback" not in error
        message = [line for line in error.splitlines() if line.startswith("harness: ")]
        assert len(message) == 1
        return message[0]

    return run


def test_wrong_model_path(refused: Run) -> None:
    assert "no/such/model" in refused(model="no/such/model/folder")


def test_wrong_task_name(refused: Run) -> None:
    message = refused(tasks="tatoba,bucc")
    assert "'tatoba' (Did you mean tatoeba" in message
    assert "bucc2018" in message


def test_unknown_language(refused: Run) -> None:
    assert "xx" in refused(languages="de,xx")


def test_language_that_no_task_has(refused: Run) -> None:
    assert "is in none of the tasks" in refused(tasks="bucc2018", languages="sw")


def test_missing_data_folder(refused: Run) -> None:
    assert "does not exist" in refused(data="/no/such/data")


def test_missing_data_file(refused: Run) -> None:
    message = refused(languages="fr")
    assert "tatoeba.fra-eng.fra" in message


def test_ragged_sides(refused: Run, data: Path) -> None:
    path = data / "tatoeba" / "tatoeba.deu-eng.deu"
    path.write_text("eins\nzwei\n", encoding="utf-8")
    message = refused()
    assert str(path) in message
    assert "2 lines" in message


def test_ragged_line(refused: Run, tmp_path: Path, data: Path) -> None:
    folder = data / "bucc2018"
    folder.mkdir()
    (folder / "de-en.dev.de").write_text("de-1\teins\nde-2 zwei\n", encoding="utf-8")
    (folder / "de-en.dev.en").write_text("en-1\tone\n", encoding="utf-8")
    (folder / "de-en.dev.gold").write_text("de-1\ten-1\n", encoding="utf-8")
    message = refused(tasks="bucc2018", split="validation")
    assert "de-en.dev.de, line 2" in message


def test_empty_file(refused: Run, data: Path) -> None:
    (data / "tatoeba" / "tatoeba.swh-eng.swh").write_text("")
    assert "tatoeba.swh-eng.swh is empty" in refused()


def test_wrong_encoding(refused: Run, data: Path) -> None:
    (data / "tatoeba" / "tatoeba.deu-eng.deu").write_bytes("eins\nfünf\ndrei\n".encode("latin-1"))
    message = refused()
    assert "line 2" in message
    assert "UTF-8" in message


def test_broken_checkpoint(refused: Run, minilm: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(minilm, broken)
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
    assert "model.safetensors" in refused(model=str(broken))


def test_folder_that_is_no_checkpoint(refused: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "config.json" in refused(model=str(tmp_path / "empty"))


def test_unwritable_output(refused: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot be written" in refused(output=str(tmp_path / "file" / "results"))


def test_layer_that_does_not_exist(refused: Run) -> None:
    assert "1 to 6" in refused(layer="7")


def test_unknown_pooling(refused: Run) -> None:
    assert "mean" in refused(pooling="man")


def test_blanked_labels_of_a_submission(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for side, answer in (("predictions", None), ("labels", "")):
        folder = tmp_path / side / "xquad"
        folder.mkdir(parents=True)
        question = {"id": "q1", "question": "?", "answers": [{"text": answer, "answer_start": 0}]}
        labels = {"data": [{"paragraphs": [{"context": "c", "qas": [question]}]}]}
        (folder / "test-de.json").write_text(json.dumps({"q1": "x"} if answer is None else labels))
    arguments = ["score", "--predictions", str(tmp_path / "predictions"), "--labels", str(tmp_path / "labels")]
    assert main(arguments) == 2
    assert "test-de.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["evaluate"],
        ["eval", "--tasks", "tatoeba"],
        ["eval", "--model", "x", "--tasks", "tatoeba", "--limit", "0"],
        ["leaderboard"],
        ["list", "everything"],
    ],
)
def test_wrong_flags_are_usage_errors(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2


def test_results_folder_that_does_not_exist(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["leaderboard", str(tmp_path / "none")]) == 2
    assert "does not exist" in capsys.readouterr().err


def test_a_refused_run_loses_nothing(minilm: Path, data: Path, tmp_path: Path) -> None:
    output = tmp_path / "results"
    flags = ["eval", "--model", str(minilm), "--tasks", "tatoeba", "--data", str(data), "--output", str(output)]
    assert main([*flags, "--languages", "de"]) == 0
    before = {path: path.read_bytes() for path in output.rglob("*") if path.is_file()}
    (data / "tatoeba" / "tatoeba.deu-eng.deu").write_text("eins\nzwei\nvier\n", encoding="utf-8")
    assert main([*flags, "--languages", "de"]) == 2
    assert {path: path.read_bytes() for path in output.rglob("*") if path.is_file()} == before

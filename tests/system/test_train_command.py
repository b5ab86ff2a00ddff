"""`harness train` and what comes after it, through the command line, on the bundled data."""

import json
from pathlib import Path

import pytest
import tiny_models as tiny

import harness
from harness.cli import main
from harness.tasks.source import open_source
from harness.tasks.supervised import train_mnli

SMALL = ["--max-steps", "20", "--batch-size", "8", "--learning-rate", "1e-2", "--max-length", "48", "--quiet"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny encoder, trained on MNLI, QQP and ANLI."""
    place = tmp_path_factory.mktemp("train")
    base = tiny.save_model(place / "base", "xlm-roberta", "masked-lm", type_vocab_size=1)
    flags = ["--recipe", "mnli+qqp+hellaswag*2", "--base", str(base), "--data", "bundled", "--mixing", "weights"]
    assert main(["train", *flags, "--output", str(place / "ckpt"), *SMALL]) == 0
    return place / "ckpt"


def evaluate(model: Path, output: Path, *flags: str) -> int:
    return main(["eval", "--model", str(model), "--data", "bundled", "--output", str(output), "--quiet", *flags])


def test_the_head_answers_and_the_score_is_flagged(trained: Path, tmp_path: Path) -> None:
    flags = ["--tasks", "xnli,pawsx", "--protocol", "head", "--languages", "en,de"]
    assert evaluate(trained, tmp_path / "results", *flags) == 0
    rows = [row for row in harness.open_results(tmp_path / "results") if row.main and row.language != "avg"]
    assert {(row.task, row.language, row.folder, row.status) for row in rows} == {
        ("xnli", "en", "head@head-mnli", "scored"),
        ("xnli", "de", "head@head-mnli", "scored"),
        ("pawsx", "en", "head@head-qqp", "scored"),
        ("pawsx", "de", "head@head-qqp", "scored"),
    }
    for row in rows:
        assert row.settings.get("trained on") == ("MNLI" if row.task == "xnli" else None)
        assert ("|trained on:MNLI|" in row.signature) == (row.task == "xnli")
        assert len(row.settings["head_weights"]) == 16


def test_every_protocol_is_open_to_it(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate(trained, tmp_path / "results", "--tasks", "tatoeba", "--languages", "de") == 0
    assert evaluate(trained, tmp_path / "results", "--tasks", "xnli", "--protocol", "head", "--head", "hella") == 2
    assert "Did you mean hellaswag" in capsys.readouterr().err
    assert evaluate(trained, tmp_path / "results", "--tasks", "panx", "--protocol", "head") == 2
    assert "none of the heads beside ckpt (hellaswag, mnli, qqp)" in capsys.readouterr().err


def test_overlap_of_training_and_evaluation(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The bundled sets share nothing; a scored set into which a training sentence was put is found."""
    command = ["data", "overlap", str(trained / "manifest.json"), "--tasks", "xnli", "--languages", "en,de"]
    assert main([*command, "--data", "bundled"]) == 0
    assert "trained on MNLI, QQP, HellaSwag; what its base was trained on is not known" in capsys.readouterr().out
    sentence = train_mnli(open_source("bundled"), "en").train[0].first  # type: ignore[union-attr]
    (tmp_path / "xnli").mkdir()
    (tmp_path / "xnli" / "test-en.tsv").write_text(f"{sentence}\tIt is so.\tneutral\nA\tB\tneutral\n", "utf-8")
    assert main([*command, "--data", str(tmp_path), "--format", "json"]) == 1
    row = {"task": "xnli", "language": "en", "split": "test", "items": 2, "exact": 1, "grams": 0}
    assert json.loads(capsys.readouterr().out) == [row]
    assert main(["data", "overlap", str(tmp_path), "--tasks", "xnli"]) == 2
    assert main(["data", "overlap", str(trained), "--tasks", "xcopa", "--data", str(tmp_path)]) == 2


def test_a_base_from_scratch_in_one_command(tmp_path: Path) -> None:
    """What CI makes its models with: then a second training on top of it."""
    sizes = ["--vocabulary", "500", "--layers", "2", "--width", "32", "--heads", "2", "--positions", "64"]
    first, second = tmp_path / "scratch", tmp_path / "pairs"
    flags = ["--data", "bundled", *SMALL, "--dropout", "0"]
    assert main(["train", "--recipe", "mlm_scratch", "--output", str(first), *sizes, *flags]) == 0
    checkpoint = tiny.opened(first)
    assert (checkpoint.kind, checkpoint.layers, checkpoint.max_positions) == ("encoder-mlm", 2, 64)
    manifest = json.loads((first / "manifest.json").read_text("utf-8"))
    curve = manifest["training"]["losses"]
    assert sum(curve[-5:]) < sum(curve[:5])
    assert {one["language"] for one in manifest["data"]} == {"de", "en", "es", "fr", "sw"}
    board = ["--tensorboard", str(tmp_path / "board")] if _has_tensorboard() else []
    assert main(["train", "--recipe", "pairs", "--base", str(first), "--output", str(second), *flags[:-2], *board]) == 0
    assert bool(board) == any((tmp_path / "board").glob("events*"))
    assert tiny.opened(second).training_data == ("pairs", "text")
    assert tiny.opened(second).kind == "encoder-mlm"


def _has_tensorboard() -> bool:
    from importlib.util import find_spec

    return find_spec("tensorboard") is not None


def test_mistakes_end_with_2(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = ["--output", str(tmp_path / "out"), "--data", "bundled"]
    assert main(["train", "--recipe", "mnl", "--base", str(trained), *place]) == 2
    assert "Did you mean mnli" in capsys.readouterr().err
    assert main(["train", "--recipe", "mnli", "--base", str(tmp_path / "none"), *place]) == 2
    assert (
        main(["train", "--recipe", "mnli", "--base", str(trained), "--output", str(trained), "--data", "bundled"]) == 2
    )
    assert "trained with other recipe" in capsys.readouterr().err
    assert main(["list", "recipes"]) == 0
    assert "all9" in capsys.readouterr().out

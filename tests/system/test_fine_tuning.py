"""Fine-tuning through the real command, all seven tasks on the bundled data: a tiny encoder, three steps."""

import json
from pathlib import Path

import pytest
import tiny_models as tiny

from harness.cli import main
from harness.report.leaderboard import leaderboard
from harness.store import AVERAGE, Result, Store

TASKS = ("xnli", "pawsx", "udpos", "panx", "xquad", "mlqa", "tydiqa")
# Metrics as the official scorer names them, and what they are called in a result.
OFFICIAL = {
    "accuracy": "accuracy",
    "f1": "f1",
    "exact_match": "exact_match",
    "precision": "precision",
    "recall": "recall",
}
SMALL = ("--max-steps", "3", "--batch-size", "4", "--learning-rate", "1e-3", "--warmup", "0", "--selection", "last")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save_model(tmp_path_factory.mktemp("models") / "tiny")


def _eval(model: Path, output: Path, *more: str) -> int:
    given = ["--model", str(model), "--name", "tiny", "--data", "bundled", "--output", str(output), "--quiet"]
    return main(["eval", *given, *SMALL, *more])


def _scored(folder: Path) -> dict[tuple[str, str], Result]:
    """(task, language) -> result."""
    found = [one for one in Store(folder).results() if one.status == "scored" and one.language != AVERAGE]
    return {(one.task, one.language): one for one in found}


@pytest.fixture(scope="module")
def results(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("tuned") / "results"
    assert _eval(model, output, "--tasks", ",".join(TASKS)) == 0
    return output


def test_every_task_is_scored_in_several_languages(results: Path) -> None:
    found = _scored(results)
    for task in TASKS:
        languages = {language for name, language in found if name == task}
        assert "en" in languages, task
        assert len(languages) >= (3 if task != "tydiqa" else 2), (task, languages)
    for result in found.values():
        assert result.main is not None
        assert result.measured["steps"] == 3
        assert "|steps:3|" in result.main.signature
        assert "learning_rate:0.001" in result.main.signature


def test_no_average_under_the_full_name(results: Path) -> None:
    for row in leaderboard(Store(results)):
        if row.language == AVERAGE and row.main:
            assert row.complete == (row.value is not None)
            assert row.task == "tydiqa" or not row.complete


def test_export_and_score_give_the_numbers_of_the_results(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "submission"
    assert main(["export", str(results), "tiny", "--output", str(out), "--with-labels"]) == 0
    capsys.readouterr()
    assert main(["score", "--predictions", str(out), "--labels", str(out), "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    compared: dict[str, int] = {}
    for (task, language), result in _scored(results).items():
        values = {score.metric: score.value for score in result.scores}
        for metric, numbers in report[task].items():
            if isinstance(numbers, dict) and metric in OFFICIAL and language in numbers:
                assert numbers[language] == pytest.approx(100 * values[OFFICIAL[metric]], abs=1e-9), (task, language)
                compared[task] = compared.get(task, 0) + 1
    assert set(compared) == set(TASKS), compared


def _models(results: Path) -> list[Path]:
    """The tuned models that a results folder keeps."""
    return [path for path in (results / ".cache" / "models").iterdir() if path.is_dir()]


def test_another_language_trains_nothing(model: Path, results: Path) -> None:
    kept = {path: path.stat().st_mtime_ns for path in _models(results)}
    assert len(kept) == 6, "xquad and mlqa share one model, the others have one each"
    target = results / "tiny" / "xnli"
    (folder,) = target.iterdir()
    before = (folder / "de.seed42.json").read_bytes()
    for path in folder.glob("de.seed42*"):
        path.unlink()
    assert _eval(model, results, "--tasks", "xnli", "--languages", "de") == 0
    assert (folder / "de.seed42.json").read_bytes() == before, "one language alone is what it is among all"
    assert {path: path.stat().st_mtime_ns for path in _models(results)} == kept


def test_two_seeds_are_two_runs(model: Path, tmp_path: Path) -> None:
    task = ("--tasks", "udpos", "--languages", "en,de")
    assert _eval(model, tmp_path / "both", *task, "--seeds", "1,2") == 0
    assert _eval(model, tmp_path / "first", *task, "--seeds", "1") == 0
    assert _eval(model, tmp_path / "second", *task, "--seeds", "2") == 0
    for seed, alone in (("1", "first"), ("2", "second")):
        for ending in ("json", "predictions.jsonl.gz"):
            (path,) = (tmp_path / "both").glob(f"tiny/udpos/*/de.seed{seed}.{ending}")
            assert path.read_bytes() == (tmp_path / alone / path.relative_to(tmp_path / "both")).read_bytes()


def test_a_tuned_model_is_a_checkpoint_for_the_protocol_head(results: Path, tmp_path: Path) -> None:
    for task in ("xnli", "udpos", "xquad"):
        wanted = {language: one for (name, language), one in _scored(results).items() if name == task}
        key = next(
            path
            for path in _models(results)
            if json.loads((path / "training.json").read_text("utf-8"))["settings"]["training_data"]
            == wanted["en"].settings["training_data"]
        )
        given = ["--model", str(key), "--name", "head", "--tasks", task, "--protocol", "head", "--data", "bundled"]
        assert main(["eval", *given, "--output", str(tmp_path), "--quiet"]) == 0
        found = {language: one for (name, language), one in _scored(tmp_path).items() if name == task}
        assert set(found) == set(wanted)
        for language, one in found.items():
            assert one.main is not None
            assert one.main.value == wanted[language].main.value  # type: ignore[union-attr]


def test_a_grid_chooses_on_english_dev(model: Path, tmp_path: Path) -> None:
    grid = ("--grid", "learning_rate=1e-9,2e-3", "epochs=1")
    assert _eval(model, tmp_path, "--tasks", "xnli", "--languages", "en,de", *grid) == 0
    found = _scored(tmp_path)["xnli", "de"]
    assert found.settings["grid"] == {"learning_rate": [1e-9, 2e-3], "epochs": [1.0]}
    assert "learning_rate 1e-09 epochs 1.0: " in found.measured["tried"]
    assert found.measured["learning_rate"] in (1e-9, 2e-3)
    assert "learning_rate" not in found.settings
    scores = [float(part.rpartition(": ")[2]) for part in found.measured["tried"].split("; ")]
    best = max(range(2), key=lambda at: scores[at])
    assert found.measured["learning_rate"] == (1e-9, 2e-3)[best]
    assert len(_models(tmp_path)) == 2


def test_a_strange_grid_is_refused(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        _eval(model, tmp_path, "--tasks", "xnli", "--grid", "depth=3")
    assert exit_.value.code == 2
    assert "'depth=3' is not one of learning_rate, epochs, batch_size" in capsys.readouterr().err


def test_precision_and_length_reach_the_training(model: Path, tmp_path: Path) -> None:
    more = ("--tasks", "xnli", "--languages", "en", "--train-dtype", "bfloat16", "--max-length", "40")
    assert _eval(model, tmp_path, *more) == 0
    found = _scored(tmp_path)["xnli", "en"]
    assert (found.settings["dtype"], found.settings["max_length"]) == ("bfloat16", 40)
    assert "dtypebfloat16" in found.folder
    assert "max_length40" in found.folder

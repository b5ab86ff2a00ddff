"""The main path through the real command on a real model: results, resume, staleness, export, determinism."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli import main
from harness.report.leaderboard import leaderboard
from harness.store import Store


def _eval(model: Path, output: Path, *more: str, data: str = "bundled") -> int:
    given = ["--model", str(model), "--name", "minilm", "--data", data, "--output", str(output), "--quiet", *more]
    return main(["eval", *given])


def _files(folder: Path) -> dict[str, bytes]:
    """What must be the same bytes in two equal runs: results and predictions."""
    paths = [path for path in sorted(folder.glob("[!.]*/**/*")) if path.is_file() and ".run.json" not in path.name]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def results(minilm: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("demo") / "results"
    assert _eval(minilm, output, "--tasks", "retrieval") == 0
    return output


def test_demo_scores_every_task_of_the_bundled_data(results: Path) -> None:
    rows = leaderboard(Store(results))
    scored = {(row.task, row.language) for row in rows if row.status == "scored" and row.main}
    assert {("tatoeba", "de"), ("tatoeba", "zh"), ("flores200", "ar"), ("bucc2018", "ru")} <= scored
    average = next(row for row in rows if row.task == "bucc2018" and row.language == "avg" and row.main)
    assert average.complete
    incomplete = next(row for row in rows if row.task == "tatoeba" and row.language == "avg")
    assert incomplete.value is None
    assert incomplete.status == "incomplete"


def test_every_score_has_an_interval_and_a_signature(results: Path) -> None:
    scored = [one for one in Store(results).results() if one.status == "scored"]
    assert len(scored) > 15
    for result in scored:
        assert result.main is not None
        for score in result.scores:
            assert score.low <= score.high
            assert result.task in score.signature
            assert "layer:6" in score.signature


def test_a_second_run_does_nothing(minilm: Path, results: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in results.rglob("*.json")}
    assert _eval(minilm, results, "--tasks", "retrieval") == 0
    assert {path: path.stat().st_mtime_ns for path in results.rglob("*.json")} == before


def test_equal_runs_are_equal_bytes_and_order_does_not_matter(minilm: Path, results: Path, tmp_path: Path) -> None:
    """Another order of tasks and languages, in two runs, with another cache: the same files."""
    other = tmp_path / "results"
    assert _eval(minilm, other, "--tasks", "flores200", "--languages", "zh,fr") == 0
    assert _eval(minilm, other, "--tasks", "flores200,bucc2018,tatoeba") == 0
    assert _files(other) == _files(results)


def test_a_lost_result_alone_is_made_again(minilm: Path, results: Path) -> None:
    before = _files(results)
    lost = results / "minilm" / "tatoeba" / "retrieve" / "sw.seed0.json"
    lost.unlink()
    assert _eval(minilm, results, "--tasks", "tatoeba") == 0
    assert _files(results) == before


def test_changed_data_is_refused_until_told(minilm: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "data" / "tatoeba"
    folder.mkdir(parents=True)
    (folder / "tatoeba.deu-eng.deu").write_text("Der Hund schläft.\nEs regnet.\n", encoding="utf-8")
    (folder / "tatoeba.deu-eng.eng").write_text("The dog sleeps.\nIt rains.\n", encoding="utf-8")
    run = ["--tasks", "tatoeba", "--languages", "de"]
    assert _eval(minilm, tmp_path / "results", *run, data=str(tmp_path / "data")) == 0
    (folder / "tatoeba.deu-eng.deu").write_text("Der Hund schläft.\nEs schneit.\n", encoding="utf-8")
    assert _eval(minilm, tmp_path / "results", *run, data=str(tmp_path / "data")) == 2
    assert "other data" in capsys.readouterr().err
    assert _eval(minilm, tmp_path / "results", *run, "--redo-stale", data=str(tmp_path / "data")) == 0


def test_settings_never_meet_in_one_file(minilm: Path, results: Path) -> None:
    assert _eval(minilm, results, "--tasks", "tatoeba", "--languages", "de", "--layer", "4", "--limit", "20") == 0
    assert (results / "minilm" / "tatoeba" / "retrieve@layer4@mean@limit20" / "de.seed0.json").is_file()
    record = json.loads((results / "minilm/tatoeba/retrieve/de.seed0.json").read_text("utf-8"))
    assert record["settings"]["layer"] == 6


def test_a_dry_run_writes_nothing(minilm: Path, tmp_path: Path) -> None:
    assert _eval(minilm, tmp_path / "results", "--tasks", "tatoeba", "--dry-run") == 0
    assert not (tmp_path / "results").exists()


def test_export_scores_exactly_as_the_results(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "submission"
    assert main(["export", str(results), "minilm", "--output", str(out), "--with-labels", "--setting", "retrieve"]) == 0
    capsys.readouterr()
    arguments = ["score", "--predictions", str(out), "--labels", str(out / "labels"), "--format", "json"]
    assert main(arguments) == 0
    report = json.loads(capsys.readouterr().out)
    compared = 0
    for result in Store(results).results():
        official = {"tatoeba": ["accuracy"], "bucc2018": ["f1", "precision", "recall"]}.get(result.task, [])
        if result.status == "scored" and result.folder == "retrieve" and result.language != "avg":
            values = {score.metric: score.value for score in result.scores}
            for metric in official:
                assert report[result.task][metric][result.language] == pytest.approx(100 * values[metric], abs=1e-9)
                compared += 1
    assert compared == 7 + 4 * 3


@pytest.mark.parametrize("format_", ["table", "json", "csv", "markdown"])
def test_leaderboard_prints_every_format(results: Path, capsys: pytest.CaptureFixture[str], format_: str) -> None:
    assert main(["leaderboard", str(results), "--format", format_]) == 0
    out = capsys.readouterr().out
    assert "minilm" in out
    if format_ == "json":
        rows = json.loads(out)
        assert {"checkpoint", "task", "language", "metric", "main", "value", "low", "high", "n", "seeds", "protocol",
                "split", "settings", "signature", "status", "complete"} <= set(rows[0])  # fmt: skip


def test_python_dash_m_is_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "harness", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("zeroshot-harness")


def test_an_approximate_search_says_its_recall(minilm: Path, tmp_path: Path) -> None:
    assert _eval(minilm, tmp_path, "--tasks", "bucc2018", "--languages", "de", "--engine", "ivf") == 0
    (result,) = [one for one in Store(tmp_path).results() if one.status == "scored"]
    assert result.folder == "retrieve@ivf"
    assert 0.5 < result.measured["recall"] <= 1
    assert result.main is not None
    assert f"|recall:{result.measured['recall']}|" in result.main.signature
    assert f"|recall_interval:{result.measured['recall_interval']}|" in result.main.signature


def test_another_recall_is_another_setting(minilm: Path, tmp_path: Path) -> None:
    given = ("--tasks", "bucc2018", "--languages", "de", "--index", "ivf", "--recall", "0.9")
    assert _eval(minilm, tmp_path, *given) == 0
    (result,) = [one for one in Store(tmp_path).results() if one.status == "scored"]
    assert result.folder == "retrieve@ivf@recall0.9"
    assert result.settings["aimed_recall"] == 0.9

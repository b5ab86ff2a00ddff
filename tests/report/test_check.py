"""harness check: the verdicts and exit codes through the real command, frozen files, files for CI, hostile names."""

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from made_results import Made, correlated, write

from harness.cli import main
from harness.metrics.mining import bucc_metrics
from harness.report.check.baseline import read_runs
from harness.report.check.sheet import decode, encode, sheet_of
from harness.store import Store
from harness.tasks import get_task

CODES = ("de", "en", "sw")
ITEMS = 3000


def _base(seed: int = 0) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    return {code: generator.random(ITEMS) < 0.7 for code in CODES}


def _changed(base: dict[str, np.ndarray], flips: float, drop: float = 0.0, seed: int = 1) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    return {code: correlated(generator, right, flips, drop) for code, right in base.items()}


@pytest.fixture
def baseline(tmp_path: Path) -> Path:
    write(tmp_path / "baseline", Made("m"), _base())
    return tmp_path / "baseline"


def _check(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict]:
    code = main(["check", *arguments, "--format", "json"])
    captured = capsys.readouterr()
    return code, json.loads(captured.out) if captured.out else {"error": captured.err}


def _average(found: dict, task: str = "xnli") -> dict:
    return next(line for line in found["lines"] if line["task"] == task and line["language"] == "avg")


def test_the_same_results_are_the_same(baseline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = _check(capsys, str(baseline), "--baseline", str(baseline))
    assert code == 0
    assert _average(found)["verdict"] == "same"
    assert _average(found)["mode"] == "same weights"
    assert _average(found)["difference"] == 0


@pytest.mark.parametrize(
    ("flips", "drop", "tolerance", "verdict", "code"),
    [
        (0.04, 0.0, "1", "within tolerance", 0),
        (0.08, 0.03, "1", "worse", 1),
        (0.08, -0.03, "1", "better", 0),
        (0.30, 0.0, "0.1", "inconclusive", 3),
    ],
)
def test_numeric_noise_and_real_changes(
    baseline: Path,
    capsys: pytest.CaptureFixture[str],
    flips: float,
    drop: float,
    tolerance: str,
    verdict: str,
    code: int,
) -> None:
    write(baseline.parent / "new", Made("m"), _changed(_base(), flips, drop))
    arguments = [str(baseline.parent / "new"), "--baseline", str(baseline), "--tolerance", tolerance]
    exit_code, found = _check(capsys, *arguments)
    assert _average(found)["verdict"] == verdict
    assert exit_code == code
    if verdict == "inconclusive":
        assert _check(capsys, *arguments, "--inconclusive", "pass")[0] == 0


def _seeds(root: Path, name: str, seeds: int, deviation: float, drop: float = 0.0, first: int = 0) -> None:
    """Trainings of one recipe, each with weights of its own."""
    generator = np.random.default_rng(first + 100)
    for seed in range(first, first + seeds):
        shift = drop - deviation * generator.normal()
        made = Made(f"{name}-{seed}", weights=f"w{seed}")
        write(root, made, _changed(_base(), 0.06, shift, seed + 10), average=False)


def test_retrained_models_are_judged_by_the_baselines_seeds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _seeds(tmp_path / "old", "run", 5, 0.004)
    frozen = str(tmp_path / "baseline.json")
    assert main(["check", str(tmp_path / "old"), "--freeze", frozen]) == 0
    assert "5 runs" in capsys.readouterr().out
    _seeds(tmp_path / "new", "run", 1, 0.004, first=50)
    _seeds(tmp_path / "bad", "run", 1, 0.004, drop=0.08, first=60)
    code, found = _check(capsys, str(tmp_path / "new"), "--baseline", frozen, "--tolerance", "3")
    assert (code, _average(found)["mode"], _average(found)["seeds"]) == (0, "retrained", [5, 1])
    assert found["warnings"] == []
    code, found = _check(capsys, str(tmp_path / "bad"), "--baseline", frozen, "--tolerance", "3")
    assert (code, _average(found)["verdict"]) == (1, "worse")


def test_one_seed_cannot_tell_and_says_so(baseline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(baseline.parent / "new", Made("m", weights="w1"), _changed(_base(), 0.06, 0.06))
    arguments = [str(baseline.parent / "new"), "--baseline", str(baseline)]
    code, found = _check(capsys, *arguments)
    assert (code, _average(found)["verdict"]) == (3, "inconclusive")
    assert "fewer than 3" in found["warnings"][0]
    code, found = _check(capsys, *arguments, "--seed-deviation", "0.5")
    assert (code, _average(found)["verdict"]) == (1, "worse")


def test_a_frozen_file_judges_as_its_folder(baseline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frozen = baseline.parent / "baseline.json"
    write(baseline.parent / "new", Made("m"), _changed(_base(), 0.05))
    assert main(["check", str(baseline), "--freeze", str(frozen)]) == 0
    capsys.readouterr()
    by_folder, by_file = (
        _check(capsys, str(baseline.parent / "new"), "--baseline", str(place), "--cells")
        for place in (baseline, frozen)
    )
    assert by_file[0] == by_folder[0]
    for one, other in zip(by_file[1]["lines"], by_folder[1]["lines"], strict=True):
        one.pop("baseline_file"), other.pop("baseline_file")
        assert one == other
    assert frozen.stat().st_size < 60_000
    again = baseline.parent / "again.json"
    assert main(["check", str(baseline), "--freeze", str(again)]) == 0
    assert again.read_bytes() == frozen.read_bytes()


def test_what_is_missing_fails(baseline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(baseline.parent / "new", Made("m"), {"de": _base()["de"]}, average=False)
    code, found = _check(capsys, str(baseline.parent / "new"), "--baseline", str(baseline))
    assert (code, _average(found)["verdict"]) == (1, "missing")
    assert "en sw" in _average(found)["reason"]


def test_cells_are_shown_and_gated_only_on_request(baseline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = {**_changed(_base(), 0.02), "sw": correlated(np.random.default_rng(3), _base()["sw"], 0.10, 0.06)}
    write(baseline.parent / "new", Made("m"), new)
    arguments = [str(baseline.parent / "new"), "--baseline", str(baseline), "--tolerance", "4"]
    code, found = _check(capsys, *arguments)
    lines = {line["language"]: line for line in found["lines"]}
    assert code == 0
    assert "verdict" not in lines["sw"]
    assert lines["sw"]["difference"] < -0.04
    code, found = _check(capsys, *arguments, "--cells")
    lines = {line["language"]: line for line in found["lines"]}
    assert (code, lines["sw"]["verdict"], lines["de"]["verdict"]) == (1, "worse", "within tolerance")


def test_an_anchor_catches_slow_drift(baseline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each step loses less than the tolerance, the way from the anchor more."""
    middle = _changed(_base(), 0.02, 0.012)
    write(baseline.parent / "last", Made("m"), middle)
    write(baseline.parent / "new", Made("m"), _changed(middle, 0.02, 0.012, seed=5))
    arguments = [str(baseline.parent / "new"), "--baseline", str(baseline.parent / "last"), "--tolerance", "2"]
    assert _check(capsys, *arguments)[0] == 0
    code, found = _check(capsys, *arguments, "--anchor", str(baseline))
    assert code == 1
    verdicts = {Path(line["baseline_file"]).name: line["verdict"] for line in found["lines"] if line["gated"]}
    assert verdicts == {"last": "within tolerance", "baseline": "worse"}


def test_other_items_are_compared_unpaired(baseline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(baseline.parent / "new", Made("m", data="d1"), {code: one[:2400] for code, one in _base().items()})
    _, found = _check(capsys, str(baseline.parent / "new"), "--baseline", str(baseline), "--tolerance", "5")
    assert _average(found)["paired"] is False
    assert "not paired" in _average(found)["reason"]
    assert _average(found)["verdict"] == "within tolerance"


def test_ci_files_and_hostile_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = '<img src=x onerror=alert(1)>|"\u202e`'
    write(tmp_path / name, Made("m"), _base())
    write(tmp_path / "new", Made("m"), _changed(_base(), 0.08, 0.04))
    files = ["--junit", str(tmp_path / "report.xml"), "--markdown", str(tmp_path / "summary.md")]
    assert main(["check", str(tmp_path / "new"), "--baseline", str(tmp_path / name), *files]) == 1
    assert "Gate failed: 1 worse" in capsys.readouterr().out
    root = ElementTree.parse(tmp_path / "report.xml").getroot()
    (suite,) = root
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("1", "1", "0")
    assert "<img" in str(suite.get("name"))
    summary = (tmp_path / "summary.md").read_text("utf-8")
    assert "<img" not in summary
    assert "Languages (not gated)" in summary
    assert all(line.count(" | ") == 11 for line in summary.splitlines() if line.startswith("| "))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "either --baseline or --freeze"),
        (("--baseline", "nowhere"), "nowhere does not exist"),
        (("--baseline", "{baseline}", "--checkpoint", "x"), "Unknown checkpoint: 'x'"),
        (("--baseline", "{baseline}", "--freeze", "f"), "either --baseline or --freeze"),
    ],
)
def test_mistakes_are_one_sentence(
    baseline: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    given = [one.format(baseline=baseline) for one in arguments]
    assert main(["check", str(baseline), *given]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", "{", "[]", '{"kind": "harness baseline", "schema": 9}', '{"kind": 1}'])
def test_a_damaged_baseline_is_named(baseline: Path, capsys: pytest.CaptureFixture[str], content: str) -> None:
    (baseline.parent / "bad.json").write_text(content, encoding="utf-8")
    assert main(["check", str(baseline), "--baseline", str(baseline.parent / "bad.json")]) == 2
    assert "bad.json" in capsys.readouterr().err


def test_a_cut_baseline_is_named(baseline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frozen = baseline.parent / "b.json"
    assert main(["check", str(baseline), "--freeze", str(frozen)]) == 0
    whole = json.loads(frozen.read_text("utf-8"))
    whole["sheets"][0]["ids"] = whole["sheets"][0]["ids"][:-8]
    frozen.write_text(json.dumps(whole), encoding="utf-8")
    assert main(["check", str(baseline), "--baseline", str(frozen)]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_several_checkpoints_must_be_chosen(baseline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(baseline, Made("other", weights="w9"), _base(5))
    assert main(["check", str(baseline), "--baseline", str(baseline)]) == 2
    assert "--checkpoint" in capsys.readouterr().err
    code, found = _check(capsys, str(baseline), "--baseline", str(baseline), "--checkpoint", "m")
    assert (code, _average(found)["verdict"]) == (0, "same")


def test_sheets_round_trip(baseline: Path) -> None:
    store = Store(baseline)
    for result in [one for one in store.results() if one.language != "avg"]:
        sheet = sheet_of(result, store.items(result), get_task("xnli").metrics("de")[0])
        again = decode(json.loads(json.dumps(encode(sheet))))
        assert (again.ids, again.clusters, again.value) == (sheet.ids, sheet.clusters, sheet.value)
        np.testing.assert_array_equal(again.statistics, sheet.statistics)


def test_a_tuned_metric_is_gated_from_real_results(
    minilm: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """BUCC and Tatoeba of two layers of a real model: the lower layer is worse, and BUCC has no derivative."""
    for layer in ("6", "2"):
        given = ["--model", str(minilm), "--name", "m", "--tasks", "tatoeba,bucc2018", "--layer", layer, "--pooling"]
        given += ["mean", "--languages", "de,fr", "--data", "bundled", "--output", str(tmp_path / layer), "--quiet"]
        assert main(["eval", *given]) == 0
    for path in (tmp_path / "2" / "m").glob("*/*"):
        path.rename(path.with_name("retrieve@mean"))
    capsys.readouterr()
    code, found = _check(capsys, str(tmp_path / "2"), "--baseline", str(tmp_path / "6"), "--seed-deviation", "0.1")
    assert code in (1, 3)
    assert {line["task"] for line in found["lines"]} == {"tatoeba", "bucc2018"}
    assert all(line["paired"] for line in found["lines"])
    assert _average(found, "bucc2018")["difference"] != 0
    runs = read_runs(tmp_path / "6")
    sheet = runs.sheets["bucc2018", "retrieve@mean"]["de"]["m", 0]
    assert float(bucc_metrics()[0].weighted(sheet.statistics, np.ones((1, len(sheet.ids))))[0]) == sheet.value  # type: ignore[misc]

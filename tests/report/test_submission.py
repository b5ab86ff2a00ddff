"""The official report: equality with the official scorer's numbers, and no average over a part."""

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.report.submission import score_submission
from harness.tasks.xtreme import GROUPS, XTREME, XTREME_LANGUAGES, XTREME_R

OURS = {"incomplete", "missing", "warnings", "benchmark", "pos_rule"}


def numbers(report: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], float]]:
    for key, value in report.items():
        if isinstance(value, Mapping):
            yield from numbers(value, (*path, key))
        elif isinstance(value, int | float):
            yield (*path, key), value


def test_the_whole_official_report_of_the_mock_set(shared: Path) -> None:
    root = shared / "golden/xtreme_mock"
    golden = dict(numbers(json.loads((root / "scores.json").read_text("utf-8"))))
    report = score_submission(root / "predictions", root / "labels")
    ours = dict(numbers({key: value for key, value in report.items() if key not in OURS}))
    assert set(ours) == set(golden)
    assert len(golden) == 375
    for path, value in golden.items():
        assert ours[path] == pytest.approx(value, abs=1e-9), path
        assert type(ours[path]) is float
    assert report["incomplete"] == {} and report["missing"] == {"predictions": {}, "labels": {}}
    assert [("mewslix" in warning) for warning in report["warnings"]] == [True, True]
    json.dumps(report, allow_nan=False)


def test_the_newer_tag_rule_moves_udpos_alone(shared: Path) -> None:
    root = shared / "golden/xtreme_mock"
    old, new = (
        score_submission(root / "predictions", root / "labels", pos_rule=rule) for rule in ("legacy", "seqeval1")
    )
    assert (old["udpos"]["avg_f1"], new["udpos"]["avg_f1"]) == (
        pytest.approx(70.217, abs=5e-4),
        pytest.approx(70.398, abs=5e-4),
    )
    assert new["all_task"] == pytest.approx(62.19326490767729, abs=1e-9)
    assert new["panx"] == old["panx"] and new["pos_rule"] == "seqeval1"


def test_every_cell_of_the_realistic_part(shared: Path) -> None:
    root = shared / "golden/xtreme"
    golden = json.loads((root / "scores.json").read_text("utf-8"))
    report = score_submission(root / "predictions", root / "labels")
    cells = 0
    for task, languages in golden.items():
        for language, values in languages.items():
            for metric, value in values.items():
                assert report[task][metric][language] == pytest.approx(value, abs=1e-9), (
                    task,
                    metric,
                    language,
                )
                cells += 1
    assert cells == 51
    assert not [path for path, _ in numbers(report) if path[-1].startswith("avg_")]
    assert not {"all_task", *GROUPS["xtreme"]} & set(report)
    for task, codes in XTREME_LANGUAGES.items():
        assert report["incomplete"][task] == [code for code in codes if code not in golden.get(task, {})]


def test_mock_set_as_xtreme_r(shared: Path) -> None:
    root = shared / "golden/xtreme_mock"
    report = score_submission(root / "predictions", root / "labels", "xtreme-r")
    assert report["mewslix"]["map@20"]["de"] == 50.0
    assert report["mewslix"]["avg_metric"] == report["mewslix"]["avg_map@20"]
    assert report["incomplete"]["panx"] == ["qu", "pl", "uk", "az", "lt", "pa", "gu", "ro"]
    assert "avg_f1" not in report["panx"] and "qa" not in report and "all_task" not in report
    assert any("lareqa" in warning for warning in report["warnings"])
    assert any("pawsx" in warning for warning in report["warnings"])


def test_the_tables() -> None:
    sizes = {
        "pawsx": 7,
        "xnli": 15,
        "panx": 40,
        "udpos": 33,
        "bucc2018": 4,
        "tatoeba": 36,
        "xquad": 11,
        "mlqa": 7,
    }
    assert {name: len(task.languages) for name, task in XTREME.items()} == sizes | {"tydiqa": 9}
    larger = {"xnli": 15, "xcopa": 11, "panx": 48, "udpos": 38, "tatoeba": 41, "mewslix": 11, "lareqa": 0}
    assert {name: len(task.languages) for name, task in XTREME_R.items()} == larger | {
        "xquad": 12,
        "mlqa": 7,
        "tydiqa": 9,
    }
    for tasks in (XTREME, XTREME_R):
        assert all(len(set(task.languages)) == len(task.languages) for task in tasks.values())
    assert sorted(name for members in GROUPS["xtreme"].values() for name in members) == sorted(XTREME)


def put(root: Path, name: str, content: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def folders(root: Path, files: Mapping[str, tuple[str, str]]) -> tuple[Path, Path]:
    for name, sides in files.items():
        for side, content in zip(("predictions", "labels"), sides, strict=True):
            put(root / side, name, content)
    return root / "predictions", root / "labels"


def pawsx(root: Path) -> tuple[Path, Path]:
    return folders(root, {f"pawsx/test-{one}.tsv": ("0\n1\n", "0\n0\n") for one in XTREME_LANGUAGES["pawsx"]})


def test_a_missing_language_takes_the_average_and_the_group_away(tmp_path: Path) -> None:
    ours, gold = pawsx(tmp_path)
    report = score_submission(ours, gold)
    assert report["pawsx"]["avg_metric"] == 50.0
    assert "classification" not in report
    (ours / "pawsx/test-ko.tsv").unlink()
    (gold / "pawsx/test-ja.tsv").unlink()
    report = score_submission(ours, gold)
    assert set(report["pawsx"]) == {"accuracy"} and len(report["pawsx"]["accuracy"]) == 5
    assert report["incomplete"]["pawsx"] == ["ja", "ko"]
    assert report["missing"]["predictions"]["pawsx"] == ["ko"] and report["missing"]["labels"]["pawsx"] == ["ja"]


def test_a_group_needs_all_its_tasks(tmp_path: Path) -> None:
    ours, gold = pawsx(tmp_path)
    folders(tmp_path, {f"xnli/test-{one}.tsv": ("a\n", "a\n") for one in XTREME_LANGUAGES["xnli"]})
    report = score_submission(ours, gold)
    assert report["classification"] == 75.0
    assert "all_task" not in report and len(report["incomplete"]["tatoeba"]) == 36


def one(root: Path, task: str, predictions: str, labels: str, language: str = "de") -> dict[str, Any]:
    return score_submission(*folders(root, {f"{task}/{XTREME[task].file(language)}": (predictions, labels)}))


@pytest.mark.parametrize(
    ("task", "predictions", "labels", "expected", "warning"),
    [
        ("xnli", "a\nB\n\n\n", "a\nb\n", {"accuracy": 50}, "blank lines at the end were ignored (2)"),
        ("xnli", "a\nb\n", "a\nb\n\n", {"accuracy": 100}, "blank lines at the end were ignored (1)"),
        ("xnli", "a\n\n", "a\nb\n", {"accuracy": 50}, None),
        ("xnli", "0\n" * 60, "0\n" * 60, {"accuracy": 100}, "every label is '0'"),
        ("tatoeba", "[3]\n1\n", "3\n1\n", {"accuracy": 50}, "'[3]' is no row number; such lines (1)"),
        ("udpos", "X\n\n\nNOUN\n", "X\n\nNOUN\n\n\n", {"f1": 100}, None),
        (
            "panx",
            "a\tB-PER\nb\tO\n",
            "B-PER\nB-PER\n",
            {"precision": 100, "recall": 50},
            "several columns (2)",
        ),
        (
            "bucc2018",
            "a\tb\na\tb\nc d\n\n",
            "a\tb\nc\td\n\n",
            {"precision": 100 / 3, "recall": 50},
            "count as wrong",
        ),
        ("bucc2018", "b\ta\n", "a\tb\n", {"f1": 0}, None),
        ("bucc2018", "", "a\tb\n", {"f1": 0, "precision": 0, "recall": 0}, "no pair was predicted"),
        (
            "mlqa",
            '{"x": "a"}',
            '[{"paragraphs": [{"qas": [{"id": "q", "answers": [{"text": "a"}]}]}]}]',
            {"f1": 0, "exact_match": 0},
            "1 of 1 ids have no prediction",
        ),
    ],
)
def test_quirks_that_are_reproduced_or_told(
    task: str, predictions: str, labels: str, expected: dict[str, float], warning: str | None, tmp_path: Path
) -> None:
    report = one(tmp_path, task, predictions, labels)
    for metric, value in expected.items():
        assert report[task][metric]["de"] == pytest.approx(value)
    assert warning is None or any(warning in text for text in report["warnings"])
    assert warning is not None or report["warnings"] == []


@pytest.mark.parametrize(
    ("task", "predictions", "labels", "message"),
    [
        ("xnli", "a\n", "a\nb\n", "has 1 predictions and .* has 2 labels"),
        ("udpos", "X\n", "X\n\nX\n", "has 1 predictions and .* has 2 labels"),
        (
            "udpos",
            "X\n\nDET\n",
            "X\n\n\nX\nDET\n",
            r"sentence 2 has 1 tags \(from line 3\) for 2 \(from line 4\)",
        ),
    ],
)
def test_files_that_do_not_match_are_refused(
    task: str, predictions: str, labels: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(HarnessError, match=message):
        one(tmp_path, task, predictions, labels)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    ours, gold = pawsx(tmp_path)
    put(ours, "pawsx/test-de.tsv", "")
    put(gold, "pawsx/test-zh.tsv", "0\n\n0\n")
    with pytest.raises(HarnessError, match="2 languages cannot be scored") as caught:
        score_submission(ours, gold)
    assert "test-de.tsv is empty" in str(caught.value) and "test-zh.tsv, line 2" in str(caught.value)


def test_what_is_not_read_is_told(tmp_path: Path) -> None:
    ours, gold = pawsx(tmp_path)
    put(ours, "xnly/test-de.tsv", "a\n")
    put(ours, "pawsx/test-de.txt", "a\n")
    put(gold, ".cache/x", "a\n")
    warnings = score_submission(ours, gold)["warnings"]
    assert len(warnings) == 2
    assert "pawsx: not read: test-de.txt" in warnings[0] and "xnly was not scored" in warnings[1]


def test_nothing_to_score_is_a_mistake(tmp_path: Path) -> None:
    ours, gold = pawsx(tmp_path)
    with pytest.raises(HarnessError, match=r"No such folder: .*none, .*void"):
        score_submission(tmp_path / "none", tmp_path / "void")
    with pytest.raises(HarnessError, match="No task of xtreme in"):
        score_submission(tmp_path, gold)
    with pytest.raises(HarnessError, match="Did you mean xtreme"):
        score_submission(ours, gold, "xtrem")
    with pytest.raises(HarnessError, match="legacy"):
        score_submission(ours, gold, pos_rule="new")
    shutil.move(gold / "pawsx", gold / "xnli")
    with pytest.raises(HarnessError, match="No language of xtreme has a file in both"):
        score_submission(ours, gold)

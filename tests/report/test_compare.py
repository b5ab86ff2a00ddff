"""harness compare: what differs, what cannot be paired, which items flipped, and why numbers differ."""

import json
from pathlib import Path

import numpy as np
import pytest
from made_results import Made, correlated, write

from harness.cli import main

CODES = ("de", "en", "sw")


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """b answers like a on most items, and worse in Swahili."""
    generator = np.random.default_rng(0)
    base = {code: generator.random(600) < 0.7 for code in CODES}
    write(tmp_path / "results", Made("a"), base)
    other = {code: correlated(generator, base[code], 0.1, 0.08 if code == "sw" else 0.0) for code in CODES}
    write(tmp_path / "results", Made("b", weights="w1"), other)
    return tmp_path / "results"


def _json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:
    assert main([*arguments, "--format", "json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_language_that_fell_is_named(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = _json(capsys, "compare", str(results), "a", "b")
    rows = {row["language"]: row for row in whole["differences"]}
    assert list(rows) == [*CODES, "avg"]
    assert rows["sw"]["p_holm"] < 0.05 < rows["en"]["p_holm"]
    assert rows["sw"]["high"] < 0
    assert rows["avg"]["difference"] == pytest.approx(np.mean([rows[code]["difference"] for code in CODES]))
    assert "p_holm" not in rows["avg"]
    for row in rows.values():
        assert row["p_holm"] >= row["p_randomisation"] if "p_holm" in row else True


def test_the_other_way_round_is_the_negative(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    forth, back = (_json(capsys, "compare", str(results), *pair)["differences"] for pair in (("a", "b"), ("b", "a")))
    for one, other in zip(forth, back, strict=True):
        assert one["difference"] == pytest.approx(-other["difference"])
        assert one["low"] == pytest.approx(-other["high"], abs=0.002)


def test_the_table_says_how_to_read_it(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(results), "a", "b"]) == 0
    out = capsys.readouterr().out
    assert "McNemar" in out
    assert "Holm" in out


def test_flipped_items_are_shown_in_turn(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = _json(capsys, "compare", str(results), "a", "b", "--show", "6")
    assert [flip["language"] for flip in whole["flips"]] == [*CODES, *CODES]
    for flip in whole["flips"]:
        assert flip["score_a"] != flip["score_b"]
        assert flip["output_a"] != flip["output_b"]
    assert main(["compare", str(results), "a", "b", "--show", "2"]) == 0
    assert "Give --data DIR" in capsys.readouterr().out


def test_other_data_are_refused_and_named(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(results, Made("c", data="d1"), {"de": np.ones(30, bool)}, average=False)
    assert main(["compare", str(results), "a", "c"]) == 2
    error = capsys.readouterr().err
    assert "xnli de: data d0" in error
    assert "--why" in error


def test_why_lists_every_difference(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(results, Made("c", data="d1", settings={"preset": "stilts"}), {"de": np.ones(30, bool)}, average=False)
    causes = _json(capsys, "compare", str(results), "a", "c", "--why")
    fields = {one["field"]: (one["value_a"], one["value_b"]) for one in causes}
    assert fields["setting preset"] == ("xtreme", "stilts")
    assert fields["setting source_language"] == ("en", None)
    assert fields["data"][0] != fields["data"][1]
    assert "score accuracy" in fields
    assert "weights" not in fields
    assert main(["compare", str(results), "a", "a", "--why"]) == 0
    assert "No difference" in capsys.readouterr().out


def test_another_folder_and_another_setting_can_be_a_side(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "later", Made("a"), {"de": np.ones(600, bool)}, average=False)
    write(results, Made("a", folder="transfer@stilts"), {"de": np.zeros(600, bool)}, average=False)
    rows = _json(capsys, "compare", str(results), "a:transfer@stilts", f"{tmp_path}/later/a")["differences"]
    assert [row["difference"] for row in rows] == [1.0]


def test_seeds_are_paired_and_their_deviation_told(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in (1, 2):
        for name in ("a", "b"):
            draw = np.random.default_rng(seed).random(600) < (0.7 if name == "a" else 0.75)
            write(results, Made(name, folder="transfer@s", seed=seed), {"de": draw}, average=False)
    whole = _json(capsys, "compare", str(results), "a:transfer@s", "b:transfer@s")
    (row,) = whole["differences"]
    assert row["seeds"] == 2
    assert row["deviation_a"] > 0
    assert "p_mcnemar" not in row


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("a", "d"), "Unknown checkpoint: 'd'"),
        (("a", "b:transfer@x"), "no results under transfer@x"),
        (("nowhere/a", "b"), "nowhere does not exist"),
    ],
)
def test_mistakes_are_one_sentence(
    results: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, str], said: str
) -> None:
    assert main(["compare", str(results), *arguments]) == 2
    assert said in capsys.readouterr().err


def test_text_is_shown_where_the_data_are_those_scored(
    minilm: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two layers of a real model on the bundled data; BUCC's candidates differ between them."""
    output = str(tmp_path / "results")
    for layer in ("3", "6"):
        given = ["--model", str(minilm), "--name", f"layer{layer}", "--tasks", "tatoeba,bucc2018", "--layer", layer]
        given += ["--pooling", "mean", "--languages", "de,fr", "--data", "bundled", "--output", output, "--quiet"]
        assert main(["eval", *given]) == 0
    capsys.readouterr()
    folders = sorted(path.name for path in (tmp_path / "results" / "layer3" / "tatoeba").iterdir())
    other = sorted(path.name for path in (tmp_path / "results" / "layer6" / "tatoeba").iterdir())
    sides = f"layer3:{folders[0]}", f"layer6:{other[0]}"
    whole = _json(capsys, "compare", output, *sides, "--show", "3", "--data", "bundled")
    assert {row["task"] for row in whole["differences"]} == {"tatoeba", "bucc2018"}
    assert whole["flips"]
    assert all(flip["text"] for flip in whole["flips"])

"""The static page without a browser: what is ranked, shaded, averaged and linked; hostile names; files beside it."""

import csv
import html
import json
import re
from pathlib import Path

import pytest
from made_page import COMMAND, HOSTILE, fill, hostile, hostile_page
from made_results import Made, write

from harness.cli import main
from harness.errors import HarnessError
from harness.report.page.entry import Cell
from harness.report.page.site import gather, render
from harness.report.page.supervision import supervision
from harness.report.page.tables import Line, Table, tabs
from harness.store import Store
from harness.tasks import get_task


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("page") / "results"
    fill(root)
    return root


@pytest.fixture(scope="module")
def site(results: Path) -> Path:
    assert main(["leaderboard", str(results), "--output", str(results.parent / "site"), "--quiet"]) == 0
    return results.parent / "site"


def _table(results: Path, label: str) -> Table:
    tab = next(one for one in tabs(gather(Store(results)).entries) if one.id == "xtreme")
    return next(table for table in tab.tables if table.label.startswith(label))


def _lines(table: Table) -> dict[str, Line]:
    return {line.name: line for line in table.lines}


def _data(page: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)[1])


def test_four_files_are_written(site: Path) -> None:
    assert sorted(path.name for path in site.iterdir()) == [
        "index.html", "leaderboard.csv", "leaderboard.json", "leaderboard.md",
    ]  # fmt: skip
    rows = json.loads((site / "leaderboard.json").read_text("utf-8"))
    with (site / "leaderboard.csv").open(encoding="utf-8") as lines:
        assert len(list(csv.DictReader(lines))) == len(rows)
    assert any("deviation" in row for row in rows)


def test_each_language_leads_to_the_command_that_scored_it(tmp_path: Path) -> None:
    write(tmp_path / "results", Made("m"), {"de": [True, False, True], "sw": [True, True, False]}, average=False)
    later = tmp_path / "results/m/xnli/transfer/sw.seed42.run.json"
    later.write_text(json.dumps({"command": "harness eval --languages sw"}), "utf-8")
    data = _data(render(gather(Store(tmp_path / "results")).entries, "results"))
    asked = data["asked"][data["entries"][0]["asked"]]
    codes = data["tasks"]["xnli"]["languages"]
    found = {code: data["commands"][at] for code, at in zip(codes, asked, strict=True) if at is not None}
    assert found == {"de": "harness eval --model m", "sw": "harness eval --languages sw"}
    later.write_text("{", "utf-8")
    with pytest.raises(HarnessError, match=r"sw\.seed42\.run\.json cannot be read"):
        gather(Store(tmp_path / "results"))


def test_equal_results_give_an_equal_page(results: Path, site: Path, tmp_path: Path) -> None:
    assert main(["leaderboard", str(results), "--output", str(tmp_path), "--quiet"]) == 0
    assert (tmp_path / "index.html").read_bytes() == (site / "index.html").read_bytes()


def test_the_page_asks_for_nothing(site: Path) -> None:
    page = (site / "index.html").read_text("utf-8")
    assert not re.search(r"""(src|href)\s*=\s*["'](?!data:,)""", page)
    assert "@import" not in page
    assert "url(" not in page


def test_kinds_of_supervision_have_tables_of_their_own(results: Path) -> None:
    (xtreme,) = [one for one in tabs(gather(Store(results)).entries) if one.id == "xtreme"]
    assert {table.label for table in xtreme.tables} == {
        "zero-shot transfer, trained on en",
        "probe: the encoder stays frozen, trained on en",
        "frozen sentence vectors",
    }
    assert supervision("transfer", {"source_language": "de"}, "test").label == "zero-shot transfer, trained on de"
    assert supervision("prompt", {"shots": 5}, "validation").label == "prompt, 5-shot, validation split"
    assert supervision("retrieve", {}, "test") != supervision("retrieve", {}, "validation")


def test_incomplete_and_limited_rows_are_shown_and_not_ranked(results: Path) -> None:
    lines = _lines(_table(results, "zero-shot"))
    partial = lines["partial"].numbers["xnli"]
    assert (partial.text, partial.covered, partial.ranks) == ("", "12/15", None)
    assert lines["limited"].numbers["xnli"].ranks is None
    assert lines["limited"].warnings == ("only the first 90 items",)
    assert lines["run-0"].numbers["xnli"].ranks is not None


def test_who_was_trained_on_scored_items_is_marked_and_not_ranked(tmp_path: Path) -> None:
    right = {code: [True, True, False] * 10 for code in get_task("xnli").languages}
    for name, note in (("a", ""), ("b", "MNLI"), ("c", "MNLI; 4 of 30 items")):
        settings = {"preset": "xtreme", "source_language": "en", **({"trained on": note} if note else {})}
        write(tmp_path, Made(name, settings=settings), right)
    lines = _lines(_table(tmp_path, "zero-shot"))
    assert [lines[name].numbers["xnli"].ranks is None for name in "abc"] == [False, False, True]
    assert lines["b"].warnings == ("trained on MNLI",)
    assert lines["c"].warnings == ("trained on MNLI; scored items in 15 languages",)


def test_rows_that_may_be_first_are_shaded(results: Path) -> None:
    lines = _lines(_table(results, "zero-shot"))
    assert lines["xlm-roberta-large"].best
    assert not lines["run-2"].best
    assert lines["run-2"].numbers["xnli"].ranks[0] > 1
    assert not _table(results, "probe").lines[0].best


def test_published_rows_are_not_ours(results: Path) -> None:
    published = [line for line in _table(results, "zero-shot").lines if line.published]
    assert {line.name for line in published} == {"mBERT", "XLM", "XLM-R large", "X-STILTs"}
    assert all(number.ranks is None and number.entry is None for line in published for number in line.numbers.values())
    assert not [line for line in _table(results, "probe").lines if line.published]


def test_seeds_are_mean_and_deviation(results: Path) -> None:
    number = _lines(_table(results, "zero-shot"))["run-0"].numbers["xnli"]
    averages = [
        one.main.value
        for one in Store(results).results()
        if (one.checkpoint, one.language) == ("run-0", "avg") and one.main
    ]
    assert len(averages) == 3
    assert number.value == pytest.approx(sum(averages) / 3)
    assert float(number.deviation) > 0
    assert Cell(0.5, 0.4, 0.6, 10, 4, 0.1).error == pytest.approx((0.051021**2 + 0.1**2 / 4) ** 0.5, abs=1e-5)


def test_each_number_leads_to_its_signature_and_command(results: Path, site: Path) -> None:
    data = _data((site / "index.html").read_text("utf-8"))
    entry = next(one for one in data["entries"] if one["name"] == "run-1")
    at = data["tasks"]["xnli"]["languages"].index("sw")
    pattern = data["patterns"][data["places"][entry["pattern"]][at]]
    made = pattern.format(language="sw", data=data["data"][entry["data"]][at], seed=data["seeds"][entry["seeds"]][0])
    stored = next(
        one for one in Store(results).results() if (one.checkpoint, one.language, one.seed) == ("run-1", "sw", 1)
    )
    assert made == stored.main.signature  # type: ignore[union-attr]
    assert data["commands"][data["asked"][entry["asked"]][at]] == "harness eval --model run-1"
    swahili = [one.main for one in Store(results).results() if (one.checkpoint, one.language) == ("run-1", "sw")]
    mean = sum(score.value for score in swahili if score) / 3
    assert entry["value"][at] / 10_000 == pytest.approx(mean, abs=1e-4)


def test_languages_seen_in_pretraining_come_from_the_zoo(site: Path) -> None:
    data = _data((site / "index.html").read_text("utf-8"))
    entry = next(one for one in data["entries"] if one["name"] == "xlm-roberta-large")
    assert set(data["seen"][entry["seen"]]) == set(data["tasks"]["xnli"]["languages"])
    assert "seen" not in next(one for one in data["entries"] if one["name"] == "run-0")
    assert data["languages"]["sw"] == ["Swahili", "Latn", "Niger-Congo", "Bantu", 2]


def test_hostile_names_are_text(results: Path, tmp_path: Path) -> None:
    page = hostile_page(results, tmp_path / "page.html").read_text("utf-8")
    for name in HOSTILE[:2]:
        assert name not in page
        assert html.escape(name, quote=False).split("'")[0] in page.replace("&#34;", '"').replace("&#39;", "'")
    assert COMMAND not in page
    assert len(_data(page)["entries"]) == len(hostile(results))
    assert page.count("<script") == 2
    assert "{{" not in page.split("<script>")[0].replace("{{ 7 * 7 }}", "")


def test_html_can_be_printed(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["leaderboard", str(results), "--format", "html"]) == 0
    assert capsys.readouterr().out.startswith("<!doctype html>")


def test_an_empty_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "results").mkdir()
    assert main(["leaderboard", str(tmp_path / "results"), "--output", str(tmp_path / "site")]) == 2
    assert "holds no scored result" in capsys.readouterr().err
    assert main(["leaderboard", str(tmp_path / "none"), "--output", str(tmp_path / "site")]) == 2
    assert "does not exist" in capsys.readouterr().err

"""Figures: which ones are made, that they are images, equal for equal results, and deaf to formulas in names."""

from pathlib import Path

import pytest
from made_page import fill, hostile
from made_results import Made, write

from harness.cli import main
from harness.report.page.site import gather
from harness.report.plots import differences, layers, write_plots
from harness.store import Store

pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install '.[plots]'")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("plots") / "results"
    fill(root)
    for layer, right in ((3, 20), (6, 60)):
        settings = {"layer": layer, "pooling": "mean"}
        made = Made("sweep", task="tatoeba", folder=f"retrieve@layer{layer}", settings=settings)
        answers = [at < right for at in range(90)]
        write(root, made, {"de": answers, "fr": answers[::-1]}, average=False)
    return root


def test_every_figure_is_written_as_png_and_svg(results: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    assert main(["leaderboard", str(results), "--output", str(site), "--plots", "--quiet"]) == 0
    names = {path.name for path in (site / "plots").iterdir()}
    stem = "xnli-zero-shot-transfer-trained-on-en"
    wanted = [f"heat-{stem}", f"gap-{stem}", f"differences-{stem}", "layers-tatoeba-frozen-sentence-vectors"]
    assert {f"{name}.{kind}" for name in wanted for kind in ("png", "svg")} <= names
    for path in (site / "plots").iterdir():
        assert path.read_bytes().startswith(b"\x89PNG" if path.suffix == ".png" else b"<?xml")


def test_a_sweep_is_over_the_languages_that_all_layers_have(results: Path) -> None:
    entries = [one.entry for one in gather(Store(results)).entries if one.entry.checkpoint == "sweep"]
    assert layers(entries) == {"sweep": [(3, pytest.approx(100 * 20 / 90)), (6, pytest.approx(100 * 60 / 90))]}


def test_differences_are_from_the_reference_and_complete_rows_alone(results: Path) -> None:
    entries = [one.entry for one in gather(Store(results)).entries if one.entry.task == "xnli"]
    found = {name: value for name, value, _ in differences(entries, "run-0")}
    assert "partial" not in found
    averages = {one.checkpoint: one.average.value for one in entries if one.average}
    assert found["run-2"] == pytest.approx(100 * (averages["run-2"] - averages["run-0"]))


def test_equal_results_make_equal_figures_and_names_are_no_formulas(results: Path, tmp_path: Path) -> None:
    entries = [one.entry for one in hostile(results)][-3:]
    for name in ("a", "b"):
        assert write_plots(entries, tmp_path / name)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
    write(tmp_path / "r", Made("$\\frac{1}{$ and $x$"), {"de": [True, False], "en": [True, True]}, average=False)
    assert write_plots([one.entry for one in gather(Store(tmp_path / "r")).entries], tmp_path / "c")


def test_an_unknown_reference_is_named(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--output", str(tmp_path), "--plots", "--reference", "run-9"]
    assert main(["leaderboard", str(results), *given]) == 2
    assert "Unknown checkpoint: 'run-9'" in capsys.readouterr().err

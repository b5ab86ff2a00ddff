"""The LaTeX tables: escaping, bold and daggers, the appendix, and a document that compiles where LaTeX is installed."""

import shutil
import subprocess
from pathlib import Path

import pytest
from made_page import fill, hostile
from made_results import Made, write

from harness.cli import main
from harness.report.latex import as_latex, escape
from harness.report.page.site import gather
from harness.store import Store


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("latex") / "results"
    fill(root)
    return root


def test_special_characters_are_printed_as_they_are() -> None:
    assert escape(r"a_b & 50% \input{x} ~^#$") == (
        r"a\_b \& 50\% \textbackslash{}input\{x\} \textasciitilde{}\textasciicircum{}\#\$"
    )
    assert escape("a\u202eb\nc") == "abc"


def test_tables_mark_the_highest_and_what_may_be_first(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["leaderboard", str(results), "--format", "latex"]) == 0
    text = capsys.readouterr().out
    assert text.count(r"\toprule") == text.count(r"\bottomrule")
    main_table = next(one for one in text.split(r"\begin{table}") if "zero-shot transfer" in one)
    rows = {line.split(" & ")[0]: line for line in main_table.splitlines() if line.endswith(r"\\")}
    assert sum(r"\textbf" in row for row in rows.values()) == 1
    assert r"$^{\dagger}$" in rows["xlm-roberta-large"]
    assert r"$^{\dagger}$" not in rows["run-2"]
    assert r"$\pm$" in rows["run-0"]
    assert "12/15" in rows["partial"]
    assert "mBERT" not in text


def test_the_appendix_has_every_language_and_few_columns(results: Path) -> None:
    text = as_latex(gather(Store(results)).entries)
    appendix = text.split(r"\appendix")[1]
    transfer = [one for one in appendix.split(r"\begin{longtable}") if "xnli, zero-shot" in one]
    assert len(transfer) == 1
    assert all(f"\n{code} & " in transfer[0] for code in ("ar", "sw", "zh"))


def test_the_statistics_paragraph_says_what_was_used(results: Path, tmp_path: Path) -> None:
    text = as_latex(gather(Store(results)).entries)
    assert "1000 resamples" in text
    assert "means over 1 or 3 seeds" in text
    assert r"95\%" in text
    write(tmp_path / "one", Made("a"), {"de": [True, False, True]}, average=False)
    assert "over 1 seed per" in as_latex(gather(Store(tmp_path / "one")).entries)


def test_hostile_names_make_no_commands(results: Path) -> None:
    text = as_latex(hostile(results))
    assert "<script>document.title='owned'" in text
    assert r"'quoted' \&" in text


def test_it_compiles(results: Path, tmp_path: Path) -> None:
    engine = shutil.which("pdflatex") or shutil.which("xelatex")
    if engine is None:
        pytest.skip("no LaTeX on this machine")
    body = as_latex(gather(Store(results)).entries)
    head = "\\documentclass{article}\\usepackage[utf8]{inputenc}\\usepackage{booktabs,longtable}\\begin{document}\n"
    (tmp_path / "a.tex").write_text(f"{head}{body}\\end{{document}}", encoding="utf-8")
    subprocess.run([engine, "-interaction=nonstopmode", "-halt-on-error", "a.tex"], cwd=tmp_path, check=True)

"""A study's folder from results to tables: table.json, table.md and, where matplotlib is installed, figures."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean
from typing import Any

from harness.report.leaderboard import leaderboard
from harness.report.study.best import add_best
from harness.report.study.claims import Claim, Evidence, Verdict, judged
from harness.report.study.estimand import Control, Finding, Question, control_findings, findings
from harness.report.study.lines import remarks
from harness.report.study.markdown import as_markdown
from harness.report.study.matrix import Names, Readout, read_columns
from harness.report.study.record import as_json, table_record
from harness.report.study.related import BEST
from harness.report.study.table import Line, OtherReading, Table, make_table
from harness.report.sweep import choose_layers
from harness.store import Store, replace


@dataclass(frozen=True)
class Asked:
    """A study as its manifest holds it: `record` is all of that; `development` are the readouts of development sets."""

    record: Mapping[str, Any]
    lines: tuple[Line, ...]
    names: Names
    readouts: tuple[Readout, ...]
    development: tuple[Readout, ...]
    questions: tuple[Question, ...]
    controls: tuple[Control, ...]
    claims: tuple[Claim, ...]


@dataclass(frozen=True)
class Report:
    """The table, the numbers of the estimand, the verdicts, and the files that were written."""

    table: Table
    findings: tuple[Finding, ...]
    verdicts: tuple[Verdict, ...]
    remarks: tuple[str, ...]
    record: Mapping[str, Any] = field(repr=False)
    markdown: str = field(repr=False)
    files: tuple[Path, ...] = ()


def report(output: Path, asked: Asked) -> Report:
    """Reads the results and writes the tables beside them. Rows without a score have empty cells."""
    store = Store(output / "results")
    columns = read_columns(store, asked.readouts, asked.names)
    lines = asked.lines
    picks: dict[str, str] = {}
    development = read_columns(store, asked.development, asked.names)
    if development:
        columns, picks = add_best(columns, development, lines)
        parts = {line.label: line.parts for line in lines}
        lines = (*lines, Line(BEST, (), picked={task: parts[row] for task, row in picks.items()}))
    reference = str(asked.record["core"]["reference"])
    table = make_table(columns, lines, reference, _readings(store, asked))
    found = (*findings(columns, asked.questions), *control_findings(columns, asked.controls))
    verdicts = tuple(judged(asked.claims, Evidence(table, str(asked.record["core"]["base"]["name"]))))
    said = (*remarks(table, asked.record["seeds"], picks, development), *asked.record["notes"])
    written = table_record(table, found, verdicts, picks, said)
    markdown = as_markdown(table, found, verdicts, said, asked.record)
    files = [output / "table.json", output / "table.md"]
    replace(files[0], (as_json(written) + "\n").encode("utf-8"))
    replace(files[1], markdown.encode("utf-8"))
    if find_spec("matplotlib") is not None:
        from harness.report.plots_study import write_study_plots

        files += write_study_plots(table, output / "plots")
    return Report(table, found, verdicts, said, written, markdown, tuple(files))


def _readings(store: Store, asked: Asked) -> dict[tuple[str, str], OtherReading]:
    """(row, task) -> means over seeds and languages of the layer chosen on other pairs, and of the oracle."""
    row_of = {name: row for row, by_seed in asked.names.items() for name in by_seed.values()}
    swept = [one for one in asked.readouts if one.layer is not None]
    languages = {one.task: set(one.languages) for one in swept}
    splits = {one.task: one.split for one in swept}
    rows = [
        one
        for one in (leaderboard(store) if swept else ())
        if one.task in languages and one.checkpoint in row_of and one.split == splits[one.task]
    ]
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for choice in choose_layers(rows):
        if choice.language in languages[choice.task]:
            values = (choice.value, choice.oracle_value)
            found.setdefault((row_of[choice.checkpoint], choice.task), []).append(values)
    return {key: OtherReading(*(fmean(own) for own in zip(*values, strict=True))) for key, values in found.items()}


def as_text(done: Report, format_: str) -> str:
    """The report as JSON or Markdown."""
    return as_json(done.record) if format_ == "json" else done.markdown.rstrip("\n")

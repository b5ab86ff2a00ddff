"""A study's table as Markdown: recipes and tasks, the estimand, other layers, languages, claims."""

from collections.abc import Mapping, Sequence
from typing import Any

from harness.report.markdown import table as markdown_table
from harness.report.study.claims import Verdict
from harness.report.study.estimand import Finding
from harness.report.study.lines import (
    cell_text,
    difference_text,
    finding_text,
    has_kin,
    mean_text,
    protocols_with_mean,
)
from harness.report.study.table import Table


def as_markdown(
    table: Table,
    found: Sequence[Finding],
    verdicts: Sequence[Verdict],
    remarks: Sequence[str],
    record: Mapping[str, Any],
) -> str:
    """The whole page; `record` is the study's manifest."""
    parts = [f"# Study of {record['core']['base']['name']}", _main(table), _bullets(remarks)]
    if found:
        parts += ["## What was asked", f"Primary: {record['estimand']['primary']}.", _bullets(map(finding_text, found))]
    layers = _layers(table)
    if layers:
        parts += ["## Sentence vectors at other layers", layers]
    parts += [
        f"## Differences by language: {one.readout.task}\n\n{_languages(table, one.readout.task)}"
        for one in table.columns
    ]
    if verdicts:
        parts += ["## Published claims", _claims(verdicts)]
    return "\n\n".join(parts) + "\n"


def _main(table: Table) -> str:
    header, lines = main_rows(table)
    return markdown_table(header, lines)


def main_rows(table: Table) -> tuple[list[str], list[list[str]]]:
    """(header, rows) of the main table, in plain text."""
    means = [(name, False) for name in protocols_with_mean(table)]
    means = [pair for name, _ in means for pair in ((name, False), (name, True)) if not pair[1] or has_kin(table, name)]
    header = ["recipe", "steps", "tokens", *(f"{one.readout.task} {one.metric}" for one in table.columns)]
    header += [f"mean of {name}{' without kin' if kin else ''}" for name, kin in means]
    lines = []
    for line in table.lines:
        cells = table.cells[line.label]
        own = [line.label, _count(line.steps), _count(line.tokens)]
        own += [cell_text(cells.get(one.readout.task)) for one in table.columns]
        own += [mean_text(table.means[line.label].get(name), kin) for name, kin in means]
        lines.append(own)
    return header, lines


def _count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _layers(table: Table) -> str:
    tasks = [
        one.readout.task
        for one in table.columns
        if any(own[one.readout.task].reading for own in table.cells.values() if one.readout.task in own)
    ]
    if not tasks:
        return ""
    header = ["recipe", *(f"{task} {kind}" for task in tasks for kind in ("pinned", "chosen on other pairs", "oracle"))]
    lines = []
    for line in table.lines:
        own = [line.label]
        for task in tasks:
            cell = table.cells[line.label].get(task)
            reading = cell.reading if cell else None
            values = [cell.estimate.value if cell else None]
            values += [reading.chosen, reading.oracle] if reading else [None, None]
            own += ["–" if value is None else f"{100 * value:.1f}" for value in values]
        lines.append(own)
    return markdown_table(header, lines)


def _languages(table: Table, task: str) -> str:
    lines = [line for line in table.lines if line.label in table.cells and task in table.cells[line.label]]
    codes = next(one.readout.languages for one in table.columns if one.readout.task == task)
    header = ["language", *(line.label for line in lines)]
    rows = []
    for code in codes:
        own = [code]
        for line in lines:
            cell = table.cells[line.label][task]
            value = f"{100 * cell.values[code]:.1f}"
            own.append(f"{value} {difference_text(cell.languages[code])}" if code in cell.languages else value)
        rows.append(own)
    return markdown_table(header, rows)


def _claims(verdicts: Sequence[Verdict]) -> str:
    lines = [[one.claim, one.verdict, one.said, one.source] for one in verdicts]
    return markdown_table(["claim", "verdict", "here", "source"], lines)


def _bullets(lines: Any) -> str:
    return "\n".join(f"- {line}" for line in lines)

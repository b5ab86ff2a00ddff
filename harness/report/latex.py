"""The leaderboard for a paper: booktabs tables with bold and significance marks, languages in an appendix, and a
paragraph that says what the statistics are. Everything that is printed is escaped."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.metrics.bootstrap import RESAMPLES
from harness.report.page.model import KnownEntry
from harness.report.page.tables import Line, Number, Table, tabs

ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}
# Checkpoints side by side in the appendix: more do not fit a page.
ACROSS = 6


@dataclass(frozen=True)
class Cell:
    """One number as it is printed."""

    text: str
    bold: bool = False
    dagger: bool = False
    deviation: str = ""


@dataclass(frozen=True)
class Row:
    """A line of a table."""

    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Printed:
    """A table; `incomplete` says that a footnote is needed."""

    title: str
    label: str
    heads: tuple[str, ...]
    lines: tuple[Row, ...]
    incomplete: bool = False


def as_latex(entries: Sequence[KnownEntry]) -> str:
    """A document's part: include it with \\input."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        # LaTeX has other special characters than HTML: every printed value is escaped here instead.
        autoescape=False,
        finalize=escape,
        trim_blocks=True,
        lstrip_blocks=True,
        block_start_string="((*",
        block_end_string="*))",
        variable_start_string="(((",
        variable_end_string=")))",
        comment_start_string="((=",
        comment_end_string="=))",
    )
    shown = [_table(tab.title, table) for tab in tabs(entries) for table in tab.tables]
    values: dict[str, Any] = {
        "tables": shown,
        "appendix": list(_appendix(entries)),
        "statistics": statistics(entries),
    }
    return environment.get_template("latex.tex.j2").render(values)


def escape(value: Any) -> str:
    """Text that LaTeX prints as it is; control and direction marks are left out."""
    kept = (one for one in str(value) if one.isprintable())
    return "".join(ESCAPES.get(one, one) for one in kept)


def statistics(entries: Sequence[KnownEntry]) -> str:
    """What a reader must know of the numbers, from what was in fact used."""
    seeds = sorted({len(one.entry.seeds) for one in entries})
    several = " or ".join(map(str, seeds))
    parts = [
        "Intervals are 95% percentile bootstraps over the task's clusters (premises, passages, sentences), "
        f"{RESAMPLES} resamples, joint over languages whose items are translations of one another.",
        f"Numbers are means over {several} {'seeds' if seeds != [1] else 'seed'} per checkpoint and task.",
        "Ranks are simultaneous 95% confidence sets over all rows of a table (Mogstad et al., 2024), taking rows as "
        "independent. An average is given only where every language of the task's official list is scored; results of "
        "different protocols or supervision are never ranked or averaged together.",
    ]
    if seeds != [1]:
        parts.insert(2, "The value after the plus-minus sign is the sample deviation over seeds.")
    return " ".join(parts)


def _table(title: str, table: Table) -> Printed:
    lines = [line for line in table.lines if not line.published]
    best = {
        column.task: max(
            (line.numbers[column.task].value for line in lines if _ranked(line, column.task)), default=None
        )
        for column in table.columns
    }
    means = [line.mean.value for line in lines if line.mean]
    heads = [column.task for column in table.columns] + ["mean"] * table.has_mean
    rows = []
    for line in lines:
        cells = [_cell(line.numbers.get(column.task), best[column.task]) for column in table.columns]
        cells += [_cell(line.mean, max(means, default=None))] * table.has_mean
        rows.append(Row(f"{line.name} {line.marks}".strip(), tuple(cells)))
    incomplete = any(number.covered for line in lines for number in line.numbers.values())
    return Printed(title, table.label, tuple(heads), tuple(rows), incomplete)


def _ranked(line: Line, task: str) -> bool:
    return task in line.numbers and line.numbers[task].ranks is not None


def _cell(number: Number | None, best: float | None) -> Cell:
    if number is None:
        return Cell("")
    if not number.text:
        return Cell(number.covered)
    bold = number.ranks is not None and number.value == best
    return Cell(number.text, bold, number.best, number.deviation)


def _appendix(entries: Sequence[KnownEntry]) -> Iterator[Printed]:
    groups: dict[tuple[str, str], list[KnownEntry]] = {}
    for one in entries:
        groups.setdefault((one.entry.task, one.entry.supervision.label), []).append(one)
    for (task, label), own in groups.items():
        for start in range(0, len(own), ACROSS):
            part = [one.entry for one in own[start : start + ACROSS]]
            codes = dict.fromkeys(code for entry in part for code in (*entry.languages, *entry.cells))
            lines = [
                Row(code, tuple(_language(entry.cells.get(code)) for entry in part))
                for code in codes
                if any(code in entry.cells for entry in part)
            ]
            heads = tuple(f"{entry.checkpoint} {entry.marks}".strip() for entry in part)
            yield Printed(task, label, heads, tuple(lines), any(len(entry.seeds) == 1 for entry in part))


def _language(cell: Any) -> Cell:
    if cell is None:
        return Cell("")
    if cell.deviation is not None:
        return Cell(f"{100 * cell.value:.1f}", deviation=f"{100 * cell.deviation:.1f}")
    return Cell(f"{100 * cell.value:.1f} ({100 * cell.low:.1f}–{100 * cell.high:.1f})")

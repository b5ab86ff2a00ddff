"""The leaderboard as Markdown tables."""

from collections.abc import Sequence

from harness.report.leaderboard import Row
from harness.store import AVERAGE


def as_markdown(rows: Sequence[Row]) -> str:
    """A table of averages, then one of languages per task; main metrics in percent."""
    main = [row for row in rows if row.main]
    parts = [_averages(main)]
    for task in dict.fromkeys(row.task for row in main):
        scored = [row for row in main if row.task == task and row.status == "scored"]
        if scored:
            parts.append(_languages(scored, task))
    return "\n\n".join(parts)


def _averages(main: Sequence[Row]) -> str:
    columns = list(dict.fromkeys(row.column for row in main))
    cells = {(row.variant, row.column): row for row in main if row.language == AVERAGE}
    variants = dict.fromkeys(row.variant for row in main)
    lines = [[*variant, *(_cell(cells.get((variant, column))) for column in columns)] for variant in variants]
    return table(["checkpoint", "settings", *(" ".join(column) for column in columns)], lines)


def _languages(rows: Sequence[Row], task: str) -> str:
    columns = list(dict.fromkeys((row.checkpoint, row.folder) for row in rows))
    cells = {(row.language, row.checkpoint, row.folder): row for row in rows}
    lines = [
        [language, *(_cell(cells.get((language, *column))) for column in columns)]
        for language in dict.fromkeys(row.language for row in rows)
    ]
    return table([f"{task} {rows[0].metric}", *(f"{name} {folder}" for name, folder in columns)], lines)


def _cell(row: Row | None) -> str:
    if row is None:
        return ""
    if row.value is None:
        return f"– ({row.covered[0]}/{row.covered[1]})"
    if row.low is None or row.high is None:
        return f"{100 * row.value:.1f}"
    return f"{100 * row.value:.1f} ({100 * row.low:.1f}–{100 * row.high:.1f})"


def table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table; what is in a cell cannot end it or become HTML."""
    rows = [header, ["---"] * len(header), *lines]
    return "\n".join("| " + " | ".join(escape(cell) for cell in row) + " |" for row in rows)


def escape(cell: str) -> str:
    """Names are the user's."""
    for character, harmless in (("&", "&amp;"), ("<", "&lt;"), ("|", "&#124;"), ("`", "&#96;"), ("\n", " ")):
        cell = cell.replace(character, harmless)
    return cell

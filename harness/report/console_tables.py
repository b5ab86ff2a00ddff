"""The two tables of a terminal: task averages, and a task's languages. Letters stand for settings: both stay narrow."""

from collections.abc import Mapping, Sequence
from string import ascii_lowercase

from rich.table import Table
from rich.text import Text

from harness.report.leaderboard import Row
from harness.store import AVERAGE

# So many checkpoints stand side by side; more of them stand one below the other.
SIDE_BY_SIDE = 4


def settings_marks(rows: Sequence[Row]) -> dict[str, str]:
    """A letter for each folder (protocol and settings) that has settings other than the default: a, b, ..., z, aa."""
    folders = dict.fromkeys(row.folder for row in rows if row.variant[1])
    return {folder: _letters(number) for number, folder in enumerate(folders)}


def averages_table(main: Sequence[Row], marks: Mapping[str, str]) -> Table:
    """Averages of the main metrics; one over a subset of the official languages is never shown."""
    names = list(dict.fromkeys(row.checkpoint for row in main))
    lines = list(dict.fromkeys((row.column, row.folder) for row in main))
    cells = {(row.checkpoint, row.column, row.folder): _average(row) for row in main if row.language == AVERAGE}
    heads = [_headline(column, marks.get(folder, "")) for column, folder in lines]
    table = Table(title="Averages over each task's official languages (percent; 11/36 = languages scored)")
    if len(names) <= SIDE_BY_SIDE:
        table.add_column("task")
        for name in names:
            table.add_column(Text(name), justify="right", overflow="fold")
        for head, line in zip(heads, lines, strict=True):
            table.add_row(Text(head), *(cells.get((name, *line), "") for name in names))
    else:
        table.add_column("checkpoint", overflow="fold")
        for head in heads:
            table.add_column(Text(head.replace(" ", "\n")), justify="right", overflow="fold")
        for name in names:
            table.add_row(Text(name), *(cells.get((name, *line), "") for line in lines))
    return table


def languages_table(rows: Sequence[Row], marks: Mapping[str, str]) -> Table:
    """A task's languages; columns are checkpoints with their settings."""
    columns = list(dict.fromkeys((row.checkpoint, row.folder) for row in rows))
    title = f"{rows[0].task} {rows[0].metric} (percent, 95% interval)" if rows else ""
    table = Table(title=title)
    table.add_column("language")
    several = len({row.protocol for row in rows}) > 1
    for name, folder in columns:
        head = [name, folder.partition("@")[0] if several else "", marks.get(folder, "")]
        table.add_column(Text(" ".join(filter(None, head))), justify="right", overflow="fold")
    cells = {(row.language, row.checkpoint, row.folder): row for row in rows}
    for language in dict.fromkeys(row.language for row in rows):
        table.add_row(language, *(_cell(cells.get((language, *column))) for column in columns))
    return table


def _letters(number: int) -> str:
    before, last = divmod(number, len(ascii_lowercase))
    return (_letters(before - 1) if before else "") + ascii_lowercase[last]


def _headline(column: tuple[str, str, str], mark: str) -> str:
    """`xnli transfer validation a`: the split only where it is not the test set."""
    task, protocol, split = column
    return " ".join(filter(None, [task, protocol, split if split != "test" else "", mark]))


def _average(row: Row) -> str:
    return f"- ({row.covered[0]}/{row.covered[1]})" if row.value is None else _cell(row)


def _cell(row: Row | None) -> str:
    if row is None or row.value is None:
        return ""
    seeds = f" ×{row.seeds}" if row.seeds > 1 else ""
    if row.low is None or row.high is None:
        return f"{100 * row.value:.1f}{seeds}"
    return f"{100 * row.value:.1f} [dim]{100 * row.low:.1f}-{100 * row.high:.1f}[/dim]"

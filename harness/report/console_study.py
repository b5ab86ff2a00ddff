"""A study's table in the terminal: recipes below one another, tasks side by side while they fit."""

import json
from collections.abc import Sequence
from typing import Protocol

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from harness.report.study.command import Report
from harness.report.study.lines import finding_text
from harness.report.study.markdown import main_rows


class Priced(Protocol):
    """A job with its estimated cost."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def steps(self) -> int | None: ...
    @property
    def tokens(self) -> int: ...
    @property
    def seconds(self) -> float: ...
    @property
    def done(self) -> bool: ...


STYLES = {"reproduced": "green", "contradicted": "red", "inconclusive": "yellow", "not run": "dim"}
# So many columns of numbers fit beside one another.
ABREAST = 4
FIXED = 3


def print_study(done: Report, console: Console) -> None:
    """The table, the estimand, the verdicts."""
    header, lines = main_rows(done.table)
    numbers = list(range(FIXED, len(header)))
    for start in range(0, len(numbers), ABREAST):
        columns = [0, *((1, 2) if start == 0 else ()), *numbers[start : start + ABREAST]]
        console.print(_table(header, lines, columns))
    for line in done.remarks:
        console.print(Text(line, style="dim"), soft_wrap=True)
    for one in done.findings:
        console.print(Text(finding_text(one)), soft_wrap=True)
    for verdict in done.verdicts:
        console.print(
            Text.assemble((f"{verdict.verdict:<13}", STYLES[verdict.verdict]), f"{verdict.claim}: {verdict.said}"),
            soft_wrap=True,
        )


def print_costs(jobs: Sequence[Priced], notes: Sequence[str], format_: str, console: Console) -> None:
    """What a dry run says: every job with its tokens and seconds, and what is left in all."""
    if format_ == "json":
        print(json.dumps([vars(one) for one in jobs], indent=1))
        return
    table = RichTable()
    for head in ("job", "kind", "steps", "tokens", "time"):
        table.add_column(head, justify="left" if head in ("job", "kind") else "right", overflow="fold")
    for one in jobs:
        steps = "" if one.steps is None else f"{one.steps:,}"
        table.add_row(Text(one.name), one.kind, steps, f"{one.tokens:,}", "done" if one.done else clock(one.seconds))
    console.print(table)
    left = [one for one in jobs if not one.done]
    console.print(f"{len(left)} of {len(jobs)} jobs to do, about {clock(sum(one.seconds for one in left))} (a guess)")
    for note in notes:
        console.print(Text(f"note  {note}", style="yellow"), soft_wrap=True)


def clock(seconds: float) -> str:
    """`2 h 5 min`, `3 min`, `20 s`."""
    minutes = round(seconds / 60)
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _table(header: Sequence[str], lines: Sequence[Sequence[str]], columns: Sequence[int]) -> RichTable:
    table = RichTable()
    for at in columns:
        table.add_column(Text(header[at]), justify="left" if at == 0 else "right", overflow="fold")
    for line in lines:
        table.add_row(*(Text(line[at]) for at in columns))
    return table

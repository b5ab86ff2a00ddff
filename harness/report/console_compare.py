"""A comparison in the terminal."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.report.compare.compare import Comparison, Difference
from harness.report.compare.flips import Flip
from harness.report.compare.why import Cause

CERTAIN = 0.05
READING = (
    "Differences are B - A in points with 95% paired bootstrap intervals over items; p by approximate randomisation "
    "(p boot by paired bootstrap, p McNemar exact); * Holm over a task's languages below 0.05."
)


def print_comparison(comparison: Comparison, console: Console) -> None:
    """One table per task, the mean over its languages last."""
    console.print(Text(f"A = {comparison.label_a}\nB = {comparison.label_b}"))
    for rows in comparison.tasks:
        console.print(_table(rows))
    console.print(Text(READING, style="dim"))
    for note in comparison.notes:
        console.print(Text(f"note  {note}", style="yellow"), soft_wrap=True)


def _table(rows: Sequence[Difference]) -> Table:
    table = Table(title=Text(f"{rows[0].task} {rows[0].metric} (percent)"))
    mcnemar = any(row.verdict.p_mcnemar is not None for row in rows)
    seeds = any(row.deviations for row in rows)
    headers = ["language", "n", "A", "B", "B - A", "95%", "p", "p boot", *["p McNemar", "only A/B right"] * mcnemar]
    for header in [*headers, "p Holm", *["seed sd A/B"] * seeds]:
        table.add_column(header, justify="left" if header == "language" else "right")
    for row in rows:
        table.add_row(*(Text(cell) for cell in _cells(row, mcnemar, seeds)))
    return table


def _cells(row: Difference, mcnemar: bool, seeds: bool) -> list[str]:
    one = row.verdict
    cells = [row.language, str(one.n), f"{100 * one.value_a:.1f}", f"{100 * one.value_b:.1f}"]
    cells += [f"{100 * one.difference:+.2f}", f"{100 * one.low:+.2f} to {100 * one.high:+.2f}"]
    cells += [_p(one.p_randomisation), _p(one.p_bootstrap)]
    if mcnemar:
        cells += [_p(one.p_mcnemar), "" if one.only_a is None else f"{one.only_a}/{one.only_b}"]
    cells.append("" if row.p_holm is None else f"{_p(row.p_holm)}{' *' if row.p_holm < CERTAIN else ''}")
    if seeds:
        cells.append("" if row.deviations is None else " / ".join(f"{100 * one:.2f}" for one in row.deviations))
    return cells


def _p(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}" if value >= 0.001 else f"{value:.1e}"


def print_flips(flips: Sequence[Flip], console: Console, have_text: bool) -> None:
    """Every flipped item on a few lines."""
    for one in flips:
        scores = "" if one.score_a is None else f"  {one.score_a:.2f} -> {one.score_b:.2f}"
        console.print(Text(f"\n{one.task} {one.language} {one.id}{scores}", style="bold"))
        for name, value in (("text", one.text), ("gold", one.gold), ("A", one.output_a), ("B", one.output_b)):
            if value != "":
                console.print(Text(f"  {name:4} {_short(value)}"), soft_wrap=True)
    if flips and not have_text:
        console.print(Text("Give --data DIR to see the text of these items.", style="dim"))
    if not flips:
        console.print("No item flipped.")


def print_causes(causes: Sequence[Cause], console: Console) -> None:
    """Which field differs, in which languages."""
    if not causes:
        console.print("No difference: same weights, data, settings, versions and scores.")
        return
    table = Table(title="What differs")
    for header in ("task", "field", "A", "B", "languages"):
        table.add_column(header, overflow="fold")
    for one in causes:
        cells = (one.task, one.field, _short(one.value_a), _short(one.value_b), " ".join(one.languages))
        table.add_row(*(Text(cell) for cell in cells))
    console.print(table)


def _short(value: Any, most: int = 400) -> str:
    text = "(absent)" if value is None else str(value)
    return text if len(text) <= most else f"{text[: most - 1]}…"

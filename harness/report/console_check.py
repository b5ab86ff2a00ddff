"""A gate in the terminal."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.metrics.gate import BETTER, INCONCLUSIVE, MISSING, SAME, WITHIN, WORSE
from harness.report.check.check import Gate
from harness.report.check.summary import HEADER, cells, explain, headline

STYLES = {WORSE: "bold red", MISSING: "bold red", INCONCLUSIVE: "yellow", BETTER: "green", SAME: "", WITHIN: "green"}


# What a narrow terminal can do without; the files and --format json have everything.
IDLE = ("mode", "p of a drop", "detectable drop", "remark")
NARROW = 130


def print_gate(gate: Gate, console: Console) -> None:
    """All lines; only the gated ones have a verdict. Remarks stand below where the terminal is narrow."""
    several = len({line.baseline for line in gate.lines}) > 1
    narrow = console.width < NARROW
    shown = [name for name in HEADER if (several or name != "baseline") and not (narrow and name in IDLE)]
    table = Table()
    for name in shown:
        words = name in ("baseline", "task", "over", "mode", "verdict", "remark")
        table.add_column(name, justify="left" if words else "right", overflow="fold")
    for line in gate.lines:
        texts = {name: Text(cell) for name, cell in zip(HEADER, cells(line), strict=True)}
        texts["verdict"].stylize(STYLES.get(line.verdict, ""))
        table.add_row(*(texts[name] for name in shown), style="" if line.gated else "dim")
    console.print(table)
    for line in gate.lines:
        remark = explain(line)
        if narrow and line.gated and remark:
            console.print(Text(f"{line.task} {line.language}: {line.mode}; {remark}", style="dim"), soft_wrap=True)
    for warning in gate.warnings:
        console.print(Text(f"note  {warning}", style="yellow"), soft_wrap=True)
    console.print(Text(headline(gate), style="bold"), soft_wrap=True)

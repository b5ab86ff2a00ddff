"""What a dry run expects: time, memory and disk of each task."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.work.estimate import Estimate


def print_estimates(rows: Sequence[Estimate], workers: int, console: Console) -> None:
    """A row per task, and the whole; nothing where nothing is left to do."""
    if not rows:
        console.print("All of it is there already.")
        return
    table = Table(title="Expected on this device, by a short calibration (one worker)")
    for header in ("checkpoint", "task", "setting"):
        table.add_column(header, overflow="fold")
    for header in ("languages", "time", "training", "memory", "disk"):
        table.add_column(header, justify="right")
    for row in rows:
        names = (Text(row.checkpoint), Text(row.task), Text(row.folder))
        sizes = (str(len(row.languages)), duration(row.seconds), duration(row.training), size(row.memory))
        table.add_row(*names, *sizes, size(row.disk))
    seconds = sum(row.seconds for row in rows)
    table.add_section()
    total = (duration(seconds), duration(sum(row.training for row in rows)), size(max(row.memory for row in rows)))
    table.add_row("all", "", "", "", *total, size(sum(row.disk for row in rows)))
    console.print(table)
    if workers > 1:
        longest = max(row.training for row in rows)
        console.print(f"{workers} workers alike: {duration(max(longest, seconds / workers))} at the least")


def duration(seconds: float) -> str:
    """`3.2 s`, `4 min`, `5.1 h`."""
    if seconds < 90:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def size(count: float) -> str:
    """`12 kB`, `3.4 GiB`."""
    for unit, power in (("GiB", 30), ("MiB", 20)):
        if count >= 2**power:
            return f"{count / 2**power:.1f} {unit}"
    return f"{count / 1024:.0f} KiB"

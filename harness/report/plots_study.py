"""Figures of a study: the difference to the reference for every recipe, a panel per task; kin to the task is
hatched."""

from collections.abc import Sequence
from io import BytesIO
from math import isnan
from pathlib import Path
from typing import Any

from harness.report.study.table import Cell, Table
from harness.store import replace, writable

COLOUR, KIN_COLOUR = "#0b57a4", "#9bb7d4"
PANELS = 4


def write_study_plots(table: Table, folder: Path) -> list[Path]:
    """`differences` and `languages` as PNG and SVG; returns the PNG files of those that there is anything to show
    in."""
    import matplotlib

    writable(folder)
    written = []
    with matplotlib.rc_context({"svg.hashsalt": "harness", "svg.fonttype": "none"}):
        for stem, figure in (("differences", differences(table)), ("languages", languages(table))):
            if figure is None:
                continue
            for kind in ("svg", "png"):
                buffer = BytesIO()
                figure.savefig(
                    buffer, format=kind, dpi=150, bbox_inches="tight", metadata={"Date": None} if kind == "svg" else {}
                )
                replace(folder / f"{stem}.{kind}", buffer.getvalue())
            written.append(folder / f"{stem}.png")
    return written


def differences(table: Table) -> Any:
    """A panel a task, a bar a recipe in points with its interval; None where nothing is compared."""
    from matplotlib.figure import Figure

    panels = [one.readout.task for one in table.columns if _compared(table, one.readout.task)]
    if not panels:
        return None
    rows = -(-len(panels) // PANELS)
    most = max(len(_compared(table, task)) for task in panels)
    across = min(len(panels), PANELS)
    figure = Figure(figsize=(3.6 * across, rows * (1.2 + 0.3 * most)), layout="constrained")
    axes = figure.subplots(rows, across, squeeze=False)
    for at, task in enumerate(panels):
        _bars(axes[at // PANELS][at % PANELS], table, task)
    for at in range(len(panels), rows * across):
        axes[at // PANELS][at % PANELS].set_axis_off()
    figure.supxlabel(f"points minus {table.reference}, 95% over seeds and items", fontsize=9, parse_math=False)
    return figure


def _compared(table: Table, task: str) -> list[tuple[str, Cell]]:
    own = [(line.label, table.cells[line.label].get(task)) for line in table.lines]
    return [(label, cell) for label, cell in own if cell is not None and cell.difference is not None]


def _bars(axes: Any, table: Table, task: str) -> None:
    own = _compared(table, task)
    for at, (_, cell) in enumerate(own):
        one = cell.difference
        assert one is not None, "only compared cells are drawn"
        hatch = {"hatch": "///", "facecolor": KIN_COLOUR, "edgecolor": COLOUR} if cell.related else {"color": COLOUR}
        axes.barh(at, 100 * one.value, height=0.6, **hatch)
        if one.low is not None and one.high is not None:
            axes.plot([100 * one.low, 100 * one.high], [at, at], color="black", linewidth=1.2)
    axes.axvline(0, color="0.5", linewidth=0.8)
    axes.set_yticks(range(len(own)), [_short(label) for label, _ in own], fontsize=8, parse_math=False)
    axes.invert_yaxis()
    axes.tick_params(axis="x", labelsize=8)
    axes.set_title(task, fontsize=9, parse_math=False)


def languages(table: Table) -> Any:
    """Differences in points, recipes x (task and language); None where nothing is compared."""
    from matplotlib.figure import Figure

    heads = [(one.readout.task, code) for one in table.columns for code in one.readout.languages]
    rows = [line.label for line in table.lines if any(cell.languages for cell in table.cells[line.label].values())]
    if not rows or not heads:
        return None
    values = [[_of_language(table, row, task, code) for task, code in heads] for row in rows]
    limit = max(abs(value) for row in values for value in row if not isnan(value)) or 1.0
    figure = Figure(figsize=(2.5 + 0.26 * len(heads), 1.6 + 0.32 * len(rows)))
    axes = figure.add_subplot()
    image = axes.imshow(values, aspect="auto", cmap="RdBu", vmin=-limit, vmax=limit)
    axes.set_xticks(
        range(len(heads)), [f"{task} {code}" for task, code in heads], fontsize=6, rotation=90, parse_math=False
    )
    axes.set_yticks(range(len(rows)), [_short(row) for row in rows], fontsize=8, parse_math=False)
    figure.colorbar(image, ax=axes, label=f"points minus {table.reference}")
    return figure


def _of_language(table: Table, row: str, task: str, code: str) -> float:
    cell = table.cells[row].get(task)
    return 100 * cell.languages[code].value if cell is not None and code in cell.languages else float("nan")


def _short(name: str, most: int = 28) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


__all__: Sequence[str] = ("differences", "languages", "write_study_plots")

"""Figures as PNG and SVG: heat map, transfer gap, layer sweep, differences from a reference.

Names are drawn as plain text: matplotlib would read what stands between dollar signs as formulas."""

from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from math import hypot
from pathlib import Path
from statistics import fmean
from typing import Any

from harness.errors import HarnessError, missing_package, unknown_names
from harness.report.page.entry import Entry
from harness.store import replace, writable

MOST_ROWS = 60
NAME = 32


def write_plots(entries: Sequence[Entry], folder: Path, reference: str | None = None) -> list[Path]:
    """Every figure that the entries allow; returns the PNG files. `reference` is the checkpoint that differences are
    taken from (default: the first that is complete). HarnessError where matplotlib is not installed."""
    try:
        import matplotlib
    except ImportError as error:
        raise missing_package("matplotlib", "'zeroshot-harness[plots]'") from error
    names = list(dict.fromkeys(one.checkpoint for one in entries))
    if reference is not None and reference not in names:
        raise unknown_names("checkpoint", [reference], names, f"Scored: {', '.join(names)}.")
    writable(folder)
    written = []
    # A fixed salt makes equal figures equal bytes; glyphs stay text.
    with matplotlib.rc_context({"svg.hashsalt": "harness", "svg.fonttype": "none"}):
        for stem, figure in _figures(entries, reference):
            for kind in ("svg", "png"):
                buffer = BytesIO()
                metadata = {"Date": None} if kind == "svg" else {}
                figure.savefig(buffer, format=kind, dpi=150, bbox_inches="tight", metadata=metadata)
                replace(folder / f"{stem}.{kind}", buffer.getvalue())
            written.append(folder / f"{stem}.png")
    return written


def _figures(entries: Sequence[Entry], reference: str | None) -> Iterator[tuple[str, Any]]:
    """(file name, figure); a task's protocols and supervisions have figures of their own."""
    groups: dict[tuple[str, str], list[Entry]] = {}
    for one in entries:
        groups.setdefault((one.task, one.supervision.label), []).append(one)
    for (task, label), own in groups.items():
        stem = _stem(task, label)
        yield f"heat-{stem}", heat_map(own[:MOST_ROWS])
        if any(_gap(one) is not None for one in own):
            yield f"gap-{stem}", transfer_gap([one for one in own if _gap(one) is not None][:MOST_ROWS])
        swept = layers(own)
        if swept:
            yield f"layers-{stem}", layer_sweep(swept, f"{task}, {label}")
        base = reference or next((one.checkpoint for one in own if one.ranked), "")
        pairs = differences(own, base)
        if pairs:
            yield (
                f"differences-{stem}",
                difference_plot(pairs[:MOST_ROWS], f"{task}, {label}: minus {_short(base)}"),
            )


def heat_map(entries: Sequence[Entry]) -> Any:
    """Checkpoints x languages in percent."""
    from matplotlib.figure import Figure

    codes = list(dict.fromkeys(code for one in entries for code in one.cells))
    values = [[100 * one.cells[code].value if code in one.cells else float("nan") for code in codes] for one in entries]
    figure = Figure(figsize=(2.5 + 0.36 * len(codes), 1.2 + 0.32 * len(entries)))
    axes = figure.add_subplot()
    image = axes.imshow(values, aspect="auto", cmap="cividis")
    _ticks(axes.set_xticks, range(len(codes)), codes)
    _ticks(axes.set_yticks, range(len(entries)), [_row(one) for one in entries])
    figure.colorbar(image, ax=axes, label=f"{entries[0].metric}, percent")
    _title(axes, f"{entries[0].task}, {entries[0].supervision.label}")
    return figure


def _gap(entry: Entry) -> tuple[float, float] | None:
    """(English, mean of the other languages), percent."""
    others = [cell.value for code, cell in entry.cells.items() if code != "en"]
    english = entry.cells.get("en")
    return None if english is None or not others else (100 * english.value, 100 * fmean(others))


def transfer_gap(entries: Sequence[Entry]) -> Any:
    """English beside the mean of the other languages."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.5, 1.2 + 0.32 * len(entries)))
    axes = figure.add_subplot()
    for at, one in enumerate(entries):
        english, others = _gap(one) or (0.0, 0.0)
        axes.plot([others, english], [at, at], color="0.6", zorder=1)
        axes.scatter([english], [at], color="#0b57a4", marker="o", label="English" if at == 0 else None)
        axes.scatter([others], [at], color="#b3541e", marker="s", label="mean of the others" if at == 0 else None)
    _ticks(axes.set_yticks, range(len(entries)), [_row(one) for one in entries])
    axes.invert_yaxis()
    axes.set_xlabel(f"{entries[0].metric}, percent")
    axes.legend(loc="best", frameon=False)
    _title(axes, f"{entries[0].task}, {entries[0].supervision.label}: transfer gap")
    return figure


def layers(entries: Sequence[Entry]) -> dict[str, list[tuple[int, float]]]:
    """Checkpoint -> (layer, mean percent over the languages that all its layers have), of at least two layers."""
    found: dict[str, dict[int, Entry]] = {}
    for one in entries:
        if one.layer is not None:
            found.setdefault(one.checkpoint, {}).setdefault(one.layer, one)
    curves = {}
    for name, own in found.items():
        shared = set.intersection(*(set(one.cells) for one in own.values()))
        if len(own) > 1 and shared:
            curves[name] = [(at, 100 * fmean(own[at].cells[code].value for code in shared)) for at in sorted(own)]
    return curves


def layer_sweep(curves: dict[str, list[tuple[int, float]]], title: str) -> Any:
    """A line per checkpoint over its layers."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.5, 4))
    axes = figure.add_subplot()
    for name, points in list(curves.items())[:10]:
        (line,) = axes.plot(*zip(*points, strict=True), marker="o")
        axes.annotate(
            _short(name),
            points[-1],
            xytext=(5, 0),
            textcoords="offset points",
            color=line.get_color(),
            parse_math=False,
        )
    axes.set_xlabel("hidden layer")
    axes.set_ylabel("percent, mean over languages")
    _title(axes, title)
    return figure


def differences(entries: Sequence[Entry], reference: str) -> list[tuple[str, float, float]]:
    """(row, difference in points, half of its 95% interval) of task averages from the reference's under the same
    settings; as if independent, which is too wide where items are shared: `harness compare` pairs them."""
    base = {one.marks: one.average for one in entries if one.checkpoint == reference}
    out = []
    for one in entries:
        other = base.get(one.marks)
        if one.checkpoint != reference and one.average is not None and other is not None:
            half = 196 * hypot(one.average.error, other.error)
            out.append((_row(one), 100 * (one.average.value - other.value), half))
    return out


def difference_plot(rows: Sequence[tuple[str, float, float]], title: str) -> Any:
    """Each row's difference with its interval."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.5, 1.2 + 0.32 * len(rows)))
    axes = figure.add_subplot()
    places = range(len(rows))
    axes.errorbar([one[1] for one in rows], places, xerr=[one[2] for one in rows], fmt="o", color="#0b57a4", capsize=3)
    axes.axvline(0, color="0.6", linewidth=1)
    _ticks(axes.set_yticks, places, [one[0] for one in rows])
    axes.invert_yaxis()
    axes.set_xlabel("points (95%, as if the items were not shared)")
    _title(axes, title)
    return figure


def _row(entry: Entry) -> str:
    return _short(f"{entry.checkpoint} {entry.marks}".strip())


def _short(name: str) -> str:
    kept = "".join(one if one.isprintable() else "�" for one in name)
    return kept if len(kept) <= NAME else f"{kept[: NAME - 1]}…"


def _ticks(set_ticks: Callable[..., Any], places: Sequence[int], labels: Sequence[str]) -> None:
    set_ticks(list(places), labels, fontsize=8, parse_math=False)


def _title(axes: Any, text: str) -> None:
    axes.set_title(text, fontsize=10, parse_math=False)


def _stem(task: str, label: str) -> str:
    words = "".join(one if one.isalnum() else "-" for one in f"{task}-{label}".lower())
    stem = "-".join(part for part in words.split("-") if part)
    if not stem:
        raise HarnessError(f"The task '{task}' gives no file name.", "Rename it.")
    return stem[:80]

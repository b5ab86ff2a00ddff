"""Tables and progress bars in the terminal; silent bars where there is none."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from harness.plan import Plan
from harness.plan import Progress as Report
from harness.report.console_exams import exam_tables
from harness.report.console_tables import averages_table, languages_table, settings_marks
from harness.report.leaderboard import Row
from harness.report.sweep import choose_layers
from harness.store import AVERAGE
from harness.trajectory import split_step


@contextmanager
def progress_bars(quiet: bool) -> Iterator[Report]:
    """A callback (label, done, total) that draws one bar per label on stderr while it is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda label, done, total: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        known: dict[str, int] = {}

        def report(label: str, done: int, total: int) -> None:
            if label not in known:
                known[label] = int(bars.add_task(Text(label).markup, total=total))
            bars.update(known[label], completed=done, total=total, visible=done < total)  # type: ignore[arg-type]

        yield report


def print_plan(plan: Plan, console: Console) -> None:
    """What runs and what is skipped, each reason once."""
    runs: dict[tuple[str, str, str], list[str]] = {}
    for job in plan.jobs:
        runs.setdefault((job.name, job.task.name, job.folder), []).append(job.language)
    for (name, task, folder), languages in runs.items():
        console.print(Text(f"run   {name}  {task}  {folder}  {_codes(languages)}"), soft_wrap=True)
    skips: dict[tuple[str, str, str], list[str]] = {}
    for skip in plan.skips:
        skips.setdefault((skip.name, skip.task.name, _pattern(skip.reason)), []).append(skip.language)
    for (name, task, reason), languages in skips.items():
        console.print(Text(f"skip  {name}  {task}  {_codes(languages)}: {reason}", style="dim"), soft_wrap=True)
    for warning in plan.warnings:
        console.print(Text(f"note  {warning}", style="yellow"), soft_wrap=True)


def _codes(languages: Sequence[str], most: int = 12) -> str:
    codes = list(dict.fromkeys(languages))
    more = f" and {len(codes) - most} more" if len(codes) > most else ""
    return f"{' '.join(codes[:most])}{more} ({len(codes)})"


def _pattern(reason: str) -> str:
    """Reasons that differ in file names alone are one reason; one that names a way out is kept."""
    missing = reason.startswith("no ") and "--split" not in reason
    return "no data file in the folder (docs/data.md lists the names)" if missing else reason


def print_leaderboard(rows: Sequence[Row], console: Console) -> None:
    """One table of task averages, then one of languages per task; main metrics in percent. Settings that are not the
    default have a letter, and their names stand below."""
    main = [row for row in rows if row.main]
    if not main:
        console.print("No scores yet.")
        return
    marks = settings_marks(main)
    console.print(averages_table(main, marks))
    for task in dict.fromkeys(row.task for row in main):
        console.print(languages_table([row for row in main if row.task == task and row.status == "scored"], marks))
    for table in exam_tables(rows, marks):
        console.print(table)
    for folder, mark in marks.items():
        console.print(Text(f"{mark}  {folder}", style="dim"), soft_wrap=True)
    for table in sweep_tables(rows):
        console.print(table)
    for line in trajectories(main):
        console.print(Text(line), soft_wrap=True)
    for line in trained_on(main):
        console.print(Text(line, style="yellow"), soft_wrap=True)
    reasons = dict.fromkeys(f"{row.task}: {row.reason}" for row in main if row.status == "failed")
    for reason in reasons:
        console.print(Text(f"failed  {reason}", style="red"))


def sweep_tables(rows: Sequence[Row]) -> Iterator[Table]:
    """Where several layers were scored: the one to take for each language, chosen on the other languages."""
    choices = choose_layers(rows)
    for name, task in dict.fromkeys((one.checkpoint, one.task) for one in choices):
        table = Table(title=f"{task}: {name}'s layer for a language, chosen on the other languages (percent)")
        for header in ("language", "layer", "score", "oracle layer", "oracle score"):
            table.add_column(header, justify="right")
        for one in choices:
            if (one.checkpoint, one.task) == (name, task):
                cells = (one.layer, f"{100 * one.value:.1f}", one.oracle_layer, f"{100 * one.oracle_value:.1f}")
                table.add_row(one.language, *map(str, cells))
        yield table


def trained_on(main: Sequence[Row]) -> list[str]:
    """Which checkpoints were trained on what they are scored on."""
    noted = [row for row in main if row.settings.get("trained on") and row.language != AVERAGE]
    lines = (f"note  {row.checkpoint}, {row.task}: trained on {row.settings['trained on']}" for row in noted)
    return list(dict.fromkeys(lines))


def trajectories(main: Sequence[Row]) -> Iterator[str]:
    """The curve of each training whose checkpoints were scored: means over the languages that every step has."""
    runs: dict[tuple[str, str, str], dict[int, dict[str, float]]] = {}
    for row in main:
        run, step = split_step(row.checkpoint)
        if step is not None and row.value is not None and row.language != AVERAGE:
            runs.setdefault((run, row.task, row.folder), {}).setdefault(step, {})[row.language] = row.value
    for (run, task, folder), steps in runs.items():
        shared = set.intersection(*(set(scores) for scores in steps.values()))
        if len(steps) > 1 and shared:
            means = {step: fmean(steps[step][code] for code in shared) for step in sorted(steps)}
            curve = ", ".join(f"{step}: {100 * value:.1f}" for step, value in means.items())
            drawn = sparkline(list(means.values()))
            yield f"{run} {task} {folder} {drawn}  mean of {len(shared)} languages by step: {curve}"


def sparkline(values: Sequence[float]) -> str:
    """A curve in eight heights."""
    low, high = min(values), max(values)
    return "".join("▁▂▃▄▅▆▇█"[int(7 * (value - low) / (high - low)) if high > low else 0] for value in values)


def print_made(folder: Path, manifest: Mapping[str, Any], kept: bool, console: Console) -> None:
    """A checkpoint that was trained, with its development scores."""
    console.print(f"{'already there' if kept else 'written'}: {folder}", style="dim", markup=False)
    for task, languages in manifest["dev"].items():
        scores = ", ".join(f"{code} {100 * one['score']:.1f}" for code, one in languages.items())
        metric = next(iter(languages.values()))["metric"]
        console.print(f"dev   {task}  {metric} (percent)  {scores}", style="dim", markup=False)


def print_submission(report: Mapping[str, Any], console: Console) -> None:
    """The official report as tables: each task's languages, its averages where nothing is missing, the groups."""
    for task, scores in report.items():
        if not isinstance(scores, Mapping) or task in ("incomplete", "missing"):
            continue
        metrics = [name for name in scores if isinstance(scores[name], Mapping)]
        table = Table(title=f"{task} (percent)")
        table.add_column("language")
        for metric in metrics:
            table.add_column(metric, justify="right")
        for language in scores[metrics[0]] if metrics else ():
            table.add_row(language, *(f"{scores[metric][language]:.2f}" for metric in metrics))
        averages = [f"{scores[f'avg_{metric}']:.2f}" if f"avg_{metric}" in scores else "-" for metric in metrics]
        table.add_section()
        table.add_row("avg", *averages)
        console.print(table)
    for name, value in report.items():
        if isinstance(value, int | float):
            console.print(f"{name}: {value:.2f}")
    for task, missing in report.get("incomplete", {}).items():
        console.print(Text(f"incomplete  {task}: {missing}", style="dim"))
    for warning in report.get("warnings", ()):
        console.print(Text(f"warning  {warning}", style="yellow"))

"""The row `best-per-target`: for each task the recipe with the best score on the task's own named development set.

A task without one (Tatoeba, XQuAD) selects nothing and has no cell: to choose on the scores that are reported would be
to report the luckiest seed."""

from collections.abc import Sequence
from dataclasses import replace

from harness.report.study.matrix import Column
from harness.report.study.related import BEST
from harness.report.study.table import Line

Picks = dict[str, str]


def add_best(
    columns: Sequence[Column], development: Sequence[Column], lines: Sequence[Line]
) -> tuple[list[Column], Picks]:
    """The columns with the row's cells, and task -> the row that was picked, where every row is scored on the set."""
    of_task = {one.readout.task: one for one in development}
    out: list[Column] = []
    picks: Picks = {}
    for column in columns:
        task = column.readout.task
        chosen = _pick(of_task[task], lines) if task in of_task else None
        if chosen is None or chosen not in column.cells:
            out.append(column)
            continue
        picks[task] = chosen
        cells = {**column.cells, BEST: column.cells[chosen]}
        out.append(replace(column, cells=cells, seeds={**column.seeds, BEST: column.seeds[chosen]}))
    return out, picks


def _pick(development: Column, lines: Sequence[Line]) -> str | None:
    """The first of the best, on the mean over languages and seeds."""
    labels = [line.label for line in lines]
    if not all(label in development.cells for label in labels):
        return None
    return max(labels, key=lambda label: development.over(label).mean)

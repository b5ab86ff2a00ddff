"""The words and figures that every form of a study's table shares."""

from collections.abc import Mapping, Sequence

from harness.metrics.multi_bootstrap import ENOUGH, FEWEST, Estimate
from harness.report.study.estimand import Finding
from harness.report.study.matrix import Column
from harness.report.study.related import BEST
from harness.report.study.table import Cell, Mean, Table

KIN = "°"


def points(value: float) -> str:
    """A difference in points, with its sign."""
    return f"{100 * value:+.1f}"


def cell_text(cell: Cell | None) -> str:
    """`41.3 +2.1 (+0.4 to +3.8)`; ° marks a task that is kin to the recipe."""
    if cell is None:
        return "–"
    own = f"{100 * cell.estimate.value:.1f}"
    if cell.difference is None:
        return own
    return f"{own} {difference_text(cell.difference)}{KIN if cell.related else ''}"


def difference_text(one: Estimate) -> str:
    """`+2.1 (+0.4 to +3.8)`, without an interval where there are too few seeds."""
    if one.low is None or one.high is None:
        return points(one.value)
    return f"{points(one.value)} ({points(one.low)} to {points(one.high)})"


def mean_text(one: Mean | None, unrelated: bool) -> str:
    """A mean over tasks, or the difference without the tasks that are kin."""
    if one is None:
        return "–"
    if unrelated:
        return "" if one.unrelated is None else difference_text(one.unrelated)
    return f"{100 * one.value:.1f}" + (f" {difference_text(one.difference)}" if one.difference else "")


def protocols_with_mean(table: Table) -> list[str]:
    """Protocols of which more than one task is scored."""
    own = [one.readout.protocol for one in table.columns if not one.readout.base_lacks]
    return [name for name in dict.fromkeys(own) if own.count(name) > 1]


def has_kin(table: Table, protocol: str) -> bool:
    """Whether any row's mean has a version without related tasks."""
    return any(
        one.unrelated is not None for means in table.means.values() for name, one in means.items() if name == protocol
    )


def finding_text(one: Finding) -> str:
    """One line of the estimand."""
    said = f"{one.kind}, {one.scope}: {one.row} minus {one.against} {difference_text(one.estimate)}"
    if one.smallest is not None:
        said += f"; these seeds could have shown {100 * one.smallest:.1f}"
    return said + ("; indicative" if one.estimate.indicative else "")


def remarks(
    table: Table, seeds: Sequence[int], picks: Mapping[str, str], development: Sequence[Column] = ()
) -> list[str]:
    """What stands below the table; `development` are the sets that recipes are picked on."""
    said = [f"percent, then the difference to {table.reference} in points, over {len(seeds)} seeds"]
    if len(seeds) < FEWEST:
        said.append(f"below {FEWEST} seeds there is no interval over recipes")
    elif len(seeds) < ENOUGH:
        said.append(f"below {ENOUGH} seeds every claim is indicative only")
    if any(cell.related for own in table.cells.values() for cell in own.values()):
        said.append(f"{KIN} the recipe is kin to the task (same annotation or questions)")
    if picks:
        chosen = ", ".join(f"{task} {row}" for task, row in picks.items())
        said.append(f"{BEST} picked on development sets: {chosen}")
    missing = [
        f"{line.label} {column.readout.task}"
        for line in table.lines
        for column in table.columns
        if column.readout.task not in table.cells[line.label]
        and line.label != BEST
        and not (column.broken or column.readout.base_lacks)
    ]
    said += [f"not compared: {one.broken}" for one in (*table.columns, *development) if one.broken]
    said += [f"{one.readout.task}: {one.readout.base_lacks}" for one in table.columns if one.readout.base_lacks]
    if missing:
        said.append(f"not scored yet, or failed: {', '.join(missing[:12])}{' ...' if len(missing) > 12 else ''}")
    partial = [
        f"{line.label} {task} {len(cell.seeds)}/{len(seeds)} seeds"
        for line in table.lines
        for task, cell in table.cells[line.label].items()
        if len(cell.seeds) < len(seeds)
    ]
    return said + ([f"unfinished: {', '.join(partial[:12])}"] if partial else [])

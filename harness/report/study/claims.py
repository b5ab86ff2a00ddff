"""What a paper claimed, with where that was read, and what a study says to it.

A verdict is `reproduced`, `contradicted`, `inconclusive` or `not run`; it needs the interval on one side, so that three
seeds that happen to agree are no reproduction."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.metrics.multi_bootstrap import Estimate, estimate
from harness.report.study.matrix import Column
from harness.report.study.related import BEST
from harness.report.study.table import Table, joined, mean_difference

REPRODUCED, CONTRADICTED, INCONCLUSIVE, NOT_RUN = "reproduced", "contradicted", "inconclusive", "not run"


@dataclass(frozen=True)
class Evidence:
    """A study's table, and the name of its base."""

    table: Table
    base: str

    def columns(self, tasks: Sequence[str]) -> list[Column] | None:
        """The columns of these tasks, None where one is missing."""
        known = {one.readout.task: one for one in self.table.columns}
        return [known[task] for task in tasks] if all(task in known for task in tasks) else None

    def gain(self, row: str, tasks: Sequence[str], other: str) -> Estimate | None:
        """The mean over tasks of a row minus another; None where a score is missing."""
        own = self.columns(tasks)
        if own is None:
            return None
        found = mean_difference(own, row, other)
        return None if found is None else estimate(found)


@dataclass(frozen=True)
class Verdict:
    """What a study says to a claim."""

    claim: str
    source: str
    verdict: str
    said: str


@dataclass(frozen=True)
class Claim:
    """`judge` gives (verdict, what was found). `base` names the model that the claim is about (in the base's name)."""

    text: str
    source: str
    judge: Callable[[Evidence], tuple[str, str]]
    base: str = ""


def judged(claims: Sequence[Claim], evidence: Evidence) -> list[Verdict]:
    """A verdict per claim; one about another model says so."""
    found = []
    for claim in claims:
        verdict, said = claim.judge(evidence)
        if claim.base and claim.base not in evidence.base.casefold() and verdict != NOT_RUN:
            said += f"; the claim is about {claim.base}, this base is {evidence.base}"
        found.append(Verdict(claim.text, claim.source, verdict, said))
    return found


def gains(rows: Sequence[str], tasks: Sequence[str], other: str) -> Callable[[Evidence], tuple[str, str]]:
    """The rows are better than the other one, on the mean of them and of these tasks."""

    def judge(evidence: Evidence) -> tuple[str, str]:
        own = evidence.columns(tasks)
        found = [None if own is None else mean_difference(own, row, other) for row in rows]
        known = [one for one in found if one is not None]
        mean = joined(known) if known and len(known) == len(found) else None
        if mean is None:
            return NOT_RUN, _missing(evidence, [*rows, other], tasks)
        return _sign(estimate(mean)), _shown(estimate(mean))

    return judge


def amounts(row: str, tasks: Sequence[str], other: str, points: float) -> Callable[[Evidence], tuple[str, str]]:
    """The row gains so many points: the interval holds that and not 0."""

    def judge(evidence: Evidence) -> tuple[str, str]:
        found = evidence.gain(row, tasks, other)
        if found is None:
            return NOT_RUN, _missing(evidence, [row, other], tasks)
        if found.low is None or found.high is None:
            return INCONCLUSIVE, _shown(found)
        if not found.low <= points / 100 <= found.high:
            return CONTRADICTED, f"{_shown(found)}, published {points:+.1f}"
        clear = found.low > 0 or found.high < 0
        return REPRODUCED if clear else INCONCLUSIVE, f"{_shown(found)}, published {points:+.1f}"

    return judge


def leads(rows: Sequence[str], others: Sequence[str], tasks: Sequence[str]) -> Callable[[Evidence], tuple[str, str]]:
    """Each of these rows beats each of the others on the mean of the tasks (every comparison must hold)."""

    def judge(evidence: Evidence) -> tuple[str, str]:
        pairs = {(one, other): evidence.gain(one, tasks, other) for one in rows for other in others}
        if any(found is None for found in pairs.values()):
            return NOT_RUN, _missing(evidence, [*rows, *others], tasks)
        (one, other), worst = min(pairs.items(), key=lambda item: item[1].value if item[1] is not None else 0.0)
        assert worst is not None, "none is missing"
        lows = [found.low for found in pairs.values() if found is not None and found.low is not None]
        said = f"the smallest difference is {one} minus {other}: {_shown(worst)}"
        if len(lows) < len(pairs) or worst.high is None:
            return INCONCLUSIVE, said
        if worst.high < 0:
            return CONTRADICTED, said
        return REPRODUCED if min(lows) > 0 else INCONCLUSIVE, said

    return judge


def scores(row: str, task: str, points: float, tolerance: float) -> Callable[[Evidence], tuple[str, str]]:
    """The row scores so many points on a task, within a tolerance that covers rounding and versions."""

    def judge(evidence: Evidence) -> tuple[str, str]:
        cell = evidence.table.cells.get(row, {}).get(task)
        if cell is None:
            return NOT_RUN, f"{row} is not scored on {task}"
        value = 100 * cell.estimate.value
        close = abs(value - points) <= tolerance
        return REPRODUCED if close else CONTRADICTED, f"{value:.1f}, published {points:.1f} (tolerance {tolerance:.1f})"

    return judge


def _sign(found: Estimate) -> str:
    if found.low is None or found.high is None:
        return INCONCLUSIVE
    if found.low > 0:
        return REPRODUCED
    return CONTRADICTED if found.high < 0 else INCONCLUSIVE


def _shown(found: Estimate) -> str:
    interval = "no interval" if found.low is None or found.high is None else f"{_pts(found.low)} to {_pts(found.high)}"
    seeds = f"{found.count} seed{'s' if found.count > 1 else ''}{', indicative' if found.indicative else ''}"
    return f"{_pts(found.value)} points ({interval}; {seeds})"


def _pts(value: float) -> str:
    return f"{100 * value:+.1f}"


def _missing(evidence: Evidence, rows: Sequence[str], tasks: Sequence[str]) -> str:
    known = [one.readout.task for one in evidence.table.columns]
    absent = [task for task in tasks if task not in known]
    if absent:
        return f"not scored: {', '.join(absent)}"
    lacking = {row: [task for task in tasks if task not in evidence.table.cells.get(row, {})] for row in rows}
    said = [f"{row} has no score on {', '.join(own)}" for row, own in lacking.items() if own]
    note = "; a task without a development set picks no recipe" if lacking.get(BEST) else ""
    return "; ".join(said) + note if said else "the rows share no seed"

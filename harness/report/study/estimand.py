"""What a study asks, written down before the first score, and what came out.

Primary: the mean over non-English languages of the treatment minus the best text-only recipe at equal budget. `Best` is
not chosen on the scores: the treatment must beat every one of them, so the lowest of the lower bounds counts (an
intersection-union test: each at 5%, no correction; Berger 1982). Secondary: that difference minus the English one, so
that what is merely a better English model does not pass for transfer."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import stdev

from harness.metrics.multi_bootstrap import Estimate, Replicas, estimate, smallest_effect
from harness.metrics.paired import holm
from harness.report.study.matrix import ENGLISH, Column
from harness.report.study.table import joined

PRIMARY = "mean over non-English languages of the paired difference to the best text-only recipe at equal budget"
TO_REFERENCE = "mean over non-English languages of the paired difference to the reference"
SECONDARY = "the primary difference minus the English one"
VISION, PIVOTING = "vision", "pivoting"


@dataclass(frozen=True)
class Question:
    """Which row is asked about, and the rows that it must beat."""

    treatment: str
    against: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Control:
    """Two rows that differ in what captions are tied to alone; `kind` says what that is."""

    kind: str
    row: str
    against: str


@dataclass(frozen=True)
class Finding:
    """One number of the estimand: `scope` is a task, or a protocol whose tasks are averaged; `against` is the row with
    the smallest difference. `smallest` is the effect that these seeds find four times in five, by their own scatter.
    `p_holm` is p corrected over the questions of the study (None where a row has none)."""

    kind: str
    scope: str
    row: str
    against: str
    estimate: Estimate
    smallest: float | None
    p_holm: float | None = None


def findings(columns: Sequence[Column], questions: Sequence[Question]) -> list[Finding]:
    """The primary and secondary numbers of every question and scope; within a scope the questions are one family."""
    found: list[Finding] = []
    for scope, own in _scopes(columns):
        primary = [one for asked in questions for one in _against_all("primary", scope, own, asked, _foreign)]
        abroad = [one for one in own if _has_english(one)]
        second = [
            one for asked in questions for one in _against_all("secondary", scope, abroad, asked, _beyond_english)
        ]
        found += [*_corrected(primary), *_corrected(second)]
    return found


def control_findings(columns: Sequence[Column], controls: Sequence[Control]) -> list[Finding]:
    """What vision and pivoting add, by the rows that tell them apart."""
    found: list[Finding] = []
    for one in controls:
        for scope, own in _scopes(columns):
            found += _against_all(one.kind, scope, own, Question(one.row, (one.against,), ""), _foreign)
    return found


def _corrected(family: Sequence[Finding]) -> list[Finding]:
    p_values = [one.estimate.p for one in family if one.estimate.p is not None]
    if len(p_values) < len(family):
        return list(family)
    return [replace(one, p_holm=p) for one, p in zip(family, holm(p_values), strict=True)]


Contrast = Callable[[Column, str, str], Replicas | None]


def _against_all(
    kind: str, scope: str, columns: Sequence[Column], question: Question, contrast: Contrast
) -> Iterator[Finding]:
    """The smallest difference over the rows to beat; its lower bound is the lowest of all."""
    found: dict[str, Replicas] = {}
    for other in question.against:
        parts = [contrast(one, question.treatment, other) for one in columns]
        known = [one for one in parts if one is not None]
        mean = joined(known) if known and len(known) == len(parts) else None
        if mean is not None:
            found[other] = mean
    if not columns or not found or len(found) < len(question.against):
        return
    estimates = {other: estimate(one) for other, one in found.items()}
    best = min(estimates, key=lambda other: estimates[other].value)
    chosen = estimates[best]
    lows = [one.low for one in estimates.values() if one.low is not None]
    p_values = [one.p for one in estimates.values() if one.p is not None]
    values = found[best].values.tolist()
    yield Finding(
        kind,
        scope,
        question.treatment,
        best,
        Estimate(
            value=chosen.value,
            low=min(lows) if len(lows) == len(estimates) else None,
            high=chosen.high,
            seeds=chosen.seeds,
            items=chosen.items,
            p=(max(p_values) if chosen.value > 0 else chosen.p) if len(p_values) == len(estimates) else None,
            count=chosen.count,
        ),
        smallest_effect(stdev(values), len(values)) if len(values) > 1 else None,
    )


def _scopes(columns: Sequence[Column]) -> Iterator[tuple[str, list[Column]]]:
    for one in columns:
        yield one.readout.task, [one]
    for protocol in dict.fromkeys(one.readout.protocol for one in columns):
        own = [one for one in columns if one.readout.protocol == protocol and not one.readout.base_lacks]
        if len(own) > 1:
            yield f"mean of {protocol}", own


def _foreign(column: Column, row: str, other: str) -> Replicas | None:
    return column.difference(row, other, column.foreign) if column.foreign else None


def _has_english(column: Column) -> bool:
    return ENGLISH in column.readout.languages and bool(column.foreign)


def _beyond_english(column: Column, row: str, other: str) -> Replicas | None:
    abroad = _foreign(column, row, other)
    home = column.difference(row, other, [ENGLISH])
    return None if abroad is None or home is None else abroad.minus(home)

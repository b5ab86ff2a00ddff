"""Did anything get worse? Every number of a baseline against a candidate, as one gate.

The gated numbers are task averages over the languages that the baseline has; single languages are shown, and gated
only where that is asked for. Same weights, seeds and settings: only numeric noise is allowed, and the test is over
items alone. Otherwise the model was retrained, and the baseline's seeds say how much training alone moves it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.errors import HarnessError
from harness.metrics.gate import INCONCLUSIVE, MISSING, WORSE, Judged, judge
from harness.report.check.baseline import Runs
from harness.report.check.effect import Languages, Measured, Number, measure
from harness.store import AVERAGE
from harness.tasks import find_task

PASSED, FAILED, UNSURE = 0, 1, 3
FEW_SEEDS = 3


@dataclass(frozen=True)
class Limits:
    """What is tolerated: `tolerance` and `seed_deviation` are fractions; `cells` gates single languages too;
    `inconclusive_passes` lets a gate through that cannot tell."""

    tolerance: float = 0.01
    cells: bool = False
    inconclusive_passes: bool = False
    seed_deviation: float | None = None


@dataclass(frozen=True)
class Line:
    """One number against one baseline. `language` is `avg` for the mean over `languages`; where it is not gated it has
    no verdict. `reason` says what a reader should know of it."""

    baseline: str
    task: str
    folder: str
    language: str
    languages: tuple[str, ...]
    gated: bool
    measured: Measured | None
    judged: Judged | None
    reason: str = ""

    @property
    def verdict(self) -> str:
        """One word or two."""
        return MISSING if self.measured is None else self.judged.verdict if self.judged is not None else ""

    @property
    def mode(self) -> str:
        """Which of the two tests it was."""
        return "" if self.measured is None else "retrained" if self.measured.retrained else "same weights"


@dataclass(frozen=True)
class Gate:
    """All lines, the limits they were judged by, and what a user should hear."""

    lines: tuple[Line, ...]
    limits: Limits
    warnings: tuple[str, ...]

    @property
    def code(self) -> int:
        """0: passed; 1: something is worse or missing; 3: nothing is, but the gate cannot tell."""
        verdicts = {line.verdict for line in self.lines if line.gated}
        if verdicts & {WORSE, MISSING}:
            return FAILED
        return UNSURE if INCONCLUSIVE in verdicts and not self.limits.inconclusive_passes else PASSED


def check(candidate: Runs, baselines: Sequence[Runs], limits: Limits) -> Gate:
    """The candidate against each baseline (the second is an anchor against slow drift): one family of tests."""
    lines = [line for baseline in baselines for line in _lines(candidate, baseline, limits)]
    if not lines:
        raise HarnessError("The baseline holds nothing to check.", "Freeze one with `harness check RESULTS --freeze`.")
    gated = [line for line in lines if line.gated and line.measured is not None]
    judged = judge([line.measured.effect for line in gated if line.measured], limits.tolerance)
    verdicts = {id(line): one for line, one in zip(gated, judged, strict=True)}
    done = tuple(_with(line, verdicts.get(id(line))) for line in lines)
    return Gate(done, limits, tuple(_warnings(done, limits)))


def _with(line: Line, judged: Judged | None) -> Line:
    place = (line.baseline, line.task, line.folder, line.language, line.languages, line.gated, line.measured)
    return Line(*place, judged, line.reason)


def _lines(candidate: Runs, baseline: Runs, limits: Limits) -> Iterator[Line]:
    for (name, folder), languages in baseline.sheets.items():
        task = find_task(name)
        if task is None:
            raise HarnessError(f"The task {name} is not known here.", "Name its file with --include.")
        codes = tuple(languages)
        own = candidate.sheets.get((name, folder), {})
        for language in [AVERAGE, *(codes if len(codes) > 1 or limits.cells else ())]:
            over = codes if language == AVERAGE else (language,)
            gated = language == AVERAGE or limits.cells
            reason = _obstacle(task.version, over, languages, own)
            if reason:
                yield Line(baseline.label, name, folder, language, over, gated, None, None, reason)
                continue
            number = Number({code: task.metrics(code)[0] for code in over}, task.joint)
            measured = measure(number, languages, own, limits.seed_deviation)
            yield Line(baseline.label, name, folder, language, over, gated, measured, None, _remark(measured))


def _obstacle(version: int, codes: Sequence[str], baseline: Languages, candidate: Languages) -> str:
    """Why a number cannot be compared at all; empty where it can."""
    absent = [code for code in codes if code not in candidate]
    if absent:
        return f"the candidate has no score for {' '.join(absent)}"
    for side, owner in ((baseline, "the baseline"), (candidate, "the candidate")):
        if not set.intersection(*(set(side[code]) for code in codes)):
            return f"no single run of {owner} has all languages"
        found = {one.fingerprint.get("task") for code in codes for one in side[code].values()}
        if found != {version}:
            return f"{owner} was scored by task version {', '.join(map(str, found))}; this program has {version}"
    return ""


def _remark(measured: Measured) -> str:
    parts = [] if measured.paired else ["not paired: the items differ"]
    if measured.retrained and measured.effect.freedom == 0 and not measured.effect.identical:
        parts.append("one seed on each side: how much training alone moves this number is unknown")
    return "; ".join(parts)


def _warnings(lines: Sequence[Line], limits: Limits) -> Iterator[str]:
    retrained = [line for line in lines if line.gated and line.measured is not None and line.measured.retrained]
    few = sorted({line.measured.seeds[0] for line in retrained if line.measured and line.measured.seeds[0] < FEW_SEEDS})
    if few and limits.seed_deviation is None:
        yield (
            f"The baseline has {' or '.join(map(str, few))} seed(s) of a retrained model; with fewer than {FEW_SEEDS} "
            "the gate can hardly tell a regression from training noise. Freeze one from more seeds, or state the "
            "deviation with --seed-deviation."
        )

"""`harness check` from its options to a gate and its files."""

import argparse
from pathlib import Path

from harness.errors import HarnessError
from harness.report.check.baseline import Runs, freeze, read_runs
from harness.report.check.check import Gate, Limits, check
from harness.report.check.summary import as_junit, as_markdown
from harness.store import replace
from harness.tasks import include


def run(options: argparse.Namespace) -> Gate | str:
    """The gate, or with --freeze a sentence about the file that was written."""
    include(options.include)
    if (options.freeze is None) == (options.baseline is None):
        raise HarnessError("Give either --baseline or --freeze.", "`harness check --help` shows both.")
    candidate = read_runs(Path(options.results), options.checkpoint)
    if options.freeze is not None:
        return _freeze(candidate, Path(options.freeze))
    names = options.baseline_checkpoint
    baselines = [read_runs(Path(one), names) for one in (options.baseline, options.anchor) if one is not None]
    candidate = _candidate(candidate, baselines, bool(options.checkpoint))
    if not names:
        baselines = [_same_named(one, candidate) for one in baselines]
    deviation = None if options.seed_deviation is None else options.seed_deviation / 100
    limits = Limits(options.tolerance / 100, options.cells, options.inconclusive == "pass", deviation)
    gate = check(candidate, baselines, limits)
    for path, text in ((options.junit, as_junit), (options.markdown, as_markdown)):
        if path is not None:
            _write(Path(path), text(gate))
    return gate


def _freeze(runs: Runs, file: Path) -> str:
    try:
        freeze(runs, file)
    except OSError as error:
        raise HarnessError(f"{file} cannot be written: {error.strerror}.", "Choose another place.") from error
    counts = {len(replicas) for languages in runs.sheets.values() for replicas in languages.values()}
    size = file.stat().st_size / 1024
    names = ", ".join(runs.checkpoints)
    return f"{file}: {names}; {len(runs.sheets)} tasks from {' to '.join(map(str, sorted(counts)))} runs, {size:.0f} kB"


def _candidate(runs: Runs, baselines: list[Runs], chosen: bool) -> Runs:
    """A results folder with several checkpoints: the one that the baseline names, else a mistake."""
    if chosen or len(runs.checkpoints) == 1:
        return runs
    named = [name for name in runs.checkpoints if any(name in one.checkpoints for one in baselines)]
    if len(named) != 1:
        raise HarnessError(
            f"{runs.label} holds several checkpoints: {', '.join(runs.checkpoints)}.",
            "Name the one to check with --checkpoint; several of one recipe (a pattern) count as its seeds.",
        )
    return _only(runs, named)


def _same_named(baseline: Runs, candidate: Runs) -> Runs:
    """A results folder as baseline may hold many checkpoints: those of the candidate's names, where it has them. A
    frozen file is taken whole: what is in it was chosen when it was frozen."""
    shared = [name for name in baseline.checkpoints if name in candidate.checkpoints]
    if Path(baseline.label).is_file() or len(baseline.checkpoints) == 1:
        return baseline
    if not shared:
        raise HarnessError(
            f"The baseline {baseline.label} holds several checkpoints: {', '.join(baseline.checkpoints)}.",
            "Choose with --baseline-checkpoint; several of one recipe (a pattern) count as its seeds.",
        )
    return _only(baseline, shared)


def _only(runs: Runs, names: list[str]) -> Runs:
    sheets = {
        place: {
            code: {one: sheet for one, sheet in replicas.items() if sheet.checkpoint in names}
            for code, replicas in languages.items()
            if any(sheet.checkpoint in names for sheet in replicas.values())
        }
        for place, languages in runs.sheets.items()
    }
    return Runs(runs.label, {place: languages for place, languages in sheets.items() if languages})


def _write(path: Path, text: str) -> None:
    try:
        replace(path, text.encode("utf-8", "replace"))
    except OSError as error:
        raise HarnessError(f"{path} cannot be written: {error.strerror}.", "Choose another place.") from error

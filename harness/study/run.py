"""The main path of a study: check, settle readouts and budgets, write the manifest, do the jobs, make the table."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.api import Watch
from harness.checkpoint import Checkpoint, open_checkpoint
from harness.checkpoint.manifest import read_manifest, texts_of
from harness.errors import HarnessError
from harness.report.study.command import Asked, Report, report
from harness.report.study.related import BEST
from harness.report.study.table import Line
from harness.store import Store, writable
from harness.study import manifest
from harness.study.budget import (
    Budget,
    as_record,
    budget_of,
    from_record,
    known_selections,
    looked_again,
    matched,
    overlaps,
    refuse_overlap,
)
from harness.study.cost import Estimated, Work, costs, work_of
from harness.study.jobs import Done, Setting, do, is_done, jobs_of, names_of
from harness.study.notes import notes_on
from harness.study.presets import claims_of
from harness.study.questions import controls, doubts, questions
from harness.study.readout import Settled, settle
from harness.study.request import Request, Row, check
from harness.tasks import include
from harness.tasks.source import Source, open_source


@dataclass(frozen=True)
class Outcome:
    """What a study came to; `estimated` alone for a dry run."""

    report: Report | None
    done: Done | None
    estimated: tuple[Estimated, ...] = ()
    notes: tuple[str, ...] = field(default=())


def run_study(
    request: Request, watch: Watch | None = None, said: Callable[[str], None] = lambda text: None, dry_run: bool = False
) -> Outcome:
    """Runs what is missing of a study and writes its tables. HarnessError for every mistake in the request, for texts
    that are both trained on and scored, and where the output holds another study; all before the first training."""
    watch = watch or Watch()
    include(request.include)
    check(request)
    base = open_checkpoint(request.base, request.trust_remote_code)
    stored = manifest.read(request.output)
    request = manifest.merged(request, stored, base)
    check(request)
    source = open_source(request.data)
    settled = _settled(base, request, source, stored, watch)
    readouts = manifest.readouts_of(settled["tasks"])
    budgets = {label: from_record(one) for label, one in settled["budgets"].items()}
    setting = Setting(request, base, readouts, budgets, manifest.readouts_of(settled["development"]))
    jobs = tuple(jobs_of(setting))
    notes = (*settled["notes"], *doubts(request.rows, request.own, request.treatment))
    if dry_run:
        left = [job for job in jobs if not is_done(setting, job)]
        work = {task: Work(**one) for task, one in settled["work"].items()}
        return Outcome(None, None, costs(setting, jobs, left, work), notes)
    # The report reads the results though no evaluation came so far as to write there.
    writable(setting.results)
    record = manifest.compose(request, base, settled, stored, _scores(setting.results))
    manifest.write(record, request.output)
    for note in notes:
        said(f"note  {note}")
    done = do(setting, jobs, watch, said)
    return Outcome(_told(request.output, record), done, (), notes)


_SETTLED = ("tasks", "development", "work", "left_out", "budget", "budgets", "base_overlap", "notes")


def _settled(
    base: Checkpoint, request: Request, source: Source, stored: Mapping[str, Any] | None, watch: Watch
) -> dict[str, Any]:
    """Readouts, budgets and what a reader must know, as the manifest holds them: what stands there already, and the
    rest settled now. Data are read only where a recipe or task is new."""
    known = {label: from_record(one) for label, one in stored["budgets"].items()} if stored else {}
    new = [row for row in request.trained if row.label not in known]
    if stored and not new and list(request.tasks) == stored["asked_tasks"] and request.best == stored["best"]:
        return {name: stored[name] for name in _SETTLED}
    settled = settle(base, request, source, watch.progress)
    fresh = _budgets(request, source, settled, new, watch)
    if stored:
        known |= _looked_again(request, source, _added(settled, stored), known, watch)
    texts = texts_of(read_manifest(base.folder or base.path))
    read = [{} if texts is None else overlaps(texts, data) for data in (settled.scored, settled.selection)]
    of_base = {"the base": Budget(0, 0, 1, 0.0, (), *read)}
    if not request.allow_contaminated:
        refuse_overlap({**of_base, **known, **fresh})
    unfit = known_selections({**of_base, **known, **fresh})
    equal, common = matched(fresh, request.match, stored["budget"] if stored else None)
    budgets = {**known, **equal}
    tasks = {one.task: manifest.as_record(one) for one in settled.readouts}
    return {
        "tasks": {**tasks, **(stored["tasks"] if stored else {})},
        "development": {one.task: manifest.as_record(one) for one in settled.development if one.task not in unfit},
        "work": {task: asdict(one) for task, one in work_of(settled.jobs, base).items()},
        "left_out": dict(settled.left_out),
        "budget": common,
        "budgets": {label: as_record(one) for label, one in budgets.items()},
        "base_overlap": read[0],
        "notes": [
            *notes_on(request, budgets, settled),
            *(
                f"{BEST} picks nothing for {task}: items of its development set were read by {who}"
                for task, who in unfit.items()
            ),
        ],
    }


def _added(settled: Settled, stored: Mapping[str, Any]) -> Settled:
    """Of what is scored and picked on, what earlier runs did not know of."""
    new = [task for task in settled.scored if task not in stored["tasks"]]
    return replace(
        settled,
        scored={task: settled.scored[task] for task in new},
        selection={task: own for task, own in settled.selection.items() if task in new or not stored["best"]},
    )


def _looked_again(
    request: Request, source: Source, added: Settled, known: Mapping[str, Budget], watch: Watch
) -> dict[str, Budget]:
    """The budgets of earlier runs: where a set was added their data are read again, their steps and tokens stay."""
    if not added.scored and not added.selection:
        return dict(known)
    found = _budgets(request, source, added, [row for row in request.trained if row.label in known], watch)
    return {label: looked_again(known[label], later) for label, later in found.items()}


def _budgets(request: Request, source: Source, settled: Settled, new: Any, watch: Watch) -> dict[str, Budget]:
    """The budgets of new recipes; every recipe that cannot be trained is named at once."""
    found: dict[str, Budget] = {}
    wrong = []
    for at, row in enumerate(new):
        watch.progress("reading the recipes' data", at, len(new))
        try:
            found[row.label] = budget_of(row, request, source, settled)
        except HarnessError as error:
            wrong.append(f"{row.label}: {error.problem}")
    watch.progress("reading the recipes' data", len(new), len(new))
    if wrong:
        raise HarnessError(f"Some recipes cannot be trained: {'; '.join(wrong)}", "Leave them out, or give their data.")
    return found


def _scores(results: Path) -> int:
    """Scored results before this run."""
    return sum(one.status == "scored" for one in Store(results).results()) if results.is_dir() else 0


def _told(output: Path, record: Mapping[str, Any]) -> Report:
    """The report from the manifest and the results alone."""
    rows = [Row(label, recipe) for label, recipe in record["rows"].items()]
    budgets = {label: from_record(one) for label, one in record["budgets"].items()}
    lines = []
    for row in rows:
        own = budgets.get(row.label)
        lines.append(Line(row.label, row.parts, own.steps if own else None, own.tokens if own else None))
    asked = Asked(
        record={**record, "notes": [*record["notes"], *doubts(rows, record["own"], record["treatment"])]},
        lines=tuple(lines),
        names=names_of(rows, record["seeds"]),
        readouts=manifest.readouts_of(record["tasks"]),
        development=manifest.readouts_of(record["development"]),
        questions=tuple(questions(rows, record["treatment"], record["core"]["reference"])),
        controls=tuple(controls(rows, record["own"])),
        claims=claims_of(record["core"]["preset"]),
    )
    return report(output, asked)

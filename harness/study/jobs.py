"""The jobs of a study and their doing: a training, an evaluation, one after the other, each kept when it is done.

`jobs/<name>.json` says what a finished job was asked for; a job that is asked for just that is not begun again.
Everything else that a kill can interrupt resumes by itself: the trainings and the results folder know where they
stood."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.api import Watch, evaluate, make_checkpoint
from harness.checkpoint import Checkpoint, open_checkpoint
from harness.errors import HarnessError
from harness.protocols import PROTOCOLS
from harness.report.study.matrix import Readout
from harness.store import replace
from harness.study.budget import Budget
from harness.study.readout import can_sweep, pinned
from harness.study.request import NO_SCORE, Request, Row
from harness.tasks import get_task
from harness.train.settings import UNSIGNED

TRAIN, EVAL = "train", "eval"


@dataclass(frozen=True)
class Job:
    """A training (task "") or an evaluation of one row and seed. `asked` is all that decides what comes out;
    `options` are the keywords of the function that does it."""

    kind: str
    row: Row
    seed: int
    task: str
    variant: str
    options: Mapping[str, Any]
    asked: Mapping[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        """Its file below `jobs/`."""
        parts = [self.row.checkpoint(self.seed), self.task, self.variant]
        seed = f"seed{self.seed}" if self.row.recipe is None and self.task else ""
        return ".".join(part for part in (*parts, seed) if part)


@dataclass(frozen=True)
class Setting:
    """What all jobs of a study share."""

    request: Request
    base: Checkpoint
    readouts: tuple[Readout, ...]
    budgets: Mapping[str, Budget]
    development: tuple[Readout, ...] = ()

    @property
    def output(self) -> Path:
        """The study's folder."""
        return self.request.output

    @property
    def results(self) -> Path:
        """The results folder."""
        return self.output / "results"

    def place(self, row: Row, seed: int) -> Path:
        """Where a trained checkpoint is."""
        return self.output / "checkpoints" / row.checkpoint(seed)


def jobs_of(setting: Setting) -> Iterator[Job]:
    """All jobs: seed by seed, so that a study that is stopped early has every recipe."""
    for seed in setting.request.seeds:
        for row in setting.request.rows:
            if row.recipe:
                yield _training(setting, row, seed)
            for readout in setting.readouts:
                yield from _evaluations(setting, row, seed, readout)


def _training(setting: Setting, row: Row, seed: int) -> Job:
    request = setting.request
    options = {**request.train_options(row), "seed": seed}
    if request.match != "none":
        options["max_steps"] = setting.budgets[row.label].steps
    if request.allow_contaminated:
        options["allow_contaminated"] = True
    known = {name: value for name, value in options.items() if name == "seed" or name not in UNSIGNED}
    asked = {"recipe": row.recipe, "base": setting.base.fingerprint, "data": request.data, **known}
    return Job(TRAIN, row, seed, "", "", options, _plain(asked))


def _evaluations(setting: Setting, row: Row, seed: int, readout: Readout) -> Iterator[Job]:
    """The pinned readout; all layers where that is cheap; the development set where a recipe is to be picked."""
    own = {**setting.request.eval_options(readout.task), **setting.request.row_options(row)}
    base = {**own, **pinned(readout), "seeds": (seed,)}
    variants: dict[str, dict[str, Any]] = {"": base}
    if setting.request.sweep and can_sweep(readout):
        # Modules of a sentence-transformers folder belong to its last layer.
        pooling = "mean" if readout.pooling == "sentence-transformers" else readout.pooling
        variants["layers"] = {**base, "layer": "all", "pooling": pooling}
    for one in setting.development:
        if one.task == readout.task:
            variants["dev"] = {**base, **pinned(one), "split": "validation"}
    made_by = _training(setting, row, seed).asked if row.recipe else setting.base.fingerprint
    for variant, options in variants.items():
        asked = {
            "made_by": made_by,
            "task": [readout.task, get_task(readout.task).version],
            "data": setting.request.data,
            **{name: value for name, value in options.items() if name not in NO_SCORE},
        }
        yield Job(EVAL, row, seed, readout.task, variant, options, _plain(asked))


@dataclass(frozen=True)
class Done:
    """What became of the jobs: `failed` names each with its reason."""

    run: tuple[str, ...]
    kept: tuple[str, ...]
    failed: Mapping[str, str]


def do(setting: Setting, jobs: Sequence[Job], watch: Watch, said: Callable[[str], None]) -> Done:
    """Does what is not done. A job that fails fails alone, with the evaluations of a checkpoint that it should have
    made."""
    ran: list[str] = []
    kept: list[str] = []
    failed: dict[str, str] = {}
    for number, job in enumerate(jobs, start=1):
        if is_done(setting, job):
            kept.append(job.name)
            continue
        made_by = job.row.checkpoint(job.seed)
        if job.kind == EVAL and made_by in failed:
            failed[job.name] = f"{made_by} could not be trained"
            continue
        said(f"{number}/{len(jobs)}  {job.kind}  {job.name}")
        try:
            reason = _train(setting, job, watch) if job.kind == TRAIN else _evaluate(setting, job, watch)
        except HarnessError as error:
            reason = str(error)
        if reason:
            failed[job.name] = reason
        else:
            _finish(setting, job)
            ran.append(job.name)
    return Done(tuple(ran), tuple(kept), failed)


def _train(setting: Setting, job: Job, watch: Watch) -> str:
    request = setting.request
    assert job.row.recipe is not None, "the base is not trained"
    make_checkpoint(
        job.row.recipe,
        setting.place(job.row, job.seed),
        base=request.base,
        data=request.data,
        watch=watch,
        trust_remote_code=request.trust_remote_code or None,
        **job.options,
    )
    return ""


def _evaluate(setting: Setting, job: Job, watch: Watch) -> str:
    """Scores one checkpoint on one task; the reasons of what failed, "" where nothing did."""
    request = setting.request
    model = str(setting.place(job.row, job.seed)) if job.row.recipe else request.base
    if cannot(setting, job, model):
        return ""
    results = evaluate(
        model,
        [job.task],
        data=request.data,
        output=setting.results,
        watch=watch,
        name=job.row.checkpoint(job.seed),
        trust_remote_code=request.trust_remote_code,
        include=request.include,
        **job.options,
    )
    assert results.outcome is not None, "this is no dry run"
    reasons = dict.fromkeys(f"{one.language}: {one.reason}" for one in results.outcome.failed)
    return "; ".join(list(reasons)[:3])


def cannot(setting: Setting, job: Job, model: str) -> bool:
    """Whether the checkpoint cannot answer a task that the base cannot either: only some recipes leave an image
    tower."""
    readout = next(one for one in setting.readouts if one.task == job.task)
    if not readout.base_lacks:
        return False
    opened = open_checkpoint(model, setting.request.trust_remote_code)
    return bool(PROTOCOLS[readout.protocol].refuse(opened, get_task(job.task)))


def is_done(setting: Setting, job: Job) -> bool:
    """Whether the job was finished as it is asked for now, and what it made is still there."""
    path = _marker(setting, job)
    if not path.is_file():
        return False
    try:
        record = json.loads(path.read_text("utf-8"))
    except ValueError:
        return False
    if record != {"asked": job.asked}:
        return False
    if job.kind == TRAIN:
        return (setting.place(job.row, job.seed) / "manifest.json").is_file()
    if any(one.task == job.task and one.base_lacks for one in setting.readouts):
        return True
    return (setting.results / job.row.checkpoint(job.seed) / job.task).is_dir()


def _finish(setting: Setting, job: Job) -> None:
    content = json.dumps({"asked": job.asked}, ensure_ascii=False, indent=1) + "\n"
    replace(_marker(setting, job), content.encode("utf-8"))


def _marker(setting: Setting, job: Job) -> Path:
    return setting.output / "jobs" / f"{job.name}.json"


def names_of(rows: Sequence[Row], seeds: Sequence[int]) -> dict[str, dict[int, str]]:
    """Row -> seed -> the checkpoint's name in the results."""
    return {row.label: {seed: row.checkpoint(seed) for seed in seeds} for row in rows}


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=list))

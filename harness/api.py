"""The harness in Python; the command line is a thin layer over it.

results = harness.evaluate("ckpt/", "tatoeba,bucc2018", data="DIR")
results.to_pandas()
harness.open_results("results").rows
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.checkpoint import open_checkpoint
from harness.errors import HarnessError, unknown_names
from harness.flags.evaluation import TRAINING
from harness.flags.values import split_list
from harness.folder import open_folder
from harness.plan import Plan, Progress, plan
from harness.protocols import PROTOCOLS
from harness.report.leaderboard import Row, leaderboard
from harness.run import Outcome, name_checkpoints, run, split_missing
from harness.settings import Settings
from harness.store import Store, open_store
from harness.tasks import XTREME_R, include, select
from harness.tasks.source import open_source
from harness.train.presets import DEFAULT_GRID
from harness.trajectory import expand
from harness.work.crew import Crew, check
from harness.work.estimate import Estimate, estimate

if TYPE_CHECKING:
    import pandas

    from harness.train.intermediate import Made
    from harness.train.problem import Moment


SPLITS = ("test", "validation")


@dataclass(frozen=True)
class Results:
    """A results folder: its rows, one per number (fractions 0-1); of a run also what it wrote, kept and failed in, of
    a dry run what is expected of the run."""

    store: Store
    rows: tuple[Row, ...]
    outcome: Outcome | None = None
    estimates: tuple[Estimate, ...] = ()

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def to_pandas(self) -> "pandas.DataFrame":
        """The rows as a data frame, one column per field; an absent number is NaN."""
        import pandas

        return pandas.DataFrame([vars(row) for row in self.rows], columns=[field.name for field in fields(Row)])


@dataclass(frozen=True)
class Watch:
    """What a caller wants to hear of: the plan before any compute, progress (label, done, total), and a training's
    warnings."""

    planned: Callable[[Plan], None] = lambda plan: None
    progress: Progress = lambda label, done, total: None
    said: Callable[[str], None] = lambda text: None


@dataclass(frozen=True)
class Options:
    """How a run goes about it; nothing here can move a score."""

    name: str | None = None
    redo_stale: bool = False
    dry_run: bool = False
    trust_remote_code: bool = False
    include: tuple[str, ...] = ()
    executor: str = "local"
    workers: int | None = None


def evaluate(
    model: str | Path | Sequence[str | Path],
    tasks: str | Sequence[str],
    *,
    data: str | Path | None = None,
    output: str | Path = "results",
    watch: Watch | None = None,
    **options: Any,
) -> Results:
    """Scores checkpoints (folders, hub ids, zoo names) on tasks and returns the rows of those checkpoints and tasks.

    `options` are the fields of `Settings` (languages, split, layer, pooling, limit, ...) and of `Options`, named as
    the flags of `harness eval`. HarnessError for wrong input, before any compute."""
    watch = watch or Watch()
    own = Options(**{key: options.pop(key) for key in list(options) if key in Options.__dataclass_fields__})
    include(own.include)
    crew = Crew(own.executor, own.workers, options.get("device") or "auto", tuple(own.include))
    named = split_list(tasks) if isinstance(tasks, str) else tasks
    selected = select(named)
    source = open_source(data)
    settings = settings_from(options)
    if settings.languages is None and XTREME_R in named:
        settings = replace(settings, languages=(XTREME_R,))
    if own.executor != "ray":
        # A cluster's machines may have what this one has not.
        _check_device(settings.device)
    models = expand([model] if isinstance(model, str | Path) else model, own.name)
    opened = [(one.name, open_checkpoint(one.model, own.trust_remote_code)) for one in models]
    planned = plan(name_checkpoints(opened, own.name), selected, source, settings, PROTOCOLS, watch.progress)
    watch.planned(planned)
    if own.dry_run:
        there = Store(open_folder(output))
        missing, _ = split_missing(planned.jobs, there, own.redo_stale)
        return Results(there, (), None, estimate(missing, there.cache, watch.progress))
    check(crew)
    store = open_store(output)
    outcome = run(planned, store, own.redo_stale, watch.progress, crew)
    names = {job.name for job in planned.jobs}
    asked = {task.name for task in selected}
    rows = tuple(row for row in leaderboard(store) if row.checkpoint in names and row.task in asked)
    return Results(store, rows, outcome)


def open_results(folder: str | Path) -> Results:
    """What a results folder holds."""
    store = Store(open_folder(folder))
    return Results(store, tuple(leaderboard(store)))


def make_checkpoint(
    recipe: str,
    output: str | Path,
    *,
    base: str | None = None,
    data: str | Path | None = None,
    watch: Watch | None = None,
    **options: Any,
) -> "Made":
    """Trains `base` on recipes and writes an ordinary checkpoint with its manifest; `options` are named as the flags of
    `harness train`. HarnessError for wrong input, before any compute."""
    from harness.train.intermediate import make
    from harness.train.request import request_from

    watch = watch or Watch()
    request = request_from(recipe, Path(output), base, options)

    def progress(moment: "Moment") -> None:
        watch.progress(f"training {request.recipe}, loss {moment.loss:.3f}", moment.step, moment.steps)

    return make(request, open_source(data), progress, watch.said)


def _check_device(name: str) -> None:
    """HarnessError for a device that is not here, before anything is read."""
    from harness.retrieval.encoder import resolve_device

    resolve_device(name)


def _check_values(given: dict[str, Any]) -> None:
    """What the command line refuses by itself."""
    if given.get("split", "test") not in SPLITS:
        raise unknown_names("split", [str(given["split"])], SPLITS, f"There are {' and '.join(SPLITS)}.")
    for name in ("limit", "max_length"):
        if name in given and (not isinstance(given[name], int) or given[name] < 1):
            raise HarnessError(f"{name} is {given[name]!r}.", "Give a whole number from 1 on, or leave it out.")
    strange = [one for one in given.get("seeds", ()) if not str(one).isdecimal()]
    if strange:
        raise HarnessError(f"The seed {strange[0]!r} is no whole number.", "Give numbers such as seeds=[1, 2, 3].")
    given |= {"seeds": tuple(map(int, given["seeds"]))} if "seeds" in given else {}


def settings_from(options: dict[str, Any]) -> Settings:
    """Settings with some fields changed; unknown names are refused."""
    known = {field.name for field in fields(Settings)} | set(TRAINING)
    unknown = [name for name in options if name not in known]
    if unknown:
        raise unknown_names("setting", unknown, known, f"Known: {', '.join(sorted(known))}.")
    given = {key: value for key, value in options.items() if value is not None}
    training = {name: given.pop(name) for name in TRAINING if name in given}
    if "train_dtype" in training:
        training["dtype"] = training.pop("train_dtype")
    if training:
        given["training"] = {**given.get("training", {}), **training}
    if "grid" in given:
        given["grid"] = dict(given["grid"]) or DEFAULT_GRID
    for name in ("languages", "seeds"):
        if isinstance(given.get(name), str):
            given[name] = split_list(given[name])
        if name in given:
            given[name] = (given[name],) if isinstance(given[name], int) else tuple(given[name])
    _check_values(given)
    if given.get("languages") == ():
        raise HarnessError("--languages names no language.", "Leave it out for all of the task's languages.")
    return replace(Settings(), **given)

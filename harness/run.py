"""The main path: plan -> what is missing -> run -> score -> write.

This process alone writes results; workers hand them over. Another run on the same folder is kept apart by claims."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

from harness.checkpoint import Checkpoint
from harness.claims import Group, claimed
from harness.errors import HarnessError
from harness.metrics.bootstrap import score_average
from harness.plan import Job, Plan, Progress, Skip
from harness.protocols import metrics_of
from harness.store import AVERAGE, Result, Store, bearer, changed
from harness.work import crew as crews
from harness.work.crew import Crew
from harness.work.scoring import blank, failed, run_record, signature


@dataclass(frozen=True)
class Outcome:
    """What a run did: results written now, results that were there already, and jobs that failed; `seconds` is the
    time of all workers together."""

    written: tuple[Result, ...]
    kept: tuple[Result, ...]
    failed: tuple[Result, ...]
    seconds: float = 0.0


@dataclass
class _Tally:
    """What a run has done so far."""

    written: list[Result] = field(default_factory=list)
    kept: list[Result] = field(default_factory=list)
    seconds: float = 0.0


def name_checkpoints(opened: Sequence[tuple[str | None, Checkpoint]], name: str | None) -> dict[str, Checkpoint]:
    """Names in the results: those of a trajectory as given, else `name`, else each one's own, with eight digits of the
    fingerprint where two differ."""
    named = {given: one for given, one in opened if given is not None}
    others = {one.fingerprint: one for given, one in opened if given is None}
    if name is not None:
        if len(others) > 1:
            raise HarnessError("--name was given with several models.", "Leave it out, or score them one by one.")
        if not name.strip() or name.startswith(".") or "/" in name or os.sep in name:
            raise HarnessError(f"'{name}' cannot be a folder's name.", "Choose a --name without slashes.")
        return {**named, **dict(zip([name], others.values(), strict=False))}
    for one in others.values():
        alone = [other.name for other in others.values()].count(one.name) == 1
        named[one.name if alone else f"{one.name}-{one.fingerprint[:8]}"] = one
    hidden = [given for given in named if given.startswith(".")]
    if hidden:
        raise HarnessError(f"'{hidden[0]}' would be a hidden folder among the results.", "Give another --name.")
    return named


def run(plan: Plan, store: Store, redo_stale: bool, progress: Progress, crew: Crew) -> Outcome:
    """Runs what is missing of a plan and writes each result as soon as it is there. What another run is at is left to
    the end, and then done only as far as that one did not."""
    # All stale results are named before any compute.
    split_missing(plan.jobs, store, redo_stale)
    set_aside(plan.jobs, store, redo_stale)
    tally = _Tally()
    waiting = {group(job) for job in plan.jobs} | {group(skip) for skip in plan.skips}
    while waiting:
        with claimed(store, waiting, progress) as mine:
            jobs = [job for job in plan.jobs if group(job) in mine]
            missing, kept = split_missing(jobs, store, redo_stale)
            tally.kept += kept
            for skip in plan.skips:
                if group(skip) in mine:
                    write_skip(skip, store)
            _work(missing, store, crew, tally, progress)
            worked = {group(job) for job in missing}
            tally.written += averages([job for job in jobs if group(job) not in worked], store)
            waiting -= mine
    order = {place: at for at, place in enumerate(store.path(blank(job)) for job in plan.jobs)}
    written = sorted(tally.written, key=lambda one: order.get(store.path(one), len(order)))
    return Outcome(
        tuple(one for one in written if one.status == "scored"),
        tuple(tally.kept),
        tuple(one for one in written if one.status == "failed"),
        tally.seconds,
    )


def _work(missing: Sequence[Job], store: Store, crew: Crew, tally: _Tally, progress: Progress) -> None:
    left = Counter(map(group, missing))
    with closing(crews.run(missing, crew, store.cache, progress)) as found:
        for job, made in found:
            if isinstance(made, HarnessError):
                result = failed(job, made)
                store.write(result, (), run_record(job, 0.0))
            else:
                result = made.result
                store.write(result, made.items, made.run)
                tally.seconds += made.run["seconds"]
            tally.written.append(result)
            left[group(job)] -= 1
            if not left[group(job)]:
                # Now, while workers are at other pieces, rather than at the end.
                tally.written += averages([job], store)


def group(one: Job | Skip) -> Group:
    """What one average is made of: the unit that two runs do not share."""
    return one.name, one.task.name, one.folder, one.seed


def split_missing(jobs: Sequence[Job], store: Store, redo_stale: bool) -> tuple[list[Job], list[Result]]:
    """(jobs to run, results that stand). A stored result made of something else is refused, all of them at once."""
    missing: list[Job] = []
    kept: list[Result] = []
    stale: list[str] = []
    for job in jobs:
        wanted = blank(job)
        stored = store.read(wanted)
        if stored is None or stored.status != "scored":
            missing.append(job)
        elif not (differences := changed(stored, wanted)):
            kept.append(stored)
        elif redo_stale:
            missing.append(job)
        else:
            stale.append(f"{store.path(wanted)} was made with other {' and '.join(differences)}")
    if stale:
        more = f" (and {len(stale) - 3} more)" if len(stale) > 3 else ""
        raise HarnessError(
            f"Stored results do not fit this run: {'; '.join(stale[:3])}{more}.",
            "Score them again with --redo-stale, or keep both with another --name or --output.",
        )
    return missing, kept


def set_aside(jobs: Sequence[Job], store: Store, redo_stale: bool) -> None:
    """What other weights scored under a name of these jobs, and no job scores anew: refused, as tables and exports
    would mix two models. With `redo_stale` such a result is marked and leaves the tables; its scores and predictions
    stay."""
    weights = {(job.name, bearer(job.protocol, job.task.name)): job.checkpoint.fingerprint for job in jobs}
    planned = {group(job) for job in jobs}
    scored = {store.path(blank(job)) for job in jobs}
    found = [
        one
        for name in dict.fromkeys(job.name for job in jobs)
        for one in store.of_checkpoint(name)
        if one.status == "scored"
        and store.path(one) not in scored
        # A planned group's average is made again, or removed.
        and not (one.language == AVERAGE and (one.checkpoint, one.task, one.folder, one.seed) in planned)
        and weights.get((name, bearer(one.protocol, one.task))) not in (None, one.fingerprint["weights"])
    ]
    if found and not redo_stale:
        places = ", ".join(str(store.path(one)) for one in found[:3]) + (" ..." if len(found) > 3 else "")
        raise HarnessError(
            f"Other weights were scored under this name before: {places} ({len(found)} in all).",
            "Keep both with another --name or --output, or give --redo-stale, which takes those out of the tables.",
        )
    for one in found:
        # Another run may have scored it meanwhile.
        if store.read(one) == one:
            store.write(replace(one, status="stale", reason="scored with other weights than the name's later results"))


def averages(jobs: Sequence[Job], store: Store) -> Iterator[Result]:
    """Writes the macro average of every (checkpoint, task, folder, seed) of which all official languages are scored by
    the same weights under the same settings, and removes one that no longer is of such."""
    groups: dict[Group, Job] = {}
    for job in jobs:
        groups.setdefault(group(job), job)
    for job in groups.values():
        found = {code: store.read(replace(blank(job), language=code)) for code in job.task.languages}
        complete = {code: one for code, one in found.items() if one is not None and _fits(one, job)}
        if len(complete) < len(found) or any("incomplete" in one.settings for one in complete.values()):
            store.remove(replace(blank(job), language=AVERAGE))
            continue
        wanted = average_of(job, complete)
        if (stored := store.read(wanted)) is not None and not changed(stored, wanted):
            continue
        items = {code: store.items(one) for code, one in complete.items()}
        metrics = {code: metrics_of(job, code) for code in items}
        scores = score_average(items, metrics, job.task.joint)
        result = replace(wanted, scores=tuple(replace(one, signature=signature(wanted, one)) for one in scores))
        store.write(result)
        yield result


def _fits(stored: Result, job: Job) -> bool:
    """Whether a result of another language was made as this job makes its own."""
    wanted = blank(job)
    settings = {key: value for key, value in wanted.settings.items() if key not in job.of_language}
    return (
        stored.status == "scored"
        and all(stored.fingerprint[name] == wanted.fingerprint[name] for name in ("weights", "task"))
        and all(stored.settings.get(key) == value for key, value in settings.items())
    )


def average_of(job: Job, results: Mapping[str, Result]) -> Result:
    """The result that holds the average: made of the data of all its languages."""
    first = blank(job)
    data = {code: one.fingerprint["data"] for code, one in results.items()}
    every = [one.measured for one in results.values()]
    shared = {key: value for key, value in every[0].items() if all(own.get(key) == value for own in every)}
    return replace(
        first,
        language=AVERAGE,
        status="scored",
        measured=shared,
        languages=tuple(results),
        fingerprint={**first.fingerprint, "data": data},
    )


def write_skip(skip: Skip, store: Store) -> None:
    """Records why a language was not scored, unless it is scored already."""
    result = Result(
        checkpoint=skip.name,
        task=skip.task.name,
        language=skip.language,
        split=skip.split,
        protocol=skip.protocol,
        settings={},
        seed=skip.seed,
        status="skipped",
        fingerprint={"task": skip.task.version},
        folder=skip.folder,
        reason=skip.reason,
    )
    stored = store.read(result)
    if stored is None or (stored.status == "skipped" and stored != result):
        store.write(result)

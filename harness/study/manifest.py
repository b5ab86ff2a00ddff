"""study/manifest.json: what the study asks and how, written before its first score and only ever added to.

A later run may add recipes, tasks and seeds; each addition is kept with its date and with how many scores were known by
then. Whatever else differs is another study and is refused."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.checkpoint import Checkpoint
from harness.checkpoint.json_file import read_object
from harness.errors import HarnessError
from harness.metrics.multi_bootstrap import ENOUGH, FEWEST, smallest_effect
from harness.report.study.estimand import PRIMARY, SECONDARY
from harness.report.study.matrix import Readout
from harness.store import replace as write_file
from harness.study.questions import questions
from harness.study.request import NO_SCORE, Request, Row
from harness.tasks import select
from harness.train.settings import UNSIGNED

FILE = "manifest.json"
SCHEMA = 1
KIND = "harness study"
# A deviation over seeds that is common for fine-tuned scores: what the smallest effect is shown for beforehand.
EXAMPLE_DEVIATION = 0.01


def read(folder: Path) -> dict[str, Any] | None:
    """The manifest of a study's folder, None where there is none yet."""
    path = folder / FILE
    if not path.is_file():
        return None
    record = dict(read_object(path))
    if record.get("kind") != KIND or record.get("schema") != SCHEMA:
        raise HarnessError(f"{path} was not written by `harness study` of this version.", "Choose another --output.")
    return record


def core(request: Request, base: Checkpoint) -> dict[str, Any]:
    """What makes it this study: none of it may change."""
    plain: dict[str, Any] = _plain(
        {
            "base": {"name": base.name, "fingerprint": base.fingerprint, "kind": base.kind},
            "match": request.match,
            "reference": request.reference,
            "training": {name: value for name, value in request.training.items() if name not in UNSIGNED},
            "evaluation": {name: value for name, value in request.evaluation.items() if name not in NO_SCORE},
            "preset": request.preset,
            "allow_contaminated": request.allow_contaminated,
        }
    )
    return plain


def merged(request: Request, stored: Mapping[str, Any] | None, base: Checkpoint) -> Request:
    """The request with the rows, tasks and seeds of earlier runs, which stay in the study. HarnessError where anything
    else differs from them."""
    if stored is None:
        return request
    wanted = core(request, base)
    other = [name for name, value in wanted.items() if stored["core"].get(name) != value]
    own = _plain(request.own)
    named = {*(row.label for row in request.rows), *(task.name for task in select(request.tasks))}
    known = named & {*stored["rows"], *stored["tasks"]}
    other += [f"--set {name}" for name in sorted(known) if own.get(name, {}) != stored["own"].get(name, {})]
    rows = {label: Row(label, recipe) for label, recipe in stored["rows"].items()}
    other += [row.label for row in request.rows if rows.get(row.label, row) != row]
    treatment = request.treatment or stored["treatment"]
    if stored["treatment"] not in (None, treatment):
        other.append("treatment")
    if other:
        raise HarnessError(
            f"{request.output} holds a study with other {', '.join(other)}.", "Give it as before, or another --output."
        )
    rows |= {row.label: row for row in request.rows}
    return replace(
        request,
        rows=tuple(rows.values()),
        tasks=tuple(dict.fromkeys([*stored["asked_tasks"], *request.tasks])),
        seeds=tuple(dict.fromkeys([*stored["seeds"], *request.seeds])),
        treatment=treatment,
        own={**stored["own"], **request.own},
        best=request.best or stored["best"],
        sweep=request.sweep and stored["sweep"],
    )


def estimand(request: Request) -> dict[str, Any]:
    """The estimand in words and names, and the smallest effect that these seeds could show."""
    own = questions(request.rows, request.treatment, request.reference)
    effect = smallest_effect(1.0, len(request.seeds))
    return {
        "primary": own[0].text,
        "secondary": SECONDARY,
        "questions": [{"treatment": one.treatment, "against": list(one.against)} for one in own],
        "family": "the recipes to be beaten: all of them must be (intersection-union)"
        if own[0].text == PRIMARY
        else "the recipes: p-values are corrected over them (Holm 1979)",
        "interval": "95%, seeds crossed with item clusters: Student over seeds, normal over clusters (MOVER)",
        "seeds": {"indicative_below": ENOUGH, "no_interval_below": FEWEST},
        "smallest_effect": {
            "level": 0.05,
            "power": 0.80,
            "in_deviations_over_seeds_of_the_paired_difference": None if effect is None else round(effect, 3),
            "points_if_that_deviation_is_one_point": None
            if effect is None
            else round(100 * effect * EXAMPLE_DEVIATION, 2),
        },
    }


def compose(
    request: Request, base: Checkpoint, settled: Mapping[str, Any], stored: Mapping[str, Any] | None, scores: int
) -> dict[str, Any]:
    """The manifest of this run. `settled` holds readouts, budgets, what was left out; `scores` were known before."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    record = {
        "kind": KIND,
        "schema": SCHEMA,
        "created": stored["created"] if stored else now,
        "core": core(request, base),
        "estimand": estimand(request),
        "treatment": request.treatment,
        "rows": {row.label: row.recipe for row in request.rows},
        "asked_tasks": list(request.tasks),
        "seeds": list(request.seeds),
        "best": request.best,
        "sweep": request.sweep,
        "own": _plain(request.own),
        **settled,
        "base_path": str(base.folder or base.path),
        "command": stored["command"] if stored else os.environ.get("HARNESS_COMMAND", ""),
        "amendments": list(stored["amendments"]) if stored else [],
    }
    added = _added(record, stored)
    if added:
        record["amendments"].append({"when": now, "scores_known": scores, **added})
    return record


def write(record: Mapping[str, Any], folder: Path) -> None:
    """Commits the manifest by a rename; one that says the same is left alone."""
    content = (json.dumps(record, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode("utf-8")
    path = folder / FILE
    if not path.is_file() or path.read_bytes() != content:
        write_file(path, content)


def readouts_of(records: Mapping[str, Any]) -> tuple[Readout, ...]:
    """Readouts by task, from the manifest."""
    return tuple(Readout(**{**one, "languages": tuple(one["languages"])}) for one in records.values())


def as_record(readout: Readout) -> dict[str, Any]:
    """A readout as the manifest holds it."""
    return {**asdict(readout), "languages": list(readout.languages)}


def _added(record: Mapping[str, Any], stored: Mapping[str, Any] | None) -> dict[str, Any]:
    if stored is None:
        return {}
    found = {name: [one for one in record[name] if one not in stored[name]] for name in ("rows", "tasks", "seeds")}
    changed = {"estimand_before": stored["estimand"]} if record["estimand"] != stored["estimand"] else {}
    return {**{name: new for name, new in found.items() if new}, **changed}


def _plain(value: Any) -> Any:
    """As JSON gives it back."""
    return json.loads(json.dumps(value, default=list))

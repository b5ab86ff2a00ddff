"""The table of a study as JSON: fractions 0-1 at six digits, an absent number is an absent key. Equal results give
equal bytes: nothing here depends on when or how often the study was run."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from harness.metrics.multi_bootstrap import Estimate
from harness.report.study.claims import Verdict
from harness.report.study.estimand import Finding
from harness.report.study.table import Cell, Mean, Table
from harness.store import rounded


def table_record(
    table: Table, found: Sequence[Finding], verdicts: Sequence[Verdict], picks: Mapping[str, str], notes: Sequence[str]
) -> dict[str, Any]:
    """All of it, JSON-able."""
    record = {
        "reference": table.reference,
        "columns": [
            {
                "task": one.readout.task,
                "metric": one.metric,
                **{name: value for name, value in asdict(one.readout).items() if name != "task" and value is not None},
            }
            for one in table.columns
        ],
        "rows": [
            {
                "row": line.label,
                "recipes": list(line.parts),
                "steps": line.steps,
                "tokens": line.tokens,
                "cells": {task: _cell(one) for task, one in table.cells[line.label].items()},
                "means": {protocol: _mean(one) for protocol, one in table.means[line.label].items()},
            }
            for line in table.lines
        ],
        "findings": [{**asdict(one), "estimate": _estimate(one.estimate)} for one in found],
        "best_per_target": dict(picks),
        "claims": [asdict(one) for one in verdicts],
        "notes": list(notes),
    }
    return dict(rounded(_without_none(record)))


def as_json(record: Mapping[str, Any]) -> str:
    """The record's text."""
    return json.dumps(record, ensure_ascii=False, indent=1, allow_nan=False)


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        "value": cell.estimate.value,
        "estimate": _estimate(cell.estimate),
        "difference": _estimate(cell.difference),
        "related": cell.related,
        "seeds": list(cell.seeds),
        "values": dict(cell.values),
        "languages": {code: _estimate(one) for code, one in cell.languages.items()},
        "other_layers": None if cell.reading is None else asdict(cell.reading),
    }


def _mean(one: Mean) -> dict[str, Any]:
    return {
        "tasks": list(one.tasks),
        "value": one.value,
        "difference": _estimate(one.difference),
        "unrelated": _estimate(one.unrelated),
        "unrelated_tasks": list(one.unrelated_tasks) if one.unrelated is not None else None,
    }


def _estimate(one: Estimate | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {**asdict(one), "indicative": one.indicative}


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(one) for key, one in value.items() if one is not None}
    if isinstance(value, list | tuple):
        return [_without_none(one) for one in value]
    return value

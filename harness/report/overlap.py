"""The text of `harness data overlap`: how much of what tasks score a checkpoint was trained on."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.checkpoint.contamination import Overlap, overlap
from harness.checkpoint.manifest import read_manifest, read_texts
from harness.errors import HarnessError
from harness.plan import Progress, language_or_pair
from harness.report.listing import aligned
from harness.tasks import select
from harness.tasks.scored_sets import loaded_sets
from harness.tasks.source import open_source
from harness.tasks.task import Task


@dataclass(frozen=True)
class Row:
    """One scored set; `split` is its own name."""

    task: str
    language: str
    split: str
    found: Overlap


def overlap_report(
    manifest: str, asked: tuple[Sequence[str], Sequence[str] | None], data: str | None, format_: str, progress: Progress
) -> tuple[str, bool]:
    """(report on tasks and languages, whether nothing of them was in training). HarnessError: no manifest, or nothing
    of these tasks is at hand, so that nothing could be said."""
    known = read_manifest(Path(manifest))
    if known is None:
        raise HarnessError(f"{manifest} has no manifest.json.", "Give what `harness train` wrote.")
    texts = read_texts(known)
    source = open_source(data)
    rows: list[Row] = []
    tasks = select(asked[0])
    for at, task in enumerate(tasks):
        progress("reading what is scored", at, len(tasks))
        for one, language, loaded in loaded_sets(source, [task], _languages(task, asked[1])):
            rows.append(Row(one.name, language, loaded.split, overlap(loaded.examples, texts)))
    if not rows:
        raise HarnessError(f"Nothing of {', '.join(asked[0])} is in {source.root}.", "Give --data, or other --tasks.")
    clean = not any(row.found.exact or row.found.grams for row in rows)
    if format_ == "json":
        return json.dumps([_flat(row) for row in rows], indent=1), clean
    thin = f"; of the 13-grams one in {texts.modulus} was kept" if texts.modulus > 1 else ""
    unknown = "; what its base was trained on is not known" if known.unknown else ""
    header = f"{known.path}: trained on {', '.join(known.names)}{unknown}{thin}"
    names = {"task": "task", "language": "language", "split": "split", "items": "items"}
    names |= {"exact": "same text", "grams": "same 13-gram"}
    table = aligned([names, *map(_flat, rows)])
    return "\n".join([header, *("  ".join(line).rstrip() for line in table)]), clean


def _languages(task: Task, wanted: Sequence[str] | None) -> Sequence[str]:
    return task.languages if wanted is None else [language_or_pair(code) for code in wanted]


def _flat(row: Row) -> dict[str, Any]:
    return {"task": row.task, "language": row.language, "split": row.split, **asdict(row.found)}

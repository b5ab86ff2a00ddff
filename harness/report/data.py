"""The texts of `harness data list | verify | fetch`."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, unknown_names
from harness.plan import language_or_pair
from harness.report.listing import aligned
from harness.report.survey import Found, Survey, survey
from harness.tasks import BENCHMARKS, NAMES, catalogue, get_task
from harness.tasks.data_set import HubSet, Part
from harness.tasks.fetch import fetch, needed
from harness.tasks.source import open_source

SPLITS = ("train", "validation", "test")
COLUMNS = ("name", "from", "splits", "languages", "licence", "note")
Progress = Callable[[str, int, int], None]


def data_sets(format_: str) -> str:
    """What can be fetched from where: one row an entry; a data set's splits may come from different places."""
    if format_ == "json":
        return json.dumps([_entry(entry) for entry in catalogue.ENTRIES], ensure_ascii=False, indent=1)
    short = [
        _entry(entry) | {"splits": list(entry.languages), "languages": _count(entry)} for entry in catalogue.ENTRIES
    ]
    rows = [{key: row[key] for key in COLUMNS} for row in short]
    return "\n".join("  ".join(line).rstrip() for line in aligned([dict(zip(COLUMNS, COLUMNS, strict=True)), *rows]))


def _entry(entry: catalogue.Entry) -> dict[str, Any]:
    pin = {"hub": entry.hub, "revision": entry.revision} if isinstance(entry, HubSet) else {}
    languages = {split: list(codes) for split, codes in entry.languages.items()}
    own = {"name": entry.name, "from": entry.where, **pin, "licence": entry.licence}
    return {**own, "languages": languages, "note": entry.note}


def _count(entry: catalogue.Entry) -> int:
    return len({code for codes in entry.languages.values() for code in codes})


def verify(data: str | None, format_: str, progress: Progress) -> tuple[str, bool]:
    """(report on a data folder, whether no file in it is odd)."""
    root = open_source(data).root
    if not root.is_dir():
        raise HarnessError(f"The data folder {root} does not exist.", "Nothing was fetched yet; or give --data DIR.")
    report = survey(root, progress)
    if format_ == "json":
        return json.dumps(asdict(report), ensure_ascii=False, indent=1), not report.odd
    return _as_text(report), not report.odd


def fetch_tasks(names: Sequence[str], languages: Sequence[str] | None, data: str | None, progress: Progress) -> str:
    """Fetches what `harness eval` needs for these tasks and languages, English training data included, or a data set's
    own splits, into --data or the cache folder; says what was written."""
    root = Path(data) if data else open_source(None).root
    parts = wanted(names, languages)
    done = fetch(parts, root, progress)
    return f"{len(done.written)} files written, {len(done.kept)} kept, in {root}"


def wanted(names: Sequence[str], languages: Sequence[str] | None) -> list[Part]:
    """The parts that tasks, benchmarks and data sets come to. HarnessError for unknown names, and for languages that
    none of them has."""
    known = [*NAMES, *BENCHMARKS, *dict.fromkeys(entry.name for entry in catalogue.ENTRIES)]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise unknown_names("task or data set", unknown, known, "`harness data list` prints all data sets.")
    codes = None if languages is None else [language_or_pair(code) for code in languages]
    expanded = dict.fromkeys(one for name in names for one in BENCHMARKS.get(name, (name,)))
    parts = [part for name in expanded for part in (_of_task(name, codes) if name in NAMES else _of_set(name, codes))]
    if not parts:
        raise HarnessError(
            f"Nothing of {', '.join(names)} can be fetched in {', '.join(languages or ['any language'])}.",
            "`harness data list --format json` prints the languages of each data set.",
        )
    return parts


def _of_task(name: str, codes: Sequence[str] | None) -> list[Part]:
    task = get_task(name)
    forms = task.languages if codes is None else [one for code in codes for one in task.expand(code)]
    asked = [code for code in forms if task.accepts(code)]
    parts = [part for code in asked for split in ("validation", "test") for part in needed(task, code, split)]
    return [*parts, *needed(task, "en", "train")] if parts else []


def _of_set(name: str, codes: Sequence[str] | None) -> list[Part]:
    return [
        entry.part(code, split)
        for entry in catalogue.entries(name)
        for split, own in entry.languages.items()
        for code in own
        if codes is None or code in codes
    ]


def _as_text(report: Survey) -> str:
    rows: dict[tuple[str, str], list[Found]] = {}
    for one in report.found:
        rows.setdefault((one.task, one.split), []).append(one)
    lines = [f"{report.root}, as the tasks read it"]
    for (task, split), found in sorted(rows.items(), key=lambda row: (NAMES.index(row[0][0]), SPLITS.index(row[0][1]))):
        items = ", ".join(_item(one) for one in sorted(found, key=lambda one: one.language))
        lines.append(f"  {task} {split}: {items}")
    if report.unused:
        sets = ", ".join(f"{name} ({count} file{'s' * (count > 1)})" for name, count in report.unused.items())
        lines.append(f"read by no task, though perhaps by a recipe of harness train: {sets}")
    if report.behind:
        lines += [
            "not read, because another file of the same data is preferred:",
            *(f"  {one}" for one in report.behind),
        ]
    lines.append(f"odd files: {len(report.odd) or 'none'}")
    return "\n".join([*lines, *(f"  {one.file}: {one.reason}" for one in report.odd)])


def _item(one: Found) -> str:
    count = f"{one.count:,}" if one.count else ""
    note = f"({one.note})" if one.note else ""
    return " ".join(part for part in (one.language, count, note) if part)

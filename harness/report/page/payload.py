"""The page's data for its script: every language's number, compactly, with signatures and commands stored once."""

from collections.abc import Hashable, Iterable, Sequence
from typing import Any

from harness.errors import HarnessError
from harness.languages import language
from harness.report.page.entry import Cell
from harness.report.page.model import KnownEntry
from harness.report.page.resources import CLASSES
from harness.tasks import find_task

# Hundredths of a percent: what the page prints has one digit less.
SCALE = 10_000


class Table:
    """Values that are stored once and named by their place."""

    def __init__(self) -> None:
        self._places: dict[Hashable, int] = {}

    def place(self, value: Hashable) -> int:
        """Where the value stands."""
        return self._places.setdefault(value, len(self._places))

    @property
    def values(self) -> list[Any]:
        """All of them in order."""
        return list(self._places)


def payload(entries: Sequence[KnownEntry], tabs: Iterable[tuple[str, Sequence[str]]]) -> dict[str, Any]:
    """The object that the script reads; absent numbers are null. Scores are whole hundredths of a percent."""
    codes: dict[str, list[str]] = {}
    for one in entries:
        known = codes.setdefault(one.entry.task, list(one.entry.languages))
        known += [code for code in one.entry.cells if code not in known]
    tables = {
        name: Table() for name in ("patterns", "commands", "asked", "counts", "data", "places", "seen", "read", "seeds")
    }
    folded = [_fold(one, codes[one.entry.task], tables) for one in entries]
    return {
        "languages": {code: _described(code) for own in codes.values() for code in own},
        "tasks": {task: {"title": _title(task), "languages": own} for task, own in codes.items()},
        "tabs": {name: list(tasks) for name, tasks in tabs},
        **{name: table.values for name, table in tables.items()},
        "entries": folded,
    }


def _fold(one: KnownEntry, codes: Sequence[str], tables: dict[str, Table]) -> dict[str, Any]:
    entry, known = one.entry, one.known
    cells = [entry.cells.get(code) for code in codes]
    signed = [entry.patterns.get(code, ("", "")) for code in codes]
    patterns = tuple(tables["patterns"].place(pattern) for pattern, _ in signed)
    asked = (known.commands.get(code) for code in codes)
    commands = tuple(None if one is None else tables["commands"].place(one) for one in asked)
    folded: dict[str, Any] = {
        "name": entry.checkpoint,
        "marks": entry.marks,
        "kind": known.kind,
        "protocol": entry.supervision.protocol,
        "label": entry.supervision.label,
        "task": entry.task,
        "folder": entry.folder,
        "metric": entry.metric,
        "official": len(entry.languages),
        "ranked": entry.ranked,
        "seeds": tables["seeds"].place(entry.seeds),
        "value": [None if cell is None else round(SCALE * cell.value) for cell in cells],
        "low": [None if cell is None else round(SCALE * cell.low) for cell in cells],
        "high": [None if cell is None else round(SCALE * cell.high) for cell in cells],
        "n": tables["counts"].place(tuple(0 if cell is None else cell.n for cell in cells)),
        "pattern": tables["places"].place(patterns),
        "data": tables["data"].place(tuple(data for _, data in signed)),
        "asked": tables["asked"].place(commands),
    }
    if any(cell is not None and cell.deviation is not None for cell in cells):
        folded["sd"] = [_deviation(cell) for cell in cells]
    if entry.average is not None:
        one_cell = entry.average
        folded["average"] = [*(round(SCALE * x) for x in (one_cell.value, one_cell.low, one_cell.high)), one_cell.n]
        folded["average"] += [_deviation(one_cell)]
    if known.seen is not None:
        folded["seen"] = tables["seen"].place(tuple(code for code in codes if code in known.seen))
    if known.read is not None:
        folded["read"] = tables["read"].place(known.read)
    if entry.refused:
        folded["failed"] = dict(entry.refused)
    return folded


def _deviation(cell: Cell | None) -> int | None:
    return None if cell is None or cell.deviation is None else round(SCALE * cell.deviation)


def _described(code: str) -> list[Any]:
    """[name, script, family, branch, resource class or null]; a pair of languages has its code alone."""
    try:
        found = language(code)
    except HarnessError:
        return [code, "", "", "", None]
    return [found.name, found.script, found.family, found.branch, CLASSES.get(code)]


def _title(task: str) -> str:
    found = find_task(task)
    return found.title if found is not None else task

"""Do the answers to one exam agree across languages, and how good are they where English was right?

From stored predictions alone. A pair of languages is compared on the questions that both have; English is the exam's
own, else that of `mmlu` under the same settings and split."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean
from typing import Any

from harness.metrics.score import Item
from harness.report.listing import aligned
from harness.store import AVERAGE, Result, Store
from harness.tasks import find_task

ENGLISH = "en"
FULL = "mmlu"


@dataclass(frozen=True)
class Agreement:
    """One language of an exam under some settings and a seed, fractions 0-1: `same` is the mean share of equal answers
    over the other languages, `given_english` the accuracy on the `shared` questions that English got right; None where
    there is nothing to compare with."""

    checkpoint: str
    task: str
    folder: str
    seed: int
    language: str
    same: float | None
    given_english: float | None
    shared: int


def agreement(store: Store) -> list[Agreement]:
    """Every scored language of every exam of a results folder."""
    groups: dict[tuple[str, str, str, int], dict[str, dict[str, Item]]] = {}
    for result in store.results():
        if _is_exam(result):
            key = result.checkpoint, result.task, result.folder, result.seed
            items = {item.id: item for item in store.items(result)}
            groups.setdefault(key, {})[result.language] = items
    out = []
    for (checkpoint, task, folder, seed), languages in groups.items():
        full = groups.get((checkpoint, FULL, folder, seed), {})
        english = languages.get(ENGLISH) or full.get(ENGLISH, {})
        pairs = {pair: _same(*(languages[code] for code in pair)) for pair in combinations(languages, 2)}
        for code, items in languages.items():
            shares = [share for pair, share in pairs.items() if code in pair and share is not None]
            known = [item for item in items.values() if _right(english.get(item.id))] if code != ENGLISH else []
            given = fmean(item.output == item.gold for item in known) if known else None
            same = fmean(shares) if shares else None
            out.append(Agreement(checkpoint, task, folder, seed, code, same, given, len(known)))
    return out


def as_table(rows: Sequence[Agreement]) -> str:
    """Aligned columns; an absent number is a dash."""
    shown: list[dict[str, Any]] = [
        {
            "checkpoint": row.checkpoint,
            "task": row.task,
            "settings": row.folder,
            "seed": row.seed,
            "language": row.language,
            "same answers": _percent(row.same),
            "right where English is": _percent(row.given_english),
            "of": row.shared or "-",
        }
        for row in rows
    ]
    if not shown:
        return "No exam is scored in this folder."
    return "\n".join("  ".join(line).rstrip() for line in aligned([dict(zip(shown[0], shown[0], strict=True)), *shown]))


def _is_exam(result: Result) -> bool:
    task = find_task(result.task)
    return result.status == "scored" and result.language != AVERAGE and task is not None and task.marks is not None


def _same(one: dict[str, Item], other: dict[str, Item]) -> float | None:
    both = [number for number in one if number in other]
    return fmean(one[number].output == other[number].output for number in both) if both else None


def _right(item: Item | None) -> bool:
    return item is not None and item.output == item.gold


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"

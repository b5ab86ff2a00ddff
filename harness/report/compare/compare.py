"""Where two checkpoints differ, and whether it is more than noise: per task, and per language after Holm."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import stdev
from typing import Any

from harness.errors import HarnessError
from harness.metrics.paired import Contrast, Verdict, average, contrast, holm, verdict
from harness.metrics.score import Item, Metric
from harness.report.compare.side import Matched, Side, align, match
from harness.store import AVERAGE, Store
from harness.tasks import find_task
from harness.tasks.task import Task

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Difference:
    """One language (or `avg`, the mean over the languages shown) of one task; `p_holm` is p corrected over the task's
    languages. `deviations` are the two sides' sample deviations over seeds, where there are at least two."""

    task: str
    language: str
    metric: str
    verdict: Verdict
    p_holm: float | None
    seeds: int
    deviations: tuple[float, float] | None = None


@dataclass(frozen=True)
class Comparison:
    """All tasks of two sides; `notes` say what is not compared and why."""

    label_a: str
    label_b: str
    tasks: tuple[tuple[Difference, ...], ...]
    notes: tuple[str, ...]


def compare(a: Side, b: Side, progress: Progress = lambda label, done, total: None) -> Comparison:
    """Every task that both sides have. HarnessError where data differ, or where nothing can be paired."""
    matched, notes = match(a, b)
    tasks = []
    for number, one in enumerate(matched):
        progress("comparing", number, len(matched))
        task = find_task(one.task)
        if task is None:
            notes.append(f"{one.task}: not known here; name its file with --include")
            continue
        tasks.append(tuple(_task_differences(task, one, (a.store, b.store))))
        notes += [f"{one.task}: {note}" for note in one.notes]
    progress("comparing", len(matched), len(matched))
    if not tasks:
        raise HarnessError(f"{a.label} and {b.label} share no scored task: {'; '.join(notes)}.", "See the leaderboard.")
    return Comparison(a.label, b.label, tuple(tasks), tuple(notes))


def item_pairs(matched: Matched, language: str, metric: Metric, stores: tuple[Store, Store]) -> list[Any]:
    """The items of both sides, aligned, one pair per seed."""
    out: list[tuple[list[Item], list[Item]]] = []
    for a, b in matched.languages[language]:
        where = f"{matched.task} {language}"
        out.append(align(stores[0].items(a), stores[1].items(b), metric.weighted is not None, where))
    return out


def _task_differences(task: Task, matched: Matched, stores: tuple[Store, Store]) -> Iterator[Difference]:
    codes = list(matched.languages)
    metrics = {code: task.metrics(code)[0] for code in codes}
    pairs = {code: item_pairs(matched, code, metrics[code], stores) for code in codes}
    joint = sorted({item.cluster for code in codes for item in pairs[code][0][0]}) if task.joint else None
    contrasts = [contrast(metrics[code], pairs[code], joint, "" if task.joint else code) for code in codes]
    verdicts = [verdict(one) for one in contrasts]
    corrected = holm([one.p for one in verdicts])
    for code, said, p_holm in zip(codes, verdicts, corrected, strict=True):
        results = matched.languages[code]
        yield Difference(task.name, code, metrics[code].name, said, p_holm, len(results), _deviations(results))
    if len(codes) > 1:
        yield _mean(task, contrasts, metrics[codes[0]].name, min(len(one) for one in matched.languages.values()))


def _mean(task: Task, contrasts: Sequence[Contrast], metric: str, seeds: int) -> Difference:
    return Difference(task.name, AVERAGE, metric, verdict(average(contrasts)), None, seeds)


def _deviations(results: Sequence[tuple[Any, Any]]) -> tuple[float, float] | None:
    if len(results) < 2:
        return None
    values = [[pair[side].main.value for pair in results] for side in (0, 1)]
    return stdev(values[0]), stdev(values[1])


def as_json(comparison: Comparison) -> str:
    """One flat object per language and task; fractions 0-1, an absent number is an absent key."""
    rows = []
    for one in (difference for task in comparison.tasks for difference in task):
        flat = {"task": one.task, "language": one.language, "metric": one.metric, "seeds": one.seeds}
        flat |= asdict(one.verdict) | {"p_holm": one.p_holm}
        if one.deviations:
            flat |= {"deviation_a": one.deviations[0], "deviation_b": one.deviations[1]}
        rows.append({key: value for key, value in flat.items() if value is not None})
    whole = {"a": comparison.label_a, "b": comparison.label_b, "differences": rows, "notes": list(comparison.notes)}
    return json.dumps(whole, ensure_ascii=False, indent=1)

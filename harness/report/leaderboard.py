"""The flat rows that every table, page and export is made of: one row per number."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import fsum, sqrt
from statistics import fmean
from typing import Any

from harness.metrics.score import Score
from harness.store import AVERAGE, Result, Store
from harness.tasks import find_task

MIXED = "its seeds were scored with other weights, data or settings; give --redo-stale or another --name"


@dataclass(frozen=True)
class Row:
    """One number (fraction 0-1) with its interval; several seeds are one row: their mean, and no interval of one.

    `complete` says that every language of the task's official list is scored under these settings: only then is
    there a row with language `avg` that has a value. `covered` is how many of how many languages are.
    `deviation` is the sample deviation over seeds, where there are several."""

    checkpoint: str
    task: str
    language: str
    metric: str
    main: bool
    value: float | None
    low: float | None
    high: float | None
    n: int
    seeds: int
    protocol: str
    folder: str
    split: str
    settings: Mapping[str, Any]
    signature: str
    status: str
    complete: bool
    covered: tuple[int, int]
    reason: str = ""
    deviation: float | None = None

    @property
    def variant(self) -> tuple[str, str]:
        """(checkpoint, settings that are not the default, apart from protocol and split): a line of a table."""
        marks = [mark for mark in self.folder.split("@")[1:] if mark != self.split]
        return self.checkpoint, " ".join(marks)

    @property
    def column(self) -> tuple[str, str, str]:
        """(task, protocol, split): numbers of different protocols or splits never share a column."""
        return self.task, self.protocol, self.split


def leaderboard(store: Store) -> list[Row]:
    """All rows of a results folder, by checkpoint, task, settings and language."""
    return [row for group in groups(store) for row in group_rows(group)]


def groups(store: Store) -> Iterator[list[Result]]:
    """The results of one (checkpoint, task, settings folder) after the other, so that not all are held at once."""
    for _, group in groupby(store.results(), key=lambda one: (one.checkpoint, one.task, one.folder)):
        yield list(group)


def official_languages(task: str, seen: Sequence[str]) -> tuple[str, ...]:
    """The list that the task's average is over; of a task unknown here, the languages that were asked for."""
    found = find_task(task)
    return found.languages if found is not None else tuple(seen)


def group_rows(results: Sequence[Result]) -> list[Row]:
    """The rows of one group."""
    languages = dict.fromkeys(one.language for one in results if one.language != AVERAGE)
    official = official_languages(results[0].task, list(languages))
    scored = {one.language for one in results if one.status == "scored"}
    covered = (len(scored & set(official)), len(official))
    complete = AVERAGE in scored
    rows = []
    for language in [*languages, AVERAGE]:
        of_language = [one for one in results if one.language == language]
        done = [one for one in of_language if one.status == "scored"]
        if mixed(done):
            rows.append(_empty(replace(done[0], status="mixed", reason=MIXED), complete, covered))
        elif done:
            rows += _score_rows(done, complete, covered)
        elif of_language:
            rows.append(_empty(of_language[0], complete, covered))
        elif scored:
            rows.append(_empty(results[0], complete, covered, AVERAGE, "incomplete"))
    return rows


def mixed(seeds: Sequence[Result]) -> bool:
    """Whether the seeds of one cell were scored with different weights, data or settings, so that they have no mean."""
    return any(one.fingerprint != seeds[0].fingerprint for one in seeds[1:])


def _score_rows(seeds: Sequence[Result], complete: bool, covered: tuple[int, int]) -> list[Row]:
    first = seeds[0]
    rows = []
    for score in first.scores:
        same = [one for result in seeds for one in result.scores if one.metric == score.metric]
        value, low, high = _over_seeds(same)
        shared = _shared(first, complete, covered)
        rows.append(
            Row(
                language=first.language,
                metric=score.metric,
                main=score.main,
                value=value,
                low=low,
                high=high,
                n=score.n,
                seeds=len(same),
                signature=score.signature,
                status="scored",
                deviation=deviation([one.value for one in same]),
                **shared,
            )
        )
    return rows


def deviation(values: Sequence[float]) -> float | None:
    """Sample deviation, None for fewer than two values; statistics.stdev is exact and thirty times as slow."""
    if len(values) < 2:
        return None
    mean = fmean(values)
    return sqrt(fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def _over_seeds(scores: Sequence[Score]) -> tuple[float, float | None, float | None]:
    """An interval over items belongs to one trained model; the mean over seeds has none of that kind."""
    if len(scores) == 1:
        return scores[0].value, scores[0].low, scores[0].high
    return fmean(score.value for score in scores), None, None


def _empty(result: Result, complete: bool, covered: tuple[int, int], language: str = "", status: str = "") -> Row:
    return Row(
        language=language or result.language,
        metric="",
        main=True,
        value=None,
        low=None,
        high=None,
        n=0,
        seeds=0,
        signature="",
        status=status or result.status,
        reason=result.reason if not status else _incomplete(result, covered),
        **_shared(result, complete, covered),
    )


def _incomplete(result: Result, covered: tuple[int, int]) -> str:
    """Why there is no average: languages are missing, or parts of them."""
    if covered[0] == covered[1] and "incomplete" in result.settings:
        return f"only {result.settings['incomplete']} are scored"
    return f"{covered[0]} of {covered[1]} languages are scored"


def _shared(result: Result, complete: bool, covered: tuple[int, int]) -> dict[str, Any]:
    return {
        "checkpoint": result.checkpoint,
        "task": result.task,
        "protocol": result.protocol,
        "folder": result.folder,
        "split": result.split,
        "settings": dict(result.settings),
        "complete": complete,
        "covered": covered,
    }


def as_json(rows: Sequence[Row]) -> str:
    """A list of flat objects; an absent number is an absent key."""
    objects = [{key: value for key, value in vars(row).items() if value not in (None, "")} for row in rows]
    return json.dumps(objects, ensure_ascii=False, indent=1)


def as_csv(rows: Sequence[Row]) -> str:
    """The same rows with a header; settings are JSON."""
    out = io.StringIO()
    names = [name for name in Row.__dataclass_fields__ if name not in ("covered", "reason")]
    writer = csv.DictWriter(out, [*names, "covered", "reason"], lineterminator="\n")
    writer.writeheader()
    for row in rows:
        cells = dict(vars(row))
        cells["settings"] = json.dumps(cells["settings"], ensure_ascii=False)
        cells["covered"] = f"{row.covered[0]}/{row.covered[1]}"
        writer.writerow(cells)
    return out.getvalue().rstrip("\n")

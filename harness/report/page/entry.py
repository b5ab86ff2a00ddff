"""One line of the page's data: a checkpoint on a task under one setting, its languages and seeds folded together."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from harness.checkpoint.contamination import NOTE, holds_items
from harness.metrics.score import Score
from harness.report.leaderboard import MIXED, deviation, mixed, official_languages
from harness.report.page.supervision import Supervision, ranked, supervision
from harness.store import AVERAGE, Result
from harness.tasks.xtreme import XTREME, XTREME_R

# A two-sided 95% interval is this many standard errors wide.
WIDTH = 2 * 1.959964


@dataclass(frozen=True)
class Cell:
    """A number (fraction): its mean over seeds, the mean bounds of the seeds' intervals over items, and the seeds'
    sample deviation (None for one seed)."""

    value: float
    low: float
    high: float
    n: int
    seeds: int
    deviation: float | None

    @property
    def error(self) -> float:
        """Standard error: over items, and over seeds where there are several."""
        items = (self.high - self.low) / WIDTH
        between = 0.0 if self.deviation is None else self.deviation**2 / self.seeds
        return float((items**2 + between) ** 0.5)


@dataclass(frozen=True)
class Entry:
    """`cells` by language; `average` is the stored average over the official list (None: incomplete); `official` the
    mean of the metrics that XTREME averages for the task (question answering has two); `trained_on` what the training
    manifest or the zoo tells of the task's own data: who was trained on scored items is not ranked."""

    checkpoint: str
    task: str
    folder: str
    supervision: Supervision
    metric: str
    cells: Mapping[str, Cell]
    average: Cell | None
    official: float | None
    languages: tuple[str, ...]
    ranked: bool
    seeds: tuple[int, ...]
    patterns: Mapping[str, tuple[str, str]]
    refused: Mapping[str, str]
    layer: int | None = None
    trained_on: str = ""

    @property
    def marks(self) -> str:
        """Settings that are not the default."""
        split = self.supervision.label.rpartition(", ")[2].removesuffix(" split")
        return " ".join(mark for mark in self.folder.split("@")[1:] if mark != split)

    @property
    def covered(self) -> int:
        """How many of the official languages are scored."""
        return sum(code in self.cells for code in self.languages)

    @property
    def complete(self) -> bool:
        """Whether it has an average at all."""
        return self.average is not None


def entry_of(group: Sequence[Result]) -> Entry | None:
    """The entry of all results of one (checkpoint, task, folder); None where nothing is scored."""
    done: dict[str, list[Result]] = {}
    for one in group:
        if one.status == "scored" and one.main is not None:
            done.setdefault(one.language, []).append(one)
    of_others = [code for code, results in done.items() if mixed(results)]
    done = {code: results for code, results in done.items() if code not in of_others}
    averages = done.pop(AVERAGE, [])
    if not done:
        return None
    first = next(iter(done.values()))[0]
    notes = {code: str(results[0].settings.get(NOTE) or "") for code, results in done.items()}
    main = first.main
    assert main is not None
    return Entry(
        checkpoint=first.checkpoint,
        task=first.task,
        folder=first.folder,
        supervision=supervision(first.protocol, first.settings, _named_split(first)),
        metric=main.metric,
        cells={code: _cell([one.main for one in results]) for code, results in done.items()},
        average=_cell([one.main for one in averages]) if averages else None,
        official=_official(first.task, averages),
        languages=official_languages(first.task, list(done)),
        ranked=bool(averages) and ranked(first.folder, first.settings) and not any(map(holds_items, notes.values())),
        seeds=tuple(sorted({one.seed for results in done.values() for one in results})),
        patterns={code: _pattern(results[0]) for code, results in done.items()},
        refused={one.language: one.reason for one in group if one.status == "failed"} | dict.fromkeys(of_others, MIXED),
        layer=first.settings.get("layer"),
        trained_on=_trained_on(notes),
    )


def _trained_on(notes: Mapping[str, str]) -> str:
    """Data sets by name, and in how many languages scored items were found: `MNLI; scored items in 4 languages`."""
    parts = (part for note in notes.values() for part in note.split("; ") if part and not holds_items(part))
    hit = sum(map(holds_items, notes.values()))
    items = [f"scored items in {hit} language{'s' * (hit > 1)}"] if hit else []
    return "; ".join([*dict.fromkeys(parts), *items])


def _named_split(result: Result) -> str:
    """The split where it is not the task's own: only then is it in the folder's name."""
    return result.split if result.split in result.folder.split("@")[1:] else "test"


def _cell(scores: Sequence[Score | None]) -> Cell:
    known = [score for score in scores if score is not None]
    return Cell(
        value=fmean(score.value for score in known),
        low=fmean(score.low for score in known),
        high=fmean(score.high for score in known),
        n=known[0].n,
        seeds=len(known),
        deviation=deviation([score.value for score in known]),
    )


def _official(task: str, averages: Sequence[Result]) -> float | None:
    found = XTREME.get(task) or XTREME_R.get(task)
    names = found.averaged if found is not None else ()
    values = [[score.value for score in one.scores if not names or score.metric in names] for one in averages]
    values = [own[: len(names) or 1] for own in values]
    if not values or any(len(own) < (len(names) or 1) for own in values):
        return None
    return fmean(fmean(own) for own in values)


def _pattern(result: Result) -> tuple[str, str]:
    """(signature with what differs by language and seed left open, data hash): stored once for many results."""
    assert result.main is not None
    data = str(result.fingerprint.get("data", ""))
    text = result.main.signature.replace(f"|data:{data}", "|data:{data}")
    text = text.replace(f"|{result.language}|", "|{language}|", 1)
    return re.sub(r"\|seed:\d+", "|seed:{seed}", text, count=1), data

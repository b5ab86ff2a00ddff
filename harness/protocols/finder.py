"""Nearest neighbours for one job of the protocol `retrieve`."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from harness.plan import Job, Progress
from harness.retrieval.recall import Recall
from harness.retrieval.vectors import Matrix

if TYPE_CHECKING:
    from harness.retrieval.neighbours import Both

# Multiplications from which on a search is kept in pieces: some ten seconds on two cores.
LONG_SEARCH = 10**12


class Finder:
    """Nearest neighbours by the job's engine. A long search keeps what it has finished, so that a killed run goes on
    from there; `recalls` are those of approximate searches, `hows` by what engine each was done."""

    def __init__(self, job: Job, folder: Path, progress: Progress) -> None:
        self._engine = str(job.settings["engine"])
        self._aim = float(job.settings.get("aimed_recall", 1))
        self._label = f"{job.name}: searching {job.task.name} {job.language}"
        self._folder = folder / f"{job.name}-{job.task.name}-{job.language}-{job.folder}"
        self._progress = progress
        self.recalls: list[Recall] = []
        self.hows: list[str] = []

    def __call__(self, source: Matrix, target: Matrix, k: int) -> "Both":
        """Both directions' k nearest neighbours of unit vectors."""
        from harness.retrieval.choice import choose_engine
        from harness.retrieval.neighbours import search_both, search_for

        engine = self._engine
        if engine == "auto":
            engine = choose_engine(len(source), len(target), source.shape[1]).engine
        long = engine in ("exact", "ivf") and len(source) * len(target) * source.shape[1] > LONG_SEARCH
        found = search_both(
            source,
            target,
            k,
            engine=engine,
            progress=(lambda done, total: self._progress(self._label, done, total)) if long else None,
            settings=search_for(self._aim),
            snapshots=self._folder if long else None,
        )
        self.recalls += [found.recall] if found.recall is not None else []
        self.hows.append(engine)
        return found

    def readings(self) -> dict[str, object]:
        """What an approximate search says beside the scores: the lowest recall it measured, with its interval."""
        if not self.recalls:
            return {"engine": self.hows[0]} if self._engine == "auto" and self.hows else {}
        worst = min(self.recalls, key=lambda recall: recall.value)
        interval = f"{worst.low:.4f}-{worst.high:.4f}"
        return {"recall": round(worst.value, 4), "recall_interval": interval, "recall_queries": worst.queries}

    def forget(self) -> None:
        """Removes what was kept."""
        shutil.rmtree(self._folder, ignore_errors=True)

"""Nearest neighbours for one job of the protocol `retrieve`."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from harness.plan import Job, Progress
from harness.retrieval.vectors import Matrix

if TYPE_CHECKING:
    from harness.retrieval.neighbours import Both

# Multiplications from which on a search is kept in pieces: some ten seconds on two cores.
LONG_SEARCH = 10**12


class Finder:
    """Nearest neighbours by the job's engine. A long exact search keeps what it has finished, so that a killed run
    goes on from there; `recalls` are those of approximate searches."""

    def __init__(self, job: Job, folder: Path, progress: Progress) -> None:
        self._engine = str(job.settings["engine"])
        self._label = f"{job.name}: searching {job.task.name} {job.language}"
        self._folder = folder / f"{job.name}-{job.task.name}-{job.language}-{job.folder}"
        self._progress = progress
        self.recalls: list[float] = []

    def __call__(self, source: Matrix, target: Matrix, k: int) -> "Both":
        """Both directions' k nearest neighbours of unit vectors."""
        from harness.retrieval.neighbours import search_both

        long = self._engine == "exact" and len(source) * len(target) * source.shape[1] > LONG_SEARCH
        found = search_both(
            source,
            target,
            k,
            engine=self._engine,
            progress=(lambda done, total: self._progress(self._label, done, total)) if long else None,
            snapshots=self._folder if long else None,
        )
        self.recalls += [found.recall] if found.recall is not None else []
        return found

    def forget(self) -> None:
        """Removes what was kept."""
        shutil.rmtree(self._folder, ignore_errors=True)

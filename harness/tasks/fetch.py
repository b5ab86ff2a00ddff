"""Brings official files that are not there yet into a data folder: all of them, or one message on what is missing.

What is there is kept, so that the same call goes on after any interruption."""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from harness.errors import HarnessError
from harness.tasks import archive, catalogue, hub
from harness.tasks.data_set import Archive, Columns, Part, Table, UnreachableError
from harness.tasks.materialise import Record, is_missing, is_stale, read_records, write
from harness.tasks.source import BlankedLabelsError, MissingDataError, Source
from harness.tasks.task import Task

ARCHIVES = ".archives"
Progress = Callable[[str, int, int], None]
"""(label, done, in all)."""


def silent(label: str, done: int, total: int) -> None:
    """The progress callback that says nothing."""


@dataclass(frozen=True)
class Fetched:
    """Files written by this call and files that were there, below the data folder."""

    written: tuple[str, ...]
    kept: tuple[str, ...]


def fetch_missing(wanted: Iterable[tuple[Task, str, str]], source: Source, progress: Progress = silent) -> None:
    """Fetches what (task, language, split) triples lack, where the source is the cache folder; nothing otherwise.

    The split `train` stands for the training data in that language. What can be fetched from nowhere stays missing, as
    the task's own loader will say. HarnessError with everything that could be fetched but was not, in one message."""
    if source.fetched:
        lacking = [parts for one in wanted if (parts := needed(*one)) and _lacks(*one, parts, source)]
        fetch([part for parts in lacking for part in parts], source.root, progress)


def needed(task: Task, language: str, split: str) -> tuple[Part, ...]:
    """The parts of a task's language for a split to score, or for `train`, as far as they can be fetched."""
    return catalogue.training(task, language) if split == "train" else catalogue.evaluated(task, language, split)


def fetch(parts: Iterable[Part], root: Path, progress: Progress = silent) -> Fetched:
    """Fetches the parts that are missing from `root`. HarnessError names all that could not be fetched, and why."""
    if root.exists() and not root.is_dir():
        raise HarnessError(f"{root} is a file.", "Name a folder for the data.")
    records = read_records(root)
    unique = {part.files: part for part in parts}
    lacking = [part for part in unique.values() if is_missing(part, root, records)]
    kept = {name for files in unique for name in files} - {name for part in lacking for name in part.files}
    if lacking and hub.is_offline():
        raise HarnessError(f"{root} lacks {_names(lacking)}; HF_HUB_OFFLINE forbids fetching.", _remedy(lacking, root))
    failed = _fetch_all(lacking, root, records, progress)
    if failed:
        reasons: dict[str, list[Part]] = {}
        for part, error in failed:
            reasons.setdefault(error.problem, []).append(part)
        said = " ".join(f"{_names(group)}: {reason}" for reason, group in reasons.items())
        remedies = " ".join(dict.fromkeys(error.remedy for _, error in failed))
        raise HarnessError(f"{root} still lacks {said}", f"{remedies} What was fetched is kept.")
    return Fetched(tuple(name for part in lacking for name in part.files), tuple(sorted(kept)))


def _fetch_all(
    lacking: Sequence[Part], root: Path, records: Mapping[str, Record], progress: Progress
) -> list[tuple[Part, HarnessError]]:
    """The parts that failed, with reasons. A host that does not answer is not asked again."""
    groups: dict[Table | Archive, list[Part]] = {}
    for part in lacking:
        groups.setdefault(part.origin, []).append(part)
    failed: list[tuple[Part, HarnessError]] = []
    down: dict[str, HarnessError] = {}
    for number, (origin, group) in enumerate(groups.items()):
        progress("data", number, len(groups))
        host = "" if isinstance(origin, Table) else str(urlsplit(origin.url).hostname)
        if host not in down:
            try:
                failed += _fetch_group(origin, group, root, records, progress)
                continue
            except UnreachableError as error:
                down[host] = error
        failed += [(part, down[host]) for part in group]
    progress("data", len(groups), len(groups))
    return failed


def _fetch_group(
    origin: Table | Archive, group: Sequence[Part], root: Path, records: Mapping[str, Record], progress: Progress
) -> list[tuple[Part, HarnessError]]:
    failed: list[tuple[Part, HarnessError]] = []
    try:
        with _opened(origin, group, root, progress) as texts:
            for part in group:
                try:
                    write(part, texts(part), root, records)
                except HarnessError as error:
                    failed.append((part, error))
    except UnreachableError:
        raise
    except HarnessError as error:
        return [(part, error) for part in group]
    return failed


@contextmanager
def _opened(
    origin: Table | Archive, group: Sequence[Part], root: Path, progress: Progress
) -> Iterator[Callable[[Part], tuple[str, ...]]]:
    """The origin loaded once for all its parts: gives the texts of a part's files."""
    if isinstance(origin, Table):
        columns = {name: kind for part in group for name, kind in part.columns.items()}
        classes = {name: names for part in group for name, names in part.classes.items()}
        rows = hub.load(origin, columns, classes)
        yield lambda part: _written(part, rows)
        return
    path = archive.download(origin, root / ARCHIVES, lambda done, total: progress(str(origin), done, total))
    with tempfile.TemporaryDirectory(prefix="harness-archive-") as folder:
        archive.unpack(path, {pattern for part in group for pattern in part.members}, Path(folder))
        yield lambda part: _read(part, Path(folder))


def _written(part: Part, rows: Columns) -> tuple[str, ...]:
    own: Columns = {name: rows[name] for name in part.columns}
    if part.select is not None:
        chosen = part.select(own)
        own = {name: [values[row] for row in chosen] for name, values in own.items()}
        if not chosen or part.rows not in (None, len(chosen)):
            raise HarnessError(f"{part.origin} has {len(chosen)} rows of {part.language}, not {part.rows}.", hub.NEWER)
    if part.write is None:
        raise AssertionError(part.name)
    return part.write(own)


def _read(part: Part, folder: Path) -> tuple[str, ...]:
    if part.read is None:
        raise AssertionError(part.name)
    return part.read(folder)


def _lacks(task: Task, language: str, split: str, parts: Sequence[Part], source: Source) -> bool:
    """Whether a part is missing and the task's reader finds nothing in its place under another accepted name."""
    records = read_records(source.root)
    if not any(is_missing(part, source.root, records) for part in parts):
        return False
    if any(is_stale(name, part, records) for part in parts for name in part.files):
        return True
    halves = any(0 < sum((source.root / name).is_file() for name in part.files) < len(part.files) for part in parts)
    if split == "train" or halves:
        # A reader takes what is at hand: what is trained on or scored must not depend on what was fetched before.
        return True
    try:
        loaded = task.load(source, language, split, None)
        return not loaded.shots and any(part.split == "shots" for part in parts)
    except (MissingDataError, BlankedLabelsError):
        return True


def _names(parts: Iterable[Part]) -> str:
    """`xnli (dev-de.tsv dev-sw.tsv), tatoeba (...)`: every missing file, by data set."""
    files: dict[str, list[str]] = {}
    for part in parts:
        files.setdefault(part.name, []).extend(Path(name).name for name in part.files)
    return ", ".join(f"{name} ({' '.join(dict.fromkeys(own))})" for name, own in files.items())


def _remedy(parts: Sequence[Part], root: Path) -> str:
    names = ",".join(dict.fromkeys(part.name for part in parts))
    codes = ",".join(dict.fromkeys(part.language for part in parts))
    return (
        f"Where there is a network: harness data fetch --tasks {names} --languages {codes} --data {root}"
        " - or give a folder that has them with --data."
    )

"""What a data folder holds, as the tasks' own readers see it, and which of its files none of them can use.

Every task loads every language and split, and its training data; which files that opens is recorded, so that nothing
here knows a file name that a reader does not. Files that only stand behind others (a treebank beside XTREME's own file)
are found by reading a folder of links to what was left over."""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from harness.errors import HarnessError
from harness.languages import FLORES_LANGUAGES, TATOEBA_LANGUAGES
from harness.tasks import NAMES, catalogue, get_task
from harness.tasks.materialise import RECORD, digest, read_records
from harness.tasks.source import BlankedLabelsError, MissingDataError, Source, files_read, read_text
from harness.tasks.task import Task
from harness.tasks.xtreme import XTREME_LANGUAGES, XTREME_R_LANGUAGES

# What recipes of `harness train` read beside, or instead of, what a task scores; images among it.
NOT_YET = ("anli", "snli", "qqp", "hellaswag", "ccg", "ccg_pmb", "text", "pairs", "lexicon", "image_text")
KNOWN = ("DATA.md", "MANIFEST.tsv", RECORD, "README*", "LICENSE*")
TEXT = (".tsv", ".csv", ".json", ".jsonl", ".txt", ".conll", ".conllu")
BLANKED = "labels blanked"
Progress = Callable[[str, int, int], None]
Load = Callable[[], tuple[str, int, str]]


@dataclass(frozen=True)
class Found:
    """One (task, split, language) that a reader found: how many items (0 where labels are blanked) and a note."""

    task: str
    split: str
    language: str
    count: int
    note: str = ""


@dataclass(frozen=True)
class Odd:
    """A file below the data folder that no task can use, and why."""

    file: str
    reason: str


@dataclass(frozen=True)
class Survey:
    """`behind` are good files that are not read because another file of the same data is preferred; `unused` counts
    the files of each data set that no task reads yet."""

    root: str
    found: tuple[Found, ...]
    odd: tuple[Odd, ...]
    behind: tuple[str, ...]
    unused: Mapping[str, int]


@dataclass(frozen=True)
class _Reading:
    """What one reading of all tasks came to; paths are relative to the folder."""

    found: tuple[Found, ...]
    odd: tuple[Odd, ...]
    opened: frozenset[Path]


def survey(root: Path, progress: Progress = lambda label, done, total: None) -> Survey:
    """Reads everything below `root` that any task reads."""
    names = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    left = {name for name in names if _is_data(name)}
    first = _read(root, root, progress)
    odd, used = list(first.odd), {name.parts[0] for name in first.opened}
    left -= first.opened
    behind: set[Path] = set()
    while left and (read := (reading := _read_links(root, left)).opened):
        odd += reading.odd
        behind |= read
        left -= read
    used |= {name.parts[0] for name in behind}
    waiting = (_data_sets() - used) | set(NOT_YET)
    idle = {name for name in left if name.parts[0] in waiting}
    odd += [Odd(str(name), _why_unread(name, root)) for name in sorted(left - idle)]
    odd += [one for name in sorted(idle) for one in _unreadable(name, root)]
    odd += _changed(root)
    bad = {one.file for one in odd}
    good = sorted(str(name) for name in behind if str(name) not in bad)
    unused = Counter(name.parts[0] for name in sorted(idle))
    return Survey(str(root), first.found, tuple(dict.fromkeys(odd)), tuple(good), dict(unused))


def _is_data(name: Path) -> bool:
    hidden = any(part.startswith(".") or part == "LICENSES" for part in name.parts)
    return not hidden and not any(name.match(pattern) for pattern in KNOWN)


def _data_sets() -> set[str]:
    return {*NOT_YET, *(entry.name for entry in catalogue.ENTRIES)}


def _languages(task: Task) -> list[str]:
    """Every language and pair that the task accepts and that some data set has; FLORES-200 each against English."""
    tables = (*XTREME_LANGUAGES.values(), *XTREME_R_LANGUAGES.values(), FLORES_LANGUAGES, TATOEBA_LANGUAGES)
    singles = dict.fromkeys([*task.languages, *(code for table in tables for code in table)])
    paired = task.name != "flores200" and task.accepts("-".join(task.languages[:2]))
    pairs = ["-".join(two) for two in product(task.languages, repeat=2)] if paired else []
    return [code for code in (*singles, *pairs) if task.accepts(code)]


def _loads(task: Task, source: Source, language: str) -> Iterator[tuple[str, Load]]:
    """(split, function that gives the split's own name, the count and a note)."""

    def evaluated(split: str) -> Load:
        def load() -> tuple[str, int, str]:
            loaded = task.load(source, language, split, None)
            return loaded.split, loaded.count, ""

        return load

    yield from ((split, evaluated(split)) for split in ("validation", "test"))
    train = task.train
    if train is not None and "-" not in language:

        def training() -> tuple[str, int, str]:
            trained = train(source, language)
            return "train", len(trained.train), f"{trained.name}, selected on {len(trained.dev)}"

        yield "train", training


def _read(folder: Path, root: Path, progress: Progress) -> _Reading:
    """Every task's every load from `folder`; in messages it is called `root`."""
    found: dict[Found, None] = {}
    odd: dict[Odd, None] = {}
    opened: set[Path] = set()
    for number, name in enumerate(NAMES):
        progress("reading", number, len(NAMES))
        task = get_task(name)
        for language in _languages(task):
            for split, load in _loads(task, Source(folder), language):
                with files_read() as paths:
                    try:
                        own, count, note = load()
                        found[Found(name, own, language, count, note)] = None
                    except MissingDataError:
                        pass
                    except BlankedLabelsError:
                        own = split if split in (*task.splits, "train") else task.split
                        found[Found(name, own, language, 0, BLANKED)] = None
                    except HarnessError as error:
                        said = str(error.problem).replace(str(folder), str(root))
                        inside = {path for path in paths if str(path) in error.problem} or paths
                        odd |= {Odd(str(path.relative_to(folder)), said): None for path in sorted(inside)}
                opened |= {path.relative_to(folder) for path in paths}
    progress("reading", len(NAMES), len(NAMES))
    return _Reading(tuple(found), tuple(odd), frozenset(opened))


def _read_links(root: Path, names: Iterable[Path]) -> _Reading:
    """The same from a folder that holds these files alone."""
    with tempfile.TemporaryDirectory(prefix="harness-survey-") as made:
        folder = Path(made)
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).symlink_to((root / name).resolve())
        return _read(folder, root, lambda label, done, total: None)


def _why_unread(name: Path, root: Path) -> str:
    if name.parts[0] not in {*_data_sets(), *(get_task(one).name for one in NAMES)} and len(name.parts) > 1:
        return f"no task has a data set called {name.parts[0]}"
    with suppress(StopIteration):
        return next(_lacks_others(name, root))
    return "no reader accepts a file of this name"


def _lacks_others(name: Path, root: Path) -> Iterator[str]:
    """Where a file belongs with others that are absent: their names."""
    for entry in catalogue.ENTRIES:
        for split, languages in entry.languages.items():
            for language in languages:
                files = entry.part(language, split).files
                absent = [Path(one).name for one in files if not (root / one).is_file()]
                if str(name) in files and absent:
                    yield f"it goes with {', '.join(absent)}, which is not there"


def _unreadable(name: Path, root: Path) -> Iterator[Odd]:
    """Empty and wrongly encoded text among the files that no task reads yet."""
    if name.suffix in TEXT:
        try:
            read_text(root / name)
        except HarnessError as error:
            yield Odd(str(name), error.problem)


def _changed(root: Path) -> Iterator[Odd]:
    for name, record in read_records(root).items():
        if (root / name).is_file() and digest(root / name) != record.sha256:
            yield Odd(name, f"changed since it was fetched from {record.origin}")

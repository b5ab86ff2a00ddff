"""What an intermediate task (Phang et al. 2020, arXiv 2005.13013) is trained on, and where its files are.

Trap: few of these sets come with a training file at hand; what stands in for it is said in the notes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from harness.examples import Question
from harness.tasks.selection import Selection, select_on
from harness.tasks.source import MissingDataError, Source
from harness.tasks.task import Training

T = TypeVar("T", bound=Question)


def in_language(name: str, language: str) -> str:
    """The file's name in a language: English under its own name, others with the code before the ending
    (`train.csv` -> `train.de.csv`), as a translated training set is kept."""
    stem, dot, ending = name.rpartition(".")
    return name if language == "en" else f"{stem}.{language}{dot}{ending}"


def find(source: Source, folder: str, names: Sequence[str], language: str) -> list[Path]:
    """The files of the first pattern of `names` that matches any; MissingDataError names all of them."""
    patterns = [in_language(name, language) for name in names]
    for pattern in patterns:
        # `dev*.json` would match a translated `dev.de.json` too, which is another language's.
        paths = [path for path in sorted((source.root / folder).glob(pattern)) if _is_in(path, language)]
        if paths:
            return paths
    raise MissingDataError(f"no {' or '.join(patterns)} in {source.root / folder}")


def _is_in(path: Path, language: str) -> bool:
    code = path.stem.rpartition(".")[2] if "." in path.stem else ""
    return language != "en" or not (code.isalpha() and len(code) in (2, 3) and code.islower() and code != "en")


def training(
    name: str,
    source: Source,
    train: Sequence[Path],
    dev: Sequence[Path],
    read: Callable[[Path], Sequence[T]],
    stand_in: str = "",
) -> Training:
    """The training data from files of one format: selected on `dev`, or on a tenth held out by hash. `stand_in` says
    what the files are where they are not the published training set."""
    examples: tuple[Question, ...] = tuple(one for path in train for one in read(path))
    selection: Selection | None = None
    if dev:
        held: tuple[Question, ...] = tuple(one for path in dev for one in read(path))
        selection = held, _named(source, dev)
    notes = {"training": f"{_named(source, train)}, {len(examples)} items"}
    if stand_in:
        notes["stand-in"] = stand_in
    return select_on(name, examples, selection, notes)


def optional(source: Source, folder: str, names: Sequence[str], language: str) -> list[Path]:
    """As `find`, but no file is no mistake."""
    try:
        return find(source, folder, names, language)
    except MissingDataError:
        return []


def _named(source: Source, paths: Sequence[Path]) -> str:
    return ", ".join(str(path.relative_to(source.root)) for path in paths)

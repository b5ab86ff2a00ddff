"""Which file of a data set is scored, and what is said when there is none or its labels are blanked."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from harness.tasks.source import BlankedLabelsError, MissingDataError, Source

# What a user calls a split -> what XTREME's file names call it.
SPLITS: Mapping[str, str] = {"test": "test", "validation": "dev"}

T = TypeVar("T")
Readers = Mapping[str, Callable[[Path], T]]


def read_evaluated(source: Source, folder: str, readers: Readers[T], validation: Sequence[str] = ()) -> tuple[Path, T]:
    """(path, rows) of the first file of `readers` (name -> its reader) that is there and has labels.

    A reader raises BlankedLabelsError where labels were removed; then the next one is tried. `validation` are
    files of the other split: where one is there, the error names the flag that scores it. Raises
    MissingDataError with all names where none is there, BlankedLabelsError where all are blanked."""
    root = source.root / folder
    hint = next((f"; --split validation scores {name}" for name in validation if (root / name).is_file()), "")
    blanked = None
    for name, read in readers.items():
        if not (root / name).is_file():
            continue
        try:
            return root / name, read(root / name)
        except BlankedLabelsError:
            blanked = blanked or root / name
    if blanked is None:
        raise MissingDataError(f"no {' or '.join(readers)} in {root}{hint}")
    raise BlankedLabelsError(f"the labels of {blanked} are blanked, as XTREME ships its test sets{hint}")

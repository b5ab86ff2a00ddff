"""Exams: multiple choice by subject, as MMLU and what was translated from it.

A question's id is `subject/split/number` in every language. Translations lose items, and hold some twice: what is
odd is counted in the signature, and questions without a right answer among their options are left out."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.examples import Choice
from harness.tasks.json_rows import REPAIR, fields, read_json, read_json_lines
from harness.tasks.source import MissingDataError, read_text
from harness.tasks.subjects import CATEGORIES
from harness.tasks.task import Loaded, content_hash

LETTERS = "ABCDEFGHIJ"


@dataclass(frozen=True)
class Row:
    """A question as the file has it; `answer` is an index, None where it names no option."""

    id: str
    subject: str
    question: str
    options: tuple[str, ...]
    answer: int | None
    context: str = ""
    tags: tuple[tuple[str, str], ...] = ()


def exam(rows: Sequence[Row], split: str, limit: int | None, shots: Sequence[Row] = (), whole: int = 0) -> Loaded:
    """The examples of an evaluated file. `whole` is the number of subjects of the complete set (0: it has none);
    with fewer the score is marked incomplete."""
    if not rows:
        raise HarnessError("An exam without a question.", REPAIR)
    kept = [row for row in rows if row.answer is not None][:limit]
    if not kept:
        raise HarnessError("No question of the exam has a right answer among its options.", REPAIR)
    examples = tuple(map(_choice, kept))
    notes = _notes(rows)
    subjects = len({row.subject for row in kept})
    if subjects < whole:
        notes["incomplete"] = f"{subjects} of {whole} subjects"
    hashed = content_hash((examples, [(one.subject, one.tags) for one in examples]))
    solved = tuple(_choice(row) for row in shots if row.answer is not None)
    return Loaded(examples, split, hashed, len(examples), notes, solved)


def category(subject: str, own: str = "") -> tuple[tuple[str, str], ...]:
    """The tag `category`: the data's own where there is one, else MMLU's."""
    name = own or CATEGORIES.get(subject, "")
    return (("category", name),) if name else ()


def read_exam_csv(path: Path, subject: str, split: str) -> list[Row]:
    """MMLU's own files: question, four options and a letter, no header."""
    out = []
    for number, cells in enumerate(read_csv(path)):
        if len(cells) != 6:
            raise HarnessError(f"{path}, row {number + 1}: {len(cells)} fields instead of 6.", REPAIR)
        one = f"{subject}/{split}/{number}"
        out.append(Row(one, subject, cells[0], tuple(cells[1:5]), letter(cells[5], 4), "", category(subject)))
    return out


def read_csv(path: Path) -> list[list[str]]:
    """The rows of a CSV file; a field may hold line breaks."""
    return [cells for cells in csv.reader(io.StringIO(read_text(path), newline="")) if cells]


def read_named_csv(path: Path, columns: Sequence[str]) -> list[list[str]]:
    """The values of `columns` in a CSV with a header."""
    header, *rows = read_csv(path)
    absent = [name for name in columns if name not in header]
    if absent:
        raise HarnessError(f"{path}, row 1: no column {', '.join(absent)}.", "Give the file with its header.")
    places = [header.index(name) for name in columns]
    for number, cells in enumerate(rows, 2):
        if len(cells) != len(header):
            raise HarnessError(f"{path}, row {number}: {len(cells)} fields instead of {len(header)}.", REPAIR)
    return [[cells[place] for place in places] for cells in rows]


def read_records(path: Path) -> list[tuple[str, Mapping[str, Any]]]:
    """(where, row) of a Parquet file, JSON lines, or a JSON list."""
    if path.suffix == ".parquet":
        import pyarrow.parquet

        try:
            table = pyarrow.parquet.read_table(path)
        except (OSError, ValueError) as error:
            raise HarnessError(f"{path} is no Parquet file ({str(error).splitlines()[0]}).", REPAIR) from error
        return [(f"{path}, row {number}", row) for number, row in enumerate(table.to_pylist(), 1)]
    if path.suffix == ".jsonl":
        return [(f"{path}, line {number}", row) for number, row in read_json_lines(path)]
    rows = read_json(path)
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise HarnessError(f"{path}: not a list of questions.", REPAIR)
    return [(f"{path}, item {number}", row) for number, row in enumerate(rows, 1)]


def lettered(row: Mapping[str, Any], where: str, question: str, options: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """(question, options) of a record under these names."""
    text, *given = fields(row, [question, *options], where)
    return str(text or ""), tuple("" if one is None else str(one) for one in given)


def letter(name: Any, options: int) -> int | None:
    """The index of `B`; None where it is no letter of the options."""
    at = LETTERS.find(str(name).strip().upper()) if str(name).strip() else -1
    return at if 0 <= at < options and len(str(name).strip()) == 1 else None


def first_file(folder: Path, patterns: Iterable[str]) -> Path:
    """The first file that one of the patterns finds; MissingDataError names all of them."""
    patterns = list(patterns)
    for pattern in patterns:
        found = sorted(path for path in folder.glob(pattern) if path.is_file())
        if found:
            return found[0]
    raise MissingDataError(f"no {' or '.join(patterns)} in {folder}")


def split_file(folder: Path, codes: Sequence[str], split: str, kinds: Sequence[str]) -> Path:
    """The file of a split under the hub's names: `<code>/<split>*.<kind>`, or `<code>_<split>*.<kind>`."""
    return first_file(folder, [f"{code}{joint}{split}*.{kind}" for code in codes for joint in "/_" for kind in kinds])


def shots_or_none(read: Callable[[], list[Row]]) -> list[Row]:
    """The solved examples that `read` finds; none where their file is not at hand."""
    try:
        return read()
    except MissingDataError:
        return []


def _choice(row: Row) -> Choice:
    assert row.answer is not None
    return Choice(row.id, row.context, row.question, row.options, row.answer, row.id, row.subject, row.tags)


def _notes(rows: Sequence[Row]) -> dict[str, str]:
    """What is odd in the file, each with its count."""
    same = Counter((row.context, row.question, row.options) for row in rows)
    ids = Counter(row.id for row in rows)
    counts = {
        "questions twice": sum(count - 1 for count in same.values()),
        "ids twice": sum(count - 1 for count in ids.values()),
        "without answer, left out": sum(row.answer is None for row in rows),
        "with an empty option": sum(any(not option.strip() for option in row.options) for row in rows),
    }
    return {name: str(count) for name, count in counts.items() if count}

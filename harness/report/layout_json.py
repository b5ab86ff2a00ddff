"""The JSON files of a submission: answers (SQuAD), ranked entities (Mewsli-X) and choices (XCOPA)."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.report.layout_file import BLANKED, Contents, Row, lines_of, parse_json, place


def read_answers(path: Path, content: str) -> Contents:
    """An object, question id -> answer text. An id `data` is refused: officially it wraps a data set."""
    mapping = _mapping(path, content, lambda value: isinstance(value, str), "a text")
    return Contents(path, tuple(Row(key, value) for key, value in mapping.items()))


def read_questions(path: Path, content: str) -> Contents:
    """SQuAD JSON, an object with `data` or the bare list of articles: id -> gold answers."""
    whole = parse_json(path, content)
    try:
        articles = whole["data"] if isinstance(whole, dict) else whole
        questions = [one for article in articles for part in article["paragraphs"] for one in part["qas"]]
        rows = [Row(one["id"], tuple(gold["text"] for gold in one["answers"])) for one in questions]
    except (KeyError, TypeError) as error:
        problem = f"{path} is not SQuAD JSON ({type(error).__name__}: {error})."
        raise HarnessError(problem, "It holds data > paragraphs > qas > id and answers > text.") from error
    if not rows:
        raise HarnessError(f"{path} holds no questions.", "Give label files that hold them.")
    if not any(answer for row in rows for answer in row.value):
        raise HarnessError(f"Every answer in {path} is empty or missing: its labels are blanked.", BLANKED)
    _check_questions(path, content, rows)
    return Contents(path, tuple(rows))


def _check_questions(path: Path, content: str, rows: list[Row]) -> None:
    seen: set[str] = set()
    for row in rows:
        if not isinstance(row.key, str) or not all(isinstance(answer, str) for answer in row.value):
            problem = "id and answers must be strings"
        elif not row.value:
            problem = "it has no gold answer"
        elif row.key in seen:
            problem = "the id stands twice"
        else:
            seen.add(row.key)
            continue
        where = place(path, content, str(row.key))
        raise HarnessError(f"{where}: question {row.key!r}: {problem}.", "Mend the file.")


def read_choices(path: Path, content: str) -> Contents:
    """JSON lines, each an object with `label` (a number or a string); blank lines are skipped."""
    rows: list[Row] = []
    for number, line in lines_of(content):
        if line:
            value = parse_json(path, line, number)
            if not isinstance(value, dict) or not isinstance(value.get("label"), int | str):
                problem = f"{path}, line {number}: no `label`."
                raise HarnessError(problem, 'Each line is an object like {"label": 0}.')
            rows.append(Row(str(len(rows) + 1), value["label"], number))
    return Contents(path, tuple(rows))


def read_choice_labels(path: Path, content: str) -> Contents:
    """Choices, none of them an empty string."""
    contents = read_choices(path, content)
    for row in contents.rows:
        if row.value == "":
            raise HarnessError(f"{path}, line {row.line}: the label is empty.", BLANKED)
    return contents


def read_ranks(path: Path, content: str) -> Contents:
    """An object, mention id -> entities, best first."""
    mapping = _mapping(path, content, _is_strings, "a list of entities")
    return Contents(path, tuple(Row(key, tuple(value)) for key, value in mapping.items()))


def read_rank_labels(path: Path, content: str) -> Contents:
    """An object, mention id -> list of one gold entity."""
    rows = []
    for row in read_ranks(path, content).rows:
        if len(row.value) != 1 or not row.value[0].strip():
            where = place(path, content, row.key)
            raise HarnessError(f"{where}: {row.key!r} is not a list of one gold entity.", BLANKED)
        rows.append(Row(row.key, row.value[0].strip()))
    if not rows:
        raise HarnessError(f"{path} holds no labels.", BLANKED)
    return Contents(path, tuple(rows))


def _mapping(path: Path, content: str, accepts: Callable[[Any], bool], wanted: str) -> dict[str, Any]:
    mapping = parse_json(path, content)
    if not isinstance(mapping, dict):
        raise HarnessError(f"{path} holds no JSON object.", f"Write one object, id -> {wanted}.")
    if "data" in mapping:
        problem = f"{place(path, content, 'data')}: an id 'data', officially taken for the wrapper of a data set."
        raise HarnessError(problem, f"Write one object, id -> {wanted}.")
    for key, value in mapping.items():
        if not accepts(value):
            problem = f"{place(path, content, key)}: the value of {key!r} is not {wanted}."
            raise HarnessError(problem, f"Write one object, id -> {wanted}.")
    return mapping


def _is_strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)

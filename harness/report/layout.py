"""The official XTREME submission layout, both ways: `<root>/<task>/test-<language>.<suffix>`.

Predictions and labels of a task look alike, except that labels of questions are SQuAD JSON. What is written
and read again has exactly the scores of the items it came from (google-research/xtreme, `evaluate.py`)."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, unknown_names
from harness.metrics.mining import gold_pairs, mined_pairs
from harness.metrics.score import Item
from harness.report import layout_json, layout_lines
from harness.report.layout_file import Contents, read_text
from harness.tasks.xtreme import XTREME, XTREME_R

FORMS = {
    "xnli": "lines",
    "pawsx": "lines",
    "tatoeba": "lines",
    "udpos": "tags",
    "panx": "tags",
    "bucc2018": "pairs",
    "xquad": "answers",
    "mlqa": "answers",
    "tydiqa": "answers",
    "xcopa": "choices",
    "mewslix": "ranks",
}

Reader = Callable[[Path, str], Contents]
Rows = Iterable[tuple[Item, Any]]

_READ_PREDICTIONS: dict[str, Reader] = {
    "lines": layout_lines.read_lines,
    "tags": layout_lines.read_tags,
    "pairs": layout_lines.read_pairs,
    "answers": layout_json.read_answers,
    "choices": layout_json.read_choices,
    "ranks": layout_json.read_ranks,
}
_READ_LABELS: dict[str, Reader] = {
    "lines": layout_lines.read_line_labels,
    "tags": layout_lines.read_tags,
    "pairs": layout_lines.read_pair_labels,
    "answers": layout_json.read_questions,
    "choices": layout_json.read_choice_labels,
    "ranks": layout_json.read_rank_labels,
}


def form_of(task: str) -> str:
    """The form of a task's files, a value of FORMS. HarnessError for a task without an official layout."""
    if task not in FORMS:
        raise unknown_names("task", [task], FORMS, f"Tasks with an official layout: {', '.join(FORMS)}.")
    return FORMS[task]


def prediction_path(root: Path, task: str, language: str) -> Path:
    """Where a language's predictions lie; `language` may be one that the benchmark does not have."""
    form_of(task)
    return root / task / (XTREME | XTREME_R)[task].file(language)


def label_path(root: Path, task: str, language: str) -> Path:
    """Where a language's labels lie: under a root of their own, by the same names."""
    return prediction_path(root, task, language)


def read_predictions(task: str, path: Path) -> Contents:
    """A prediction file. HarnessError with file and line for what cannot be read without guessing.

    A file of pairs may be empty (nothing was mined); its rows without a tab are kept and count as wrong."""
    form = form_of(task)
    return _READ_PREDICTIONS[form](path, read_text(path, may_be_empty=form == "pairs"))


def read_labels(task: str, path: Path) -> Contents:
    """A label file. HarnessError with file and line for what cannot be read, and for blanked labels."""
    return _READ_LABELS[form_of(task)](path, read_text(path))


def write_predictions(task: str, items: Sequence[Item], path: Path) -> None:
    """The outputs of items, in their order; without an answer (None) the id is left out. BUCC: the scored
    sample's pairs at or above the threshold that the dev items choose.

    HarnessError, naming the item, for an output that the layout cannot hold."""
    form = form_of(task)
    rows = [(item, item.output) for item in items]
    _write(path, _pair_lines(mined_pairs(items)[0]) if form == "pairs" else _PREDICTIONS[form](rows))


def write_labels(task: str, items: Sequence[Item], path: Path) -> None:
    """The gold of items, in their order, as in the official label files. BUCC: that of the scored sample.

    HarnessError, naming the item, for gold that the layout cannot hold."""
    form = form_of(task)
    rows = [(item, item.gold) for item in items]
    _write(path, _pair_lines(gold_pairs(items)) if form == "pairs" else _LABELS[form](rows))


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8", newline="\n")


def _lines(rows: Rows) -> str:
    return "".join(f"{_line(item, value)}\n" for item, value in rows)


def _line(item: Item, value: Any) -> str:
    """A label as one line; what would be read again as something else is refused."""
    text = str(value)
    if not isinstance(value, str | int) or text != text.strip() or "\n" in text or "\r" in text:
        raise _unfit(item, f"the label {value!r} cannot stand in one line")
    return text


def _tags(rows: Rows) -> str:
    """Tags one per line, sentences apart by a blank line; a sentence without tokens is left out."""
    sentences = []
    for item, tags in rows:
        if len(item.gold) != len(item.output):
            raise _unfit(item, f"{len(item.output)} predicted tags for {len(item.gold)} gold tags")
        if any(tag.split() != [tag] for tag in tags):
            raise _unfit(item, "a tag is empty or holds white space")
        sentences.append("".join(f"{tag}\n" for tag in tags))
    return "\n".join(filter(None, sentences))


def _pair_lines(pairs: Iterable[tuple[str, str]]) -> str:
    return "".join(f"{source}\t{target}\n" for source, target in pairs)


def _by_id(rows: Rows) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for item, value in rows:
        if item.id in out or item.id == "data":
            raise _unfit(item, "a submission cannot hold its id, which is 'data' or stands twice")
        if value is not None:
            out[item.id] = value
    return out


def _answers(rows: Rows) -> str:
    return json.dumps(_by_id(rows), ensure_ascii=False, indent=0) + "\n"


def _squad(rows: Rows) -> str:
    """SQuAD JSON of ids and answers; question, context and offsets are not known here: empty, and -1."""
    questions = [
        {"id": key, "question": "", "answers": [{"text": text, "answer_start": -1} for text in answers]}
        for key, answers in _by_id(rows).items()
    ]
    data = [{"title": "", "paragraphs": [{"context": "", "qas": questions}]}]
    return json.dumps({"version": "1.1", "data": data}, ensure_ascii=False) + "\n"


def _choices(rows: Rows) -> str:
    return "".join(json.dumps({"label": value}, ensure_ascii=False) + "\n" for _, value in rows)


def _ranks(rows: Rows) -> str:
    return json.dumps(_by_id(rows), ensure_ascii=False) + "\n"


def _gold_entities(rows: Rows) -> str:
    return _ranks((item, [value]) for item, value in rows)


def _unfit(item: Item, problem: str) -> HarnessError:
    return HarnessError(f"Item {item.id}: {problem}.", "It cannot be exported in the official layout.")


_PREDICTIONS: dict[str, Callable[[Rows], str]] = {
    "lines": _lines,
    "tags": _tags,
    "answers": _answers,
    "choices": _choices,
    "ranks": _ranks,
}
_LABELS: dict[str, Callable[[Rows], str]] = {
    "lines": _lines,
    "tags": _tags,
    "answers": _squad,
    "choices": _choices,
    "ranks": _gold_entities,
}

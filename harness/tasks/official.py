"""Rows of a table as the text of the official files, so that one reader serves the hub and a local folder.

XTREME writes its pairs with csv quoting; so is done here, and the files are the same bytes but for XTREME's CRLF."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from harness.errors import HarnessError
from harness.tasks.data_set import Columns

REFUSED = "The data set is not what this version knows; report it."
XNLI = ("entailment", "neutral", "contradiction")
NER = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")


def pairs(columns: Columns, names: Sequence[str]) -> tuple[str]:
    """`first TAB second TAB label`, from three columns in that order; `names` are the classes of the third."""
    first, second, labels = columns.values()
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter="\t", lineterminator="\n")
    for row, (one, other, label) in enumerate(zip(first, second, labels, strict=True)):
        texts = [line(one.strip(), row), line(other.strip(), row)]
        writer.writerow([*texts, _name(names, label, row)])
    return (buffer.getvalue(),)


def tagged(columns: Columns, names: Sequence[str]) -> tuple[str]:
    """`word TAB tag` lines, a blank line between sentences, from a column of words and one of tags."""
    words, tags = columns.values()
    sentences = []
    for row, (sentence, own) in enumerate(zip(words, tags, strict=True)):
        rows = zip(sentence, own, strict=True)
        sentences.append("".join(f"{line(word, row)}\t{_name(names, tag, row)}\n" for word, tag in rows))
    return ("\n".join(one for one in sentences if one),)


def lines(columns: Columns) -> tuple[str, ...]:
    """One file per column, one sentence a line; a final line feed in the table is no part of the sentence."""
    return tuple(
        "".join(f"{line(text.removesuffix(chr(10)), row)}\n" for row, text in enumerate(column))
        for column in columns.values()
    )


def squad(columns: Columns) -> tuple[str]:
    """SQuAD's JSON; questions in a row that share title and context are one paragraph."""
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    articles = []
    for title, article in groupby(rows, lambda row: row.get("title", "")):
        passages = groupby(article, lambda row: row["context"])
        paragraphs = [{"context": context, "qas": [_question(row) for row in qas]} for context, qas in passages]
        articles.append({"title": title, "paragraphs": paragraphs})
    return (json.dumps({"version": "1.1", "data": articles}, ensure_ascii=False) + "\n",)


def json_lines(columns: Columns) -> tuple[str]:
    """One JSON object a row, with the table's own column names."""
    rows = (dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True))
    return ("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows),)


def multinli(columns: Columns) -> tuple[str]:
    """MultiNLI 1.0's JSON lines (those of its keys that readers use), from premise, hypothesis and label."""
    first, second, labels = columns.values()
    names = [_name(XNLI, label, row) for row, label in enumerate(labels)]
    return json_lines({"gold_label": names, "sentence1": first, "sentence2": second})


def commonsense(columns: Columns) -> tuple[str]:
    """CommonsenseQA's JSON lines: stem, concept and labelled choices inside the question."""
    questions = []
    for stem, concept, options in zip(
        columns["question"], columns["question_concept"], columns["choices"], strict=True
    ):
        labelled = zip(options["label"], options["text"], strict=True)
        choices = [{"label": label, "text": text} for label, text in labelled]
        questions.append({"question_concept": concept, "choices": choices, "stem": stem})
    return json_lines({"answerKey": columns["answerKey"], "id": columns["id"], "question": questions})


def comparable(columns: Columns, language: str, gold: int) -> tuple[str, str, str]:
    """BUCC's two sides and gold pairs from one row of lists; `gold` is how many pairs there must be.

    The ids are `de-000000001` and on, by position, which is what the 1-based gold pairs count."""
    (source,), (target,), (pairs_,) = columns.values()
    if len(pairs_) != gold:
        raise HarnessError(f"{len(pairs_)} gold pairs instead of {gold}.", REFUSED)
    sides = [
        "".join(f"{code}-{row:09d}\t{line(text, row)}\n" for row, text in enumerate(side, 1))
        for code, side in ((language, source), ("en", target))
    ]
    return sides[0], sides[1], "".join(f"{language}-{one:09d}\ten-{other:09d}\n" for one, other in pairs_)


def line(text: str, row: int) -> str:
    """The text, refused where it would break the line or the field that it is written to."""
    if "\n" in text or "\t" in text:
        raise HarnessError(f"row {row}: a line feed or tab inside the text {text[:40]!r}.", REFUSED)
    return text


def _name(names: Sequence[str], label: int, row: int) -> str:
    if not 0 <= label < len(names):
        raise HarnessError(f"row {row}: no label ({label}).", REFUSED)
    return names[label]


def _question(row: Mapping[str, Any]) -> dict[str, Any]:
    given = zip(row["answers"]["answer_start"], row["answers"]["text"], strict=True)
    answers = [{"answer_start": start, "text": text} for start, text in given]
    return {"id": row["id"], "question": row["question"], "answers": answers}

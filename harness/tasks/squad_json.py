"""Questions with an answer in a passage, from SQuAD's JSON (Rajpurkar et al. 2016).

Trap: `answer_start` is off in part of TyDiQA and XQuAD. The answer is looked for again next to the given
offset; what is found nowhere gets the start -1 and is never trained on."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from harness.errors import HarnessError
from harness.examples import Span
from harness.tasks.json_rows import REPAIR, fields, read_json
from harness.tasks.source import BlankedLabelsError


class QuestionRow(NamedTuple):
    """A question as the file has it: answers are (text, offset), none where the passage has no answer."""

    id: str
    question: str
    context: str
    answers: tuple[tuple[str, int], ...]


def read_squad(path: Path) -> list[QuestionRow]:
    """All questions of a file, in its order: an object with `data`, or that list alone."""
    document = read_json(path)
    articles = document if isinstance(document, list) else fields(document, ["data"], str(path))[0]
    rows = []
    for article in _list(articles, str(path)):
        for paragraph in _list(fields(article, ["paragraphs"], f"{path}, an article")[0], str(path)):
            context, questions = fields(paragraph, ["context", "qas"], f"{path}, a paragraph")
            rows += [_row(one, str(context), path) for one in _list(questions, str(path))]
    return rows


def read_scored(path: Path) -> list[QuestionRow]:
    """The questions of an evaluated file: each with answers, its id once, at least one question.

    BlankedLabelsError where every answer is empty (XTREME's test sets)."""
    return scored(path, read_squad(path))


def scored(path: Path, rows: list[QuestionRow]) -> list[QuestionRow]:
    """The same rows after the checks of `read_scored`."""
    if not rows:
        raise HarnessError(f"{path}: no question.", REPAIR)
    if not any(text.strip() for row in rows for text, _ in row.answers):
        raise BlankedLabelsError(f"{path} has no answers")
    seen: set[str] = set()
    for number, row in enumerate(rows, 1):
        if row.id in seen:
            raise HarnessError(f"{path}, question {number}: the id {row.id} stands twice.", REPAIR)
        if not any(text.strip() for text, _ in row.answers):
            raise HarnessError(f"{path}, question {number} ({row.id}): no answer.", REPAIR)
        seen.add(row.id)
    return rows


def find_answer(context: str, text: str, start: int) -> int:
    """The offset of `text` nearest to `start` (the earlier of two equally near); -1 where it does not
    occur."""
    if not text:
        return -1
    if start >= 0 and context.startswith(text, start):
        return start
    before = context.rfind(text, 0, max(start, 0) + len(text))
    after = context.find(text, max(start, 0))
    return min((at for at in (before, after) if at >= 0), key=lambda at: abs(at - start), default=-1)


def spans(rows: Sequence[QuestionRow], positional: bool = False) -> tuple[Span, ...]:
    """Examples with the file's ids, or with positions where ids are not unique (training).

    The cluster is the passage, by the order in which passages first occur."""
    passages: dict[str, int] = {}
    return tuple(
        Span(
            id=str(number) if positional else row.id,
            question=row.question,
            context=row.context,
            answers=tuple(text for text, _ in row.answers),
            starts=tuple(find_answer(row.context, text, start) for text, start in row.answers),
            cluster=str(passages.setdefault(row.context, len(passages))),
        )
        for number, row in enumerate(rows)
    )


def answer_notes(rows: Sequence[QuestionRow]) -> Mapping[str, str]:
    """How many answers stand elsewhere than the file says, and how many nowhere."""
    given = [(row.context, text, start) for row in rows for text, start in row.answers if text]
    found = [(find_answer(*one), one[2]) for one in given]
    moved = sum(at not in (-1, start) for at, start in found)
    lost = sum(at == -1 for at, _ in found)
    return {name: str(count) for name, count in (("answers moved", moved), ("answers not found", lost)) if count}


def trainable(examples: Iterable[Span]) -> tuple[Span, ...]:
    """Those with an answer in the passage, each with the first such answer alone, as XTREME trains."""
    kept = []
    for one in examples:
        at = next((place for place, start in enumerate(one.starts) if start >= 0), None)
        if at is not None:
            kept.append(Span(one.id, one.question, one.context, (one.answers[at],), (one.starts[at],), one.cluster))
    return tuple(kept)


def _row(question: Any, context: str, path: Path) -> QuestionRow:
    one, text = fields(question, ["id", "question"], f"{path}, a question")
    where = f"{path}, question {one}"
    # v2.0 gives an unanswerable question no answers (and plausible ones under another key).
    given = [] if question.get("is_impossible") else _list(fields(question, ["answers"], where)[0], where)
    answers = [fields(answer, ["text", "answer_start"], f"{where}, an answer") for answer in given]
    if not all(isinstance(start, int) for _, start in answers):
        raise HarnessError(f"{where}: an answer_start that is no whole number.", REPAIR)
    return QuestionRow(str(one), str(text), context, tuple((str(text), start) for text, start in answers))


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise HarnessError(f"{where}: not laid out as SQuAD's JSON.", REPAIR)
    return value

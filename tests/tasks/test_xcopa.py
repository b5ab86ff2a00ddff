"""XCOPA and the English multiple choice it is trained on, from small files."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.examples import Choice
from harness.tasks import xcopa
from harness.tasks.source import BlankedLabelsError, MissingDataError, Source


def write(root: Path, name: str, *rows: Any) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows))
    return path


def copa(index: int, question: str = "cause", label: Any = 1, **more: Any) -> dict[str, Any]:
    texts = {"premise": f"p{index}", "choice1": "a", "choice2": "b"}
    return {**texts, "question": question, "label": label, "idx": index, **more}


def social(index: int, **more: Any) -> dict[str, Any]:
    return {
        "context": f"c{index}",
        "question": "why?",
        "answerA": "x",
        "answerB": "y",
        "answerC": "z",
        **more,
    }


def common(key: str) -> dict[str, Any]:
    choices = [{"label": letter, "text": letter.lower()} for letter in "ABCDE"]
    return {"answerKey": key, "id": "same", "question": {"stem": f"stem {key}", "choices": choices}}


def test_the_question_is_xtreme_rs_text_form(tmp_path: Path) -> None:
    write(tmp_path, "xcopa/test.sw.jsonl", copa(7), copa(3, "effect", 0))
    loaded = xcopa.TASK.load(Source(tmp_path), "sw", "test", None)
    assert loaded.examples == (
        Choice("7", "p7", "What was the cause?", ("a", "b"), 1, "7"),
        Choice("3", "p3", "What was the effect?", ("a", "b"), 0, "3"),
    )
    write(tmp_path, "xcopa/data/qu/val.qu.jsonl", copa(1))
    assert xcopa.TASK.load(Source(tmp_path), "qu", "validation", None).count == 1
    with pytest.raises(MissingDataError, match=r"--split validation scores data/qu/val.qu.jsonl"):
        xcopa.TASK.load(Source(tmp_path), "qu", "test", None)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([copa(1), copa(2), copa(1)], "test.sw.jsonl, line 3: the idx 1 stands in line 1 too"),
        ([copa(1), copa(2, "reason")], "line 2: the question is 'reason'"),
        ([copa(1), copa(2, label=2)], "line 2: .* the label '2'"),
        ([copa(1), {"premise": "p", "label": 1}], "line 2: no choice1, choice2, question, idx"),
        ([copa(1), "{"], "line 2: not JSON"),
        ([copa(1), "[]"], "line 2: not a JSON object"),
        ([copa(1), "", copa(2)], "line 2: not JSON"),
    ],
)
def test_malformed_lines_are_refused_with_file_and_line(tmp_path: Path, rows: list[Any], message: str) -> None:
    write(tmp_path, "xcopa/test.sw.jsonl", *rows)
    with pytest.raises(HarnessError, match=message):
        xcopa.TASK.load(Source(tmp_path), "sw", "test", None)


def test_labels_that_are_absent_or_all_zero_are_blanked(tmp_path: Path) -> None:
    rows = [copa(index, label=0) for index in range(21)]
    for given in (rows, [{key: row[key] for key in row if key != "label"} for row in rows]):
        write(tmp_path, "xcopa/test.sw.jsonl", *given)
        with pytest.raises(BlankedLabelsError):
            xcopa.TASK.load(Source(tmp_path), "sw", "test", None)


def test_social_iqa_and_copa_are_preferred_and_commonsense_qa_stands_in(tmp_path: Path) -> None:
    source = Source(tmp_path)
    with pytest.raises(MissingDataError, match=r"commonsenseqa/train_rand_split.jsonl"):
        xcopa.train(source, "en")
    write(tmp_path, "commonsenseqa/train_rand_split.jsonl", common("B"), common("E"))
    write(tmp_path, "commonsenseqa/dev_rand_split.jsonl", common("A"))
    training = xcopa.train(source, "en")
    assert training.train[1] == Choice("1", "", "stem E", ("a", "b", "c", "d", "e"), 4, "1")
    assert (len(training.dev), training.notes["stand-in"]) == (1, "not Social IQa and COPA")
    write(tmp_path, "siqa/train.jsonl", social(0), social(1))
    write(tmp_path, "siqa/train-labels.lst", "3", "1")
    write(tmp_path, "siqa/dev.jsonl", social(2, correct="B"))
    write(tmp_path, "xcopa/train.en.jsonl", copa(0))
    training = xcopa.train(source, "en")
    assert training.train == (
        Choice("0", "c0", "why?", ("x", "y", "z"), 2, "0"),
        Choice("1", "c1", "why?", ("x", "y", "z"), 0, "1"),
        Choice("2", "p0", "What was the cause?", ("a", "b"), 1, "2"),
    )
    assert training.dev == (Choice("0", "c2", "why?", ("x", "y", "z"), 1, "0"),)
    assert training.notes["training"] == "siqa/train.jsonl, xcopa/train.en.jsonl, 3 questions"
    assert "stand-in" not in training.notes
    with pytest.raises(MissingDataError, match="English"):
        xcopa.train(source, "de")


def test_wrong_answers_of_the_training_data_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "siqa/train.jsonl", social(0, correct="A"), social(1, correct="D"))
    with pytest.raises(HarnessError, match="line 2: the answer 'D' is none of A, B, C"):
        xcopa.train(Source(tmp_path), "en")
    write(tmp_path, "siqa/train-labels.lst", "1")
    with pytest.raises(HarnessError, match="has 1 lines for 2 questions"):
        xcopa.train(Source(tmp_path), "en")

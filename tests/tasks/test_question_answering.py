"""SQuAD's JSON, found-again answers, XQuAD, MLQA, TyDiQA and their training data from small files."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.examples import Span
from harness.tasks import mlqa, tydiqa, xquad
from harness.tasks.source import BlankedLabelsError, MissingDataError, Source
from harness.tasks.squad_json import answer_notes, find_answer, read_squad, spans, trainable

CONTEXT = "one two one three"


def question(one: str, *answers: tuple[str, int], **more: Any) -> dict[str, Any]:
    given = [{"text": text, "answer_start": start} for text, start in answers]
    return {"id": one, "question": f"q {one}", "answers": given, **more}


def write(root: Path, name: str, *paragraphs: tuple[str, list[dict[str, Any]]]) -> Path:
    data = [{"paragraphs": [{"context": context, "qas": questions}]} for context, questions in paragraphs]
    return write_text(root, name, json.dumps({"version": "1.1", "data": data}))


def write_text(root: Path, name: str, text: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "start", "found"),
    [
        ("one", 0, 0),
        ("one", 8, 8),
        ("one", 7, 8),
        ("one", 5, 8),
        ("one", 3, 0),
        ("one", 4, 0),
        ("one", 99, 8),
        ("one", -5, 0),
        ("three", 0, 12),
        ("four", 0, -1),
        ("", 3, -1),
    ],
)
def test_an_answer_is_found_again_nearest_to_its_offset(text: str, start: int, found: int) -> None:
    assert find_answer(CONTEXT, text, start) == found


def test_find_answer_agrees_with_brute_force() -> None:
    context = "abaabbabab" * 3
    for text in ("a", "ab", "aba", "bb", "abab", "aab", "bbb"):
        places = [at for at in range(len(context)) if context.startswith(text, at)]
        for start in range(-2, len(context) + 3):
            best = min(places, key=lambda at: (abs(at - start), at), default=-1)
            assert find_answer(context, text, start) == best, (text, start)


def test_moved_and_lost_answers_are_counted_and_lost_ones_not_trained_on(tmp_path: Path) -> None:
    questions = [
        question("a", ("two", 4)),
        question("b", ("one", 6)),
        question("c", ("four", 0)),
        question("d"),
    ]
    questions.append(question("e", ("four", 0), ("three", 0)))
    rows = read_squad(write(tmp_path, "s.json", (CONTEXT, questions)))
    examples = spans(rows)
    assert [one.starts for one in examples] == [(4,), (8,), (-1,), (), (-1, 12)]
    assert answer_notes(rows) == {"answers moved": "2", "answers not found": "2"}
    assert [(one.id, one.answers, one.starts) for one in trainable(examples)] == [
        ("a", ("two",), (4,)),
        ("b", ("one",), (8,)),
        ("e", ("three",), (12,)),
    ]


def test_clusters_are_passages_by_text_and_a_bare_list_is_read(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "s.json",
        (CONTEXT, [question("a", ("two", 4))]),
        ("other", [question("b", ("other", 0))]),
        (CONTEXT, [question("c", ("one", 0))]),
    )
    examples = spans(read_squad(path))
    assert [one.cluster for one in examples] == ["0", "1", "0"]
    assert examples[0] == Span("a", "q a", CONTEXT, ("two",), (4,), "0")
    path.write_text(json.dumps(json.loads(path.read_text())["data"]))
    assert spans(read_squad(path)) == examples


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"data": [\n{"paragraphs" []}]}', "xquad.de.json, line 2: not JSON"),
        ('{"version": 1}', "xquad.de.json: no data"),
        ('{"data": [{"paragraphs": [{"context": "c"}]}]}', "a paragraph: no qas"),
        ('{"data": {"paragraphs": []}}', "not laid out as SQuAD's JSON"),
        ('{"data": []}', "no question"),
        (
            '{"data": [{"paragraphs": [{"context": "c", "qas": [{"id": "1", "question": "q"}]}]}]}',
            "question 1: no answers",
        ),
        (
            '{"data": [{"paragraphs": [{"context": "c", "qas": [{"id": "1", "question": "q",'
            ' "answers": [{"text": "c", "answer_start": "0"}]}]}]}]}',
            "no whole number",
        ),
    ],
)
def test_malformed_files_are_refused(tmp_path: Path, text: str, message: str) -> None:
    write_text(tmp_path, "xquad/xquad.de.json", text)
    with pytest.raises(HarnessError, match=message):
        xquad.TASK.load(Source(tmp_path), "de", "test", None)


def test_scored_files_refuse_repeated_ids_and_questions_without_an_answer(tmp_path: Path) -> None:
    write(tmp_path, "xquad/xquad.de.json", (CONTEXT, [question("a", ("one", 0)), question("a", ("two", 4))]))
    with pytest.raises(HarnessError, match="question 2: the id a stands twice"):
        xquad.TASK.load(Source(tmp_path), "de", "test", None)
    write(tmp_path, "xquad/xquad.de.json", (CONTEXT, [question("a", ("one", 0)), question("b", ("", 0))]))
    with pytest.raises(HarnessError, match=r"question 2 \(b\): no answer"):
        xquad.TASK.load(Source(tmp_path), "de", "test", None)
    write(tmp_path, "xquad/xquad.de.json", (CONTEXT, [question("a", ("", 0)), question("b", ("", 0))]))
    with pytest.raises(BlankedLabelsError, match="blanked"):
        xquad.TASK.load(Source(tmp_path), "de", "test", None)


@pytest.mark.parametrize("split", ["test", "validation"])
def test_sets_with_one_split_are_scored_whatever_was_asked_for(tmp_path: Path, split: str) -> None:
    write(tmp_path, "xquad/xquad.de.json", (CONTEXT, [question("a", ("one", 0))]))
    write(
        tmp_path,
        "tydiqa/tydiqa-goldp-v1.1-dev/tydiqa.goldp.fi.dev.json",
        (CONTEXT, [question("a", ("one", 0))]),
    )
    for task, language in ((xquad.TASK, "de"), (tydiqa.TASK, "fi")):
        assert task.load(Source(tmp_path), language, split, None).split == task.split == "test"


def test_mlqa_takes_all_pairs_and_the_passage_decides_the_rule(tmp_path: Path) -> None:
    assert sum(map(mlqa.TASK.accepts, (f"{a}-{b}" for a in mlqa.LANGUAGES for b in mlqa.LANGUAGES))) == 42
    assert all(map(mlqa.TASK.accepts, mlqa.LANGUAGES))
    assert not any(map(mlqa.TASK.accepts, ("fr", "de-fr", "de-de", "en_de")))
    name = "mlqa/MLQA_V1/dev/dev-context-de-question-en.json"
    write(tmp_path, name, (CONTEXT, [question("a", ("one", 0)), question("b", ("two", 0))]))
    loaded = mlqa.TASK.load(Source(tmp_path), "de-en", "validation", None)
    assert [one.cluster for one in loaded.examples] == ["a", "b"]  # type: ignore[union-attr]
    assert loaded.notes == {"answers moved": "1"}
    with pytest.raises(MissingDataError, match=r"--split validation scores .*dev-context-de-question-en.json"):
        mlqa.TASK.load(Source(tmp_path), "de-en", "test", None)
    names = ["f1", "exact_match", "f1_squad", "exact_match_squad"]
    assert [metric.name for metric in mlqa.TASK.metrics("de-en")] == names
    names = ["f1", "exact_match", "f1_mlqa", "exact_match_mlqa"]
    assert [metric.name for metric in xquad.TASK.metrics("ro")] == names
    assert [metric.name for metric in tydiqa.TASK.metrics("sw")] == names


def test_tydiqa_reads_upstreams_names_and_english_alone_of_a_merged_file(tmp_path: Path) -> None:
    folder = "tydiqa/tydiqa-goldp-v1.1"
    write(
        tmp_path,
        f"{folder}-dev/tydiqa-goldp-dev-swahili.json",
        (CONTEXT, [question("swahili-1", ("one", 0))]),
    )
    assert tydiqa.TASK.load(Source(tmp_path), "sw", "test", None).count == 1
    write(
        tmp_path,
        f"{folder}-train.json",
        (CONTEXT, [question("english-1", ("one", 0)), question("arabic-1", ("two", 4))]),
        ("word", [question("english-1", ("word", 0)), question("english-2", ("no", 0))]),
    )
    training = tydiqa.train(Source(tmp_path), "en")
    both = sorted((*training.train, *training.dev), key=lambda one: one.id)
    assert [(one.id, one.context) for one in both] == [("0", CONTEXT), ("1", "word")]  # type: ignore[union-attr]
    assert training.notes["training"] == "tydiqa-goldp-v1.1-train.json, 2 of 3 questions"
    assert training.notes["answers not found in training"] == "1"
    with pytest.raises(MissingDataError, match="no questions with ids finnish-"):
        tydiqa.train(Source(tmp_path), "fi")


def test_squad_v1_is_preferred_and_selected_on_its_own_dev(tmp_path: Path) -> None:
    impossible = question("x", is_impossible=True)
    write(tmp_path, "squad/dev-v2.0.part2.json", ("part two", [question("p", ("part", 0)), impossible]))
    write(tmp_path, "squad/dev-v2.0.part1.json", ("part one", [question("q", ("one", 5)), impossible]))
    training = xquad.TASK.train(Source(tmp_path), "en")  # type: ignore[misc]
    both = (*training.train, *training.dev)
    assert sorted((one.id, one.context) for one in both) == [("0", "part one"), ("2", "part two")]  # type: ignore[union-attr]
    assert training.notes["training"] == "dev-v2.0.part1.json, dev-v2.0.part2.json, 2 of 4 questions"
    assert "answerable part only" in training.notes["stand-in"]
    write(tmp_path, "squad/train-v1.1.json", (CONTEXT, [question("t", ("two", 4))]))
    write(tmp_path, "squad/dev-v1.1.json", ("dev", [question("d", ("dev", 0), ("de", 0))]))
    training = mlqa.TASK.train(Source(tmp_path), "en")  # type: ignore[misc]
    assert [one.context for one in training.train] == [CONTEXT]  # type: ignore[union-attr]
    assert training.dev == (Span("0", "q d", "dev", ("dev", "de"), (0, 0), "0"),)
    assert training.notes["selected_on"] == "dev-v1.1.json"
    assert "stand-in" not in training.notes
    with pytest.raises(MissingDataError, match="is English"):
        mlqa.TASK.train(Source(tmp_path), "de")  # type: ignore[misc]

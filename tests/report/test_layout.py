"""The official layout: what is written and read again has the same scores, what is broken is refused."""

import random
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.metrics.mining import bucc_metrics
from harness.metrics.score import Item, evaluate
from harness.report.layout import (
    FORMS,
    label_path,
    prediction_path,
    read_labels,
    read_predictions,
    write_labels,
    write_predictions,
)
from harness.report.matching import match
from harness.report.submission import official_metrics
from harness.tasks.xtreme import XTREME, XTREME_R

UPOS = ["NOUN", "VERB", "X", "SCONJ", "CCONJ", "PUNCT"]
WORDS = ["the", "Ελλάδα", "北京", "ال", "“q”", "a\nb", '"', "", "\u2028", " x "]


def question_items(draw: random.Random) -> list[Item]:
    text = lambda: " ".join(draw.choices(WORDS, k=draw.randint(0, 3)))  # noqa: E731
    items = [Item(f"q{n}", [text(), text(), "gold"], draw.choice([text(), None]), "p") for n in range(40)]
    return [*items, Item('quo"te\\', ["x"], "x", "p")]


def items_of(task: str, draw: random.Random) -> list[Item]:
    form = FORMS[task]
    if task == "tatoeba":
        return [Item(str(n), n, draw.choice([n, 0]), "c") for n in draw.sample(range(30), 30)]
    if form == "lines":
        return [Item(str(n), draw.choice("01"), draw.choice("01"), "c") for n in range(30)]
    if form == "tags":
        gold = [draw.choices(UPOS, k=draw.randint(1, 8)) for _ in range(30)]
        output = [[draw.choice([tag, "NOUN"]) for tag in one] for one in gold]
        return [Item(str(n), a, b, "c") for n, (a, b) in enumerate(zip(gold, output, strict=True))]
    if form == "answers":
        return question_items(draw)
    if form == "choices":
        return [Item(str(n), draw.randint(0, 1), draw.randint(0, 1), "c") for n in range(30)]
    ranked = [f"Q{n}" for n in range(25)]
    return [Item(f"m{n}", f"Q{n}", draw.choice([draw.sample(ranked, 25), None]), "c") for n in range(30)]


def scores(task: str, items: tuple[Item, ...] | list[Item]) -> list[float]:
    return [evaluate(metric, items) for metric in official_metrics(task, "zh")]


def read_back(task: str, items: list[Item], folder: Path) -> tuple[Item, ...]:
    write_predictions(task, items, folder / "predictions")
    write_labels(task, items, folder / "labels")
    return match(task, read_predictions(task, folder / "predictions"), read_labels(task, folder / "labels")).items


@pytest.mark.parametrize("task", sorted(set(FORMS) - {"bucc2018"}))
def test_round_trip_keeps_scores_exactly(task: str, tmp_path: Path) -> None:
    for seed in range(5):
        items = items_of(task, random.Random(seed))
        back = read_back(task, items, tmp_path)
        assert len(back) == len(items)
        assert scores(task, back) == scores(task, items)


@pytest.mark.parametrize("samples", [("dev",), ("dev", "test")])
def test_bucc_is_written_at_the_tuned_threshold(samples: tuple[str, ...], tmp_path: Path) -> None:
    for seed in range(20):
        draw = random.Random(seed)
        items = [
            Item(f"{sample}/xx-{n}", [f"en-{n}"] if n % 3 else [], None, str(n))
            for sample in samples
            for n in range(20)
        ]
        found = [
            Item(
                one.id,
                one.gold,
                {"target": f"en-{draw.choice([n, 0])}", "score": draw.gauss(1, 0.1)},
                one.cluster,
            )
            for n, one in enumerate(items)
            if draw.random() < 0.7
        ]
        items = [*found, Item("dev/last", ["en"], {"target": "en", "score": 1.0}, "last")]
        back = read_back("bucc2018", items, tmp_path)
        assert scores("bucc2018", back) == [evaluate(metric, items) for metric in bucc_metrics()]


def test_bucc_without_a_kept_pair_is_an_empty_file_that_scores_zero(tmp_path: Path) -> None:
    items = [Item("dev/1", ["a"], {"target": "a", "score": 2.0}, "1"), Item("test/1", ["a"], None, "1")]
    assert scores("bucc2018", read_back("bucc2018", items, tmp_path)) == [0, 0, 0]
    assert (tmp_path / "predictions").read_text() == ""
    assert "no pair was predicted" in read_predictions("bucc2018", tmp_path / "predictions").warnings[0]


def test_paths_have_the_official_names() -> None:
    assert set(FORMS) == {name for name, task in (XTREME | XTREME_R).items() if task.languages}
    assert prediction_path(Path("r"), "xquad", "de") == Path("r/xquad/test-de.json")
    assert prediction_path(Path("r"), "xcopa", "et") == Path("r/xcopa/test-et.jsonl")
    assert label_path(Path("r"), "panx", "yo") == Path("r/panx/test-yo.tsv")
    with pytest.raises(HarnessError, match="Did you mean xnli"):
        prediction_path(Path("r"), "xnlii", "de")


def put(folder: Path, content: str | bytes) -> Path:
    path = folder / "file"
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def values(task: str, path: Path) -> list[object]:
    return [row.value for row in read_predictions(task, path).rows]


def test_lines_end_where_the_official_reader_ends_them(tmp_path: Path) -> None:
    assert values("xnli", put(tmp_path, "a\r\nb\rc \n d\u2028e\x0bf")) == ["a", "b", "c", "d\u2028e\x0bf"]
    assert values("xnli", put(tmp_path, b"\xef\xbb\xbfa\n\nb\n")) == ["a", "", "b"]


def test_tags_are_squeezed_and_the_last_column_is_taken(tmp_path: Path) -> None:
    path = put(tmp_path, "\n\nDET\nNOUN\n\n\n\nX\n\n\n")
    assert values("udpos", path) == [("DET", "NOUN"), ("X",)]
    assert [row.line for row in read_predictions("udpos", path).rows] == [3, 8]
    contents = read_predictions("panx", put(tmp_path, "New\tB-LOC\nYork\tI-LOC\n\na b O\n"))
    assert [row.value for row in contents.rows] == [("B-LOC", "I-LOC"), ("O",)]
    assert "several columns (3)" in contents.warnings[0]


def test_odd_pairs_are_kept_and_told(tmp_path: Path) -> None:
    contents = read_predictions("bucc2018", put(tmp_path, "de-1\ten-1\nde-2 en-2\n\nde-1\ten-1\n\n"))
    assert [row.value for row in contents.rows] == [
        ("de-1", "en-1"),
        ("de-2 en-2",),
        ("",),
        ("de-1", "en-1"),
        ("",),
    ]
    assert "line 2: not two ids" in contents.warnings[0]
    assert "(3) count as wrong" in contents.warnings[0]
    assert "repeat an earlier one (2)" in contents.warnings[1]


def squad(*answers: str) -> str:
    questions = ",\n".join(f'{{"id": "q{n}", "answers": {one}}}' for n, one in enumerate(answers))
    return f'{{"data": [{{"paragraphs": [{{"qas": [\n{questions}\n]}}]}}]}}'


def test_questions_may_be_a_bare_list_of_articles(tmp_path: Path) -> None:
    whole = squad('[{"text": "a"}, {"text": ""}]')
    rows = read_labels("xquad", put(tmp_path, whole)).rows
    assert rows == read_labels("xquad", put(tmp_path, whole.removeprefix('{"data": ').removesuffix("}"))).rows
    assert [(row.key, row.value) for row in rows] == [("q0", ("a", ""))]


@pytest.mark.parametrize(
    ("task", "content", "message"),
    [
        ("xnli", "", "is empty"),
        ("xquad", " \n", "is empty"),
        ("xnli", "neutral\nentail\n\xe9".encode("latin-1"), "line 3: byte 15 is not UTF-8"),
        ("xnli", "a".encode("utf-16"), "line 1: byte 0 is not UTF-8"),
        ("xquad", '{"a": "b",\n"c" "d"}', "line 2, column 5: no valid JSON"),
        ("xquad", '{"a": "b",\n"a": "c"}', "line 2: 'a' stands twice"),
        ("xquad", '{\n"data": {"a": "b"}}', "line 2: an id 'data'"),
        ("mlqa", '{"a": "b",\n"c": 3}', "line 2: the value of 'c' is not a text"),
        ("tydiqa", '["a"]', "holds no JSON object"),
        ("mewslix", '{"a": "Q1"}', "'a' is not a list of entities"),
        ("xcopa", '{"label": 1}\n\n{"label": }', "line 3, column 11: no valid JSON"),
        ("xcopa", '{"label": 1}\n{"lable": 1}', "line 2: no `label`"),
    ],
)
def test_broken_predictions_are_refused_with_their_place(
    task: str, content: str | bytes, message: str, tmp_path: Path
) -> None:
    with pytest.raises(HarnessError, match=message) as caught:
        read_predictions(task, put(tmp_path, content))
    assert str(tmp_path / "file") in str(caught.value)


@pytest.mark.parametrize(
    ("task", "content", "message"),
    [
        ("bucc2018", "", "is empty"),
        ("bucc2018", "a\tb\na b\n", "line 2: not two ids"),
        ("xnli", "neutral\n\nneutral\n", r"line 2: the label is empty \(1 of 3 labels are\)"),
        ("xquad", squad('[{"text": "a"}]', "[]"), "line 3: question 'q1': it has no gold answer"),
        ("xquad", squad('[{"text": ""}]', '[{"text": ""}]'), "Every answer in .* is empty or missing"),
        (
            "xquad",
            squad('[{"text": "a"}]').replace("}\n", '},\n{"id": "q0", "answers": [{"text": "b"}]}\n'),
            "twice",
        ),
        ("xquad", '{"data": []}', "holds no questions"),
        ("xquad", '{"q1": "a"}', "is not SQuAD JSON"),
        ("xquad", '{"data": [{"paragraphs": [{"qas": [{"id": "q"}]}]}]}', "is not SQuAD JSON"),
        ("xcopa", '{"label": ""}', "line 1: the label is empty"),
        ("mewslix", '{"m": [""]}', "'m' is not a list of one gold entity"),
        ("mewslix", "{}", "holds no labels"),
    ],
)
def test_broken_or_blanked_labels_are_refused(task: str, content: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=message) as caught:
        read_labels(task, put(tmp_path, content))
    assert str(tmp_path / "file") in str(caught.value)


@pytest.mark.parametrize(
    ("task", "item"),
    [
        ("xnli", Item("7", "a", "b\nc", "7")),
        ("xnli", Item("7", "a", " b", "7")),
        ("xnli", Item("7", "a", None, "7")),
        ("udpos", Item("7", ["X"], ["X Y"], "7")),
        ("udpos", Item("7", ["X"], [""], "7")),
        ("udpos", Item("7", ["X"], [], "7")),
        ("xquad", Item("data", ["a"], "a", "7")),
    ],
)
def test_outputs_the_layout_cannot_hold_are_refused(task: str, item: Item, tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=f"Item {item.id}"):
        write_predictions(task, [item], tmp_path / "file")


def test_ids_that_stand_twice_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="twice"):
        write_labels("mlqa", [Item("q", ["a"], "a", "c"), Item("q", ["b"], "b", "c")], tmp_path / "file")


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="cannot be read"):
        read_predictions("xnli", tmp_path / "none.tsv")

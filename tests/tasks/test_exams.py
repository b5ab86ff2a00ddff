"""Readers of MMLU and its translations: every accepted layout, what is odd, and the real files' pinned items."""

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.tasks import get_task
from harness.tasks.belebele import codes
from harness.tasks.english_exams import SETS, train_on
from harness.tasks.overlap import drop_overlap, evaluated_texts
from harness.tasks.source import MissingDataError, Source
from harness.tasks.subjects import CATEGORIES, SUBJECTS
from harness.tasks.task import Loaded


def put(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text, "utf-8", newline="")


def load(root: Path, task: str, language: str = "en", split: str = "test") -> Loaded:
    return get_task(task).load(Source(root), language, split, None)


def first(loaded: Loaded) -> Any:
    assert isinstance(loaded.examples, tuple)
    return loaded.examples[0]


def test_the_table_of_subjects() -> None:
    assert len(SUBJECTS) == 57
    counts = {name: list(CATEGORIES.values()).count(name) for name in set(CATEGORIES.values())}
    assert counts == {"STEM": 18, "Humanities": 13, "Social Sciences": 12, "Other": 14}
    assert CATEGORIES["anatomy"] == "Other"


@pytest.mark.parametrize(
    ("task", "language", "split", "count", "ids"),
    [
        ("mmlu", "en", "test", 3710, ("abstract_algebra/test/0", "us_foreign_policy/test/99")),
        ("mmlu", "en", "validation", 1542, ("abstract_algebra/val/0", "world_religions/val/18")),
        ("m_mmlu", "ar", "validation", 1433, None),
        ("m_mmlu", "de", "validation", 1449, None),
        ("m_mmlu", "es", "validation", 1465, None),
        ("m_mmlu", "zh", "validation", 1421, None),
    ],
)
def test_real_files(
    shared: Path, task: str, language: str, split: str, count: int, ids: tuple[str, str] | None
) -> None:
    loaded = load(shared / "data", task, language, split)
    assert isinstance(loaded.examples, tuple)
    assert loaded.count == count
    examples: Any = loaded.examples
    assert len({one.subject for one in examples}) == (18 if split == "test" else 57)
    assert ("incomplete" in loaded.notes) == (split == "test")
    assert len(loaded.shots) in (285, 274, 277, 272, 271)
    if ids is not None:
        assert (examples[0].id, examples[-1].id) == ids


def test_translations_share_ids_with_english(shared: Path) -> None:
    english: Any = load(shared / "data", "mmlu", "en", "validation").examples
    german: Any = load(shared / "data", "m_mmlu", "de", "validation").examples
    answers = {one.id: one.answer for one in english}
    assert all(one.id in answers for one in german)
    # In four subjects MMLU's files of that commit hold 11 questions that were taken out later, and numbers differ.
    other = {one.subject for one in german if answers[one.id] != one.answer}
    assert other == {"miscellaneous", "college_chemistry", "high_school_biology", "human_sexuality"}


def test_mmlu_csv_and_what_is_odd(tmp_path: Path) -> None:
    rows = 'Is "it"?,a,b,c,d,B\n"Two\nlines",a,,c,d,A\n"Two\nlines",a,,c,d,A\nWrong,a,b,c,d,E\n'
    put(tmp_path, "mmlu/test/anatomy_test.csv", rows)
    put(tmp_path, "mmlu/dev/anatomy_dev.csv", "Shot,a,b,c,d,D\n")
    loaded = load(tmp_path, "mmlu")
    assert loaded.count == 3
    assert first(loaded).tags == (("category", "Other"),)
    assert loaded.notes == {
        "questions twice": "1",
        "without answer, left out": "1",
        "with an empty option": "2",
        "incomplete": "1 of 57 subjects",
    }
    assert [one.answer for one in loaded.shots] == [3]
    put(tmp_path, "mmlu/test/anatomy_test.csv", "Only,three,cells\n")
    with pytest.raises(HarnessError, match=r"row 1: 3 fields instead of 6"):
        load(tmp_path, "mmlu")


def test_mmmlu_takes_shots_from_global_mmlu_or_english(tmp_path: Path) -> None:
    header = ",Question,A,B,C,D,Answer,Subject\n"
    put(tmp_path, "mmmlu/mmlu_DE-DE.csv", f"{header}0,Was?,1,2,3,4,C,anatomy\n1,Wer?,1,2,3,4,A,anatomy\n")
    put(tmp_path, "mmlu/dev/anatomy_dev.csv", "Shot,a,b,c,d,D\n")
    loaded = load(tmp_path, "mmmlu", "de")
    assert (first(loaded).id, first(loaded).answer) == ("anatomy/test/0", 2)
    assert loaded.notes["shots from"] == "MMLU dev, English"
    put(tmp_path, "global_mmlu/de/dev.jsonl", json.dumps(global_row()) + "\n")
    assert load(tmp_path, "mmmlu", "de").notes["shots from"] == "Global-MMLU dev"
    put(tmp_path, "mmmlu/mmlu_DE-DE.csv", "Question,A,B\nWas?,1,2\n")
    with pytest.raises(HarnessError, match="no column C, D, Answer, Subject"):
        load(tmp_path, "mmmlu", "de")


def global_row(**changes: Any) -> dict[str, Any]:
    row = {"sample_id": "anatomy/test/0", "subject": "anatomy", "subject_category": "Medical", "question": "Q?"}
    row |= {f"option_{one}": one for one in "abcd"}
    return {**row, "answer": "B", "cultural_sensitivity_label": "CS", "is_annotated": True, **changes}


@pytest.mark.parametrize("name", ["sw/test.jsonl", "sw/test-00000-of-00001.parquet", "sw_test.jsonl"])
def test_global_mmlu_keeps_its_own_categories_and_labels(tmp_path: Path, name: str) -> None:
    rows = [global_row(), global_row(sample_id="anatomy/test/1", cultural_sensitivity_label="-")]
    path = tmp_path / "global_mmlu" / name
    if name.endswith("parquet"):
        import pyarrow as pa
        import pyarrow.parquet as pq

        path.parent.mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        put(tmp_path, f"global_mmlu/{name}", "".join(json.dumps(row) + "\n" for row in rows))
    examples: Any = load(tmp_path, "global_mmlu", "sw").examples
    assert [one.tags for one in examples] == [
        (("category", "Medical"), ("culture", "CS")),
        (("category", "Medical"),),
    ]
    assert examples[0].answer == 1


def test_labels_are_part_of_the_datas_hash(tmp_path: Path) -> None:
    put(tmp_path, "global_mmlu_lite/sw/test.jsonl", json.dumps(global_row()) + "\n")
    before = load(tmp_path, "global_mmlu_lite", "sw").data
    changed = global_row(cultural_sensitivity_label="CA")
    put(tmp_path, "global_mmlu_lite/sw/test.jsonl", json.dumps(changed) + "\n")
    assert load(tmp_path, "global_mmlu_lite", "sw").data != before


def test_up_to_ten_options(tmp_path: Path) -> None:
    row = {"question_id": 7, "question": "Q?", "answer": "F", "answer_index": 5, "category": "math", "src": "x"}
    row |= {f"option_{at}": str(at) for at in range(6)} | {f"option_{at}": None for at in range(6, 10)}
    put(tmp_path, "mmlu_prox/de/test.jsonl", json.dumps(row) + "\n")
    one = first(load(tmp_path, "mmlu_prox", "de"))
    assert (len(one.options), one.answer, one.subject) == (6, 5, "math")


def test_belebele_in_122_languages_and_scripts(tmp_path: Path) -> None:
    assert len(codes()) == 122
    assert codes()["zh-Hant"] == "zho_Hant"
    row = {"link": "u", "question_number": 1, "flores_passage": "P.", "question": "Q?", "correct_answer_num": "3"}
    row |= {f"mc_answer{at}": str(at) for at in range(1, 5)}
    put(tmp_path, "belebele/deu_Latn.jsonl", json.dumps(row) + "\n")
    one = first(load(tmp_path, "belebele", "de"))
    assert (one.id, one.context, one.answer) == ("u#1", "P.", 2)
    put(tmp_path, "belebele/deu_Latn.jsonl", (json.dumps(row) + "\n") * 2)
    with pytest.raises(HarnessError, match="stands twice"):
        load(tmp_path, "belebele", "de")


def test_stories(tmp_path: Path) -> None:
    columns = ["InputStoryid", *(f"InputSentence{at}" for at in range(1, 5)), "RandomFifthSentenceQuiz1",
               "RandomFifthSentenceQuiz2", "AnswerRightEnding"]  # fmt: skip
    text = "\t".join(columns) + "\ns1\tA.\tB.\tC.\tD.\tE.\tF.\t2\n"
    put(tmp_path, "xstorycloze/spring2016.val.sw.tsv.split_20_80_eval.tsv", text)
    one = first(load(tmp_path, "xstorycloze", "sw"))
    assert (one.context, one.options, one.answer) == ("A. B. C. D.", ("E.", "F."), 1)


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    for task, language in [("mmlu", "en"), ("mmmlu", "de"), ("global_mmlu", "tl"), ("belebele", "de")]:
        with pytest.raises(MissingDataError, match=str(tmp_path / task)):
            load(tmp_path, task, language)


def test_english_sets_and_unknown_ones(tmp_path: Path) -> None:
    put(tmp_path, "mmlu/data/dev/anatomy_dev.csv", "Q,a,b,c,d,D\n")
    put(tmp_path, "mmlu/data/auxiliary_train/race.csv", "R,a,b,c,d,A\n")
    put(tmp_path, "cosmosqa/valid.csv", "id,context,question,answer0,answer1,answer2,answer3,label\n1,C,Q,a,b,c,d,2\n")
    arc = {"id": "x", "question": {"stem": "S", "choices": [{"label": "1", "text": "a"}, {"label": "2", "text": "b"}]},
           "answerKey": "2"}  # fmt: skip
    put(tmp_path, "arc/ARC-Easy/ARC-Easy-Train.jsonl", json.dumps(arc) + "\n")
    race = {"article": "A", "questions": ["Q1", "Q2"], "options": [["a", "b"], ["c", "d"]], "answers": ["B", "A"]}
    put(tmp_path, "race/train/high/1.txt", json.dumps(race))
    swag = {"ctx_a": "C", "ctx_b": "X", "endings": ["a", "b", "c", "d"], "label": 3}
    put(tmp_path, "hellaswag/hellaswag_train.jsonl", json.dumps(swag) + "\n")
    source = Source(tmp_path)
    found = get_task("m_mmlu").train
    assert found is not None
    assert found(source, "en").notes["training"] == "mmlu_auxiliary 1, mmlu 1, cosmosqa 1, race 2, arc 1"
    named = train_on(source, "en", ("arc", "hellaswag", "race"))
    assert sorted(one.answer for one in (*named.train, *named.dev)) == [0, 1, 1, 3]
    scene = next(one for one in (*named.train, *named.dev) if one.id == "hellaswag/0")
    assert (scene.context, scene.options[3]) == ("C", "X d")
    with pytest.raises(HarnessError, match="'arcc'"):
        train_on(source, "en", ("arcc",))
    with pytest.raises(MissingDataError):
        train_on(source, "en", ("siqa",))
    assert set(SETS) >= {"mmlu", "mmlu_auxiliary", "commonsenseqa", "cosmosqa", "hellaswag", "race", "arc"}


def test_a_translated_question_is_not_trained_on(tmp_path: Path) -> None:
    put(tmp_path, "mmlu/data/val/anatomy_val.csv", "One?,a,b,c,d,A\nTwo?,a,b,c,d,B\nThree?,a,b,c,d,B\n")
    german = [{"instruction": "Zwei?", "option_a": "a", "option_b": "b", "option_c": "c", "option_d": "d",
               "answer": "B", "id": "anatomy/val/1"}]  # fmt: skip
    put(tmp_path, "m_mmlu/de_val.json", json.dumps(german))
    task, source = get_task("m_mmlu"), Source(tmp_path)
    assert task.train is not None
    put(tmp_path, "mmlu/data/val/virology_val.csv", "Four?,a,b,c,d,A\nFive?,a,b,c,d,B\nSix?,a,b,c,d,B\n")
    cleaned, dropped = drop_overlap(task.train(source, "en"), evaluated_texts(source, task))
    # The whole split of the subject goes: numbers are not the same everywhere.
    assert dropped == 3
    assert {one.id.partition("/")[0] for one in (*cleaned.train, *cleaned.dev)} == {"virology"}  # type: ignore[union-attr]

"""Exams from the hub: what is written is what the tasks read, by a hub on 127.0.0.1 at the pins, in their sizes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from loopback_hub import Hub, classes, parquet, repository, serve, several, text

from harness.errors import HarnessError
from harness.tasks import catalogue, exam_sets, fetch, get_task
from harness.tasks.data_set import HubSet, Part
from harness.tasks.source import Source, open_source
from harness.tasks.subjects import SUBJECTS, subject_name

# What pandas takes for missing, a comma, quotes and a line break: all of them are options of real questions.
OPTIONS = ("None", 'a, "b"', "two\nlines", "NA")


def part_of(name: str, language: str, split: str) -> Part:
    (found,) = [
        entry.part(language, split)
        for entry in catalogue.entries(name)
        if isinstance(entry, HubSet) and language in entry.languages.get(split, ())
    ]
    return found


def put(part: Part, rows: Mapping[str, Sequence[Any]], root: Path) -> Source:
    assert part.write is not None
    assert set(part.columns) <= set(rows)
    texts = part.write({name: rows[name] for name in part.columns})
    for name, content in zip(part.files, texts, strict=True):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, "utf-8", newline="")
    return Source(root)


def mmlu_rows(count: int) -> dict[str, list[Any]]:
    return {
        "question": [f"Question {row}?" for row in range(count)],
        "subject": [SUBJECTS[row % 57] for row in range(count)],
        "choices": [list(OPTIONS)] * count,
        "answer": [row % 4 for row in range(count)],
    }


def global_rows(count: int, subjects: Sequence[str] = SUBJECTS) -> dict[str, list[Any]]:
    named = [subjects[row % len(subjects)] for row in range(count)]
    rows: dict[str, list[Any]] = {
        "sample_id": [f"{subject}/test/{row}" for row, subject in enumerate(named)],
        "subject": named,
        "subject_category": ["Medical"] * count,
        "question": [f"Frage {row}?" for row in range(count)],
        "answer": ["ABCD"[row % 4] for row in range(count)],
        "cultural_sensitivity_label": [("CS", "CA", "-")[row % 3] for row in range(count)],
    }
    return {**rows, **{f"option_{one}": [OPTIONS[at]] * count for at, one in enumerate("abcd")}}


def test_mmlu_in_its_own_files(tmp_path: Path) -> None:
    source = put(part_of("mmlu", "en", "test"), mmlu_rows(114), tmp_path)
    put(part_of("mmlu", "en", "shots"), mmlu_rows(57), tmp_path)
    loaded = get_task("mmlu").load(source, "en", "test", None)
    examples: Any = loaded.examples
    assert (loaded.count, len(loaded.shots), dict(loaded.notes)) == (114, 57, {})
    assert examples[1].id == f"{SUBJECTS[0]}/test/1"
    assert (examples[1].question, examples[1].options, examples[1].answer) == ("Question 57?", OPTIONS, 1)
    odd = {**mmlu_rows(1), "subject": ["alchemy"]}
    with pytest.raises(HarnessError, match="no subject 'alchemy'"):
        put(part_of("mmlu", "en", "test"), odd, tmp_path)


def test_training_questions(tmp_path: Path) -> None:
    rows = mmlu_rows(3)
    put(part_of("mmlu_auxiliary", "en", "train"), {name: rows[name] for name in rows if name != "subject"}, tmp_path)
    task = get_task("belebele")
    assert task.train is not None
    assert task.train(Source(tmp_path), "en").notes["training"] == "mmlu_auxiliary 3"
    names = {part.name for part in catalogue.training(task, "en")}
    assert names == {"mmlu_auxiliary", "mmlu", "commonsenseqa"}


def test_translations(tmp_path: Path) -> None:
    for name, language in (("global_mmlu", "tl"), ("global_mmlu_lite", "sq")):
        source = put(part_of(name, language, "test"), global_rows(114), tmp_path)
        put(part_of(name, language, "shots"), global_rows(57), tmp_path)
        loaded = get_task(name).load(source, language, "test", None)
        assert (loaded.count, len(loaded.shots)) == (114, 57)
        first: Any = loaded.examples[0]  # type: ignore[index]
        assert (first.options, first.tags) == (OPTIONS, (("category", "Medical"), ("culture", "CS")))


def test_ten_options_and_passages(tmp_path: Path) -> None:
    rows: dict[str, list[Any]] = {"question_id": [7], "question": ["Q?"], "answer": ["C"], "category": ["math"]}
    rows |= {f"option_{at}": ["abc"[at] if at < 3 else None] for at in range(10)}
    source = put(part_of("mmlu_prox", "wo", "test"), rows, tmp_path)
    put(part_of("mmlu_prox", "wo", "shots"), rows, tmp_path)
    loaded = get_task("mmlu_prox").load(source, "wo", "test", None)
    assert (loaded.examples[0].options, len(loaded.shots)) == (("a", "b", "c"), 1)  # type: ignore[index, union-attr]
    source = put(part_of("belebele", "zh-Hant", "test"), belebele_rows(2), tmp_path)
    assert (tmp_path / "belebele" / "zho_Hant.jsonl").is_file()
    assert get_task("belebele").load(source, "zh-Hant", "test", None).count == 2


def belebele_rows(count: int) -> dict[str, list[Any]]:
    rows: dict[str, list[Any]] = {"question_number": [1] * count, "correct_answer_num": ["2"] * count}
    rows |= {name: [f"{name} {row}" for row in range(count)] for name in ("link", "flores_passage", "question")}
    return {**rows, **{f"mc_answer{at}": [f"answer {at}"] * count for at in range(1, 5)}}


def test_subjects_are_written_in_many_ways() -> None:
    ways = ("abstract_algebra", "Abstract Algebra", "abstract_algebra_test.csv", "abstract_algebra_test")
    assert {subject_name(one) for one in ways} == {"abstract_algebra"}


def test_every_language_of_every_exam_can_be_fetched_but_two_exams() -> None:
    for name in ("mmlu", "mmmlu", "global_mmlu", "global_mmlu_lite", "mmlu_prox", "belebele"):
        task = get_task(name)
        assert all(catalogue.evaluated(task, code, "test") for code in task.languages), name
    assert not catalogue.evaluated(get_task("m_mmlu"), "de", "test")
    assert not catalogue.evaluated(get_task("xstorycloze"), "sw", "test")
    assert set(exam_sets.LITE) >= set(get_task("global_mmlu_lite").languages)


def test_mmmlu_needs_global_mmlus_shots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = catalogue.evaluated(get_task("mmmlu"), "de", "test")
    assert [part.files[0] for part in parts] == ["mmmlu/mmlu_DE-DE.csv", "global_mmlu/de_dev.jsonl"]
    asked: list[Part] = []
    monkeypatch.setattr(fetch, "fetch", lambda parts, root, progress: asked.extend(parts))
    row = {name: ["x"] for name in ("Question", "A", "B", "C", "D")} | {"Answer": ["A"], "Subject": ["anatomy"]}
    put(parts[0], row, tmp_path)
    wanted = [(get_task("mmmlu"), "de", "test")]
    # Questions without their solved examples are not all that is needed; with them nothing is.
    fetch.fetch_missing(wanted, Source(tmp_path, fetched=True))
    assert "global_mmlu/de_dev.jsonl" in [name for part in asked for name in part.files]
    asked.clear()
    put(parts[1], global_rows(2), tmp_path)
    fetch.fetch_missing(wanted, Source(tmp_path, fetched=True))
    assert asked == []


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    """MMLU as parquet, MMMLU as CSV, Belebele as JSON lines, each at its pin and in its size."""
    with serve() as running:
        pins = {entry.name: entry for entry in exam_sets.EXAMS}
        features = {"question": text(), "subject": text(), "choices": several(text()), "answer": classes(*"ABCD")}
        tables = {
            ("all", split): parquet(mmlu_rows(count), features)
            for split, count in (("test", 14042), ("validation", 1531), ("dev", 285))
        }
        running.add(pins["mmlu"].hub, pins["mmlu"].revision, repository(tables))
        shots = {("de", "dev"): parquet(global_rows(285), dict.fromkeys(global_rows(1), text()))}
        running.add(pins["global_mmlu"].hub, pins["global_mmlu"].revision, repository(shots))
        rows = [[row, f"Frage {row}?", *OPTIONS, "ABCD"[row % 4], SUBJECTS[row % 57]] for row in range(14042)]
        content = exam_sets._csv([["", "Question", *"ABCD", "Answer", "Subject"], *rows])
        plain = readme("DE_DE", "test/mmlu_DE-DE.csv", content)
        running.add(pins["mmmlu"].hub, pins["mmmlu"].revision, plain)
        own = belebele_rows(900)
        objects = [dict(zip(own, values, strict=True)) for values in zip(*own.values(), strict=True)]
        lines = "".join(json.dumps(one) + "\n" for one in objects)
        plain = readme("deu_Latn", "data/deu_Latn.jsonl", lines)
        running.add(pins["belebele"].hub, pins["belebele"].revision, plain)
        yield running


def readme(config: str, path: str, content: str) -> dict[str, bytes]:
    """A repository of one plain file."""
    lines = ["---", "configs:", f"- config_name: {config}", "  data_files:", "  - split: test", f"    path: {path}"]
    return {"README.md": "\n".join([*lines, "---", ""]).encode(), path: content.encode()}


def run(hub: Hub, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    own = {"HF_ENDPOINT": hub.url, "HF_HOME": str(home / "hf"), "HARNESS_DATA": str(home / "cache")}
    merged = {key: value for key, value in os.environ.items() if key not in ("HF_HUB_OFFLINE", "HF_HUB_CACHE")} | own
    command = [sys.executable, "-m", "harness", *words]
    return subprocess.run(command, env=merged, capture_output=True, text=True, timeout=120, check=False)


def test_the_command_fetches_exams(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = run(hub, tmp_path, "data", "fetch", "--tasks", "mmlu,mmmlu,belebele", "--languages", "en,de")
    # The training sets, and English Belebele, are not there: what is is fetched, and one message names the rest.
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.count("harness: ") == 1
    assert "mmlu_auxiliary (auxiliary_train.csv)" in done.stderr
    assert "eng_Latn.jsonl" in done.stderr
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path / "cache"))
    source = open_source(None)
    found = {name: get_task(name).load(source, code, "test", None) for name, code in
             (("mmlu", "en"), ("mmmlu", "de"), ("belebele", "de"))}  # fmt: skip
    assert {name: one.count for name, one in found.items()} == {"mmlu": 14042, "mmmlu": 14042, "belebele": 900}
    assert get_task("mmlu").load(source, "en", "validation", None).count == 1531
    # `None` and `NA` are options, not missing values.
    first: Any = found["mmmlu"].examples[0]  # type: ignore[index]
    assert first.options == OPTIONS
    assert "with an empty option" not in found["mmmlu"].notes
    assert [len(one.shots) for one in found.values()] == [285, 285, 0]
    assert found["mmmlu"].notes["shots from"] == "Global-MMLU dev"
    assert "incomplete" not in found["mmmlu"].notes
    checked = run(hub, tmp_path, "data", "verify", "--format", "json")
    assert json.loads(checked.stdout)["odd"] == []

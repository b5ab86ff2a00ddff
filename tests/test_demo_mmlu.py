"""The bundled MMLU-format questions: the tables of hendrycks/test and okapi's JSON, parallel to part of them."""

import csv
import json
from pathlib import Path

import pytest

import harness

DEMO = Path(harness.__file__).parent / "data" / "demo"
SUBJECTS = ("astronomy", "elementary_mathematics", "high_school_geography", "nutrition")


def mmlu(subject: str, split: str) -> list[list[str]]:
    with (DEMO / "mmlu" / "data" / split / f"{subject}_{split}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_mmlu_tables() -> None:
    questions: list[str] = []
    for split, count in (("dev", 5), ("val", 6), ("test", 12)):
        for subject in SUBJECTS:
            rows = mmlu(subject, split)
            assert len(rows) == count
            questions += [row[0] for row in rows]
            for row in rows:
                assert len(row) == 6 and row[5] in "ABCD", row
                assert len(set(row[1:5])) == 4 and all(cell == cell.strip() != "" for cell in row), row
    assert len(set(questions)) == len(questions) == 92


@pytest.mark.parametrize(("language", "split", "count"), [
    ("de", "dev", 12), ("de", "val", 20), ("es", "dev", 12), ("es", "val", 19), ("zh", "dev", 12), ("zh", "val", 20),
])  # fmt: skip
def test_m_mmlu_is_parallel_to_mmlu(language: str, split: str, count: int) -> None:
    items = json.loads((DEMO / "m_mmlu" / f"{language}_{split}.json").read_text("utf-8"))
    assert len({item["id"] for item in items}) == len(items) == count
    for item in items:
        subject, part, number = item["id"].split("/")
        english = mmlu(subject, part)[int(number)]
        assert part == split
        assert item["answer"] == english[5]
        assert list(item) == ["instruction", *(f"option_{one}" for one in "abcd"), "answer", "id"]
        assert len({item[f"option_{one}"] for one in "abcd"}) == 4
        assert item["instruction"] != english[0]

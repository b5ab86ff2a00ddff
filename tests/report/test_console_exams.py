"""The table of an exam beside its baselines: what it shows and what it leaves out."""

from typing import Any

from harness.report.console_exams import exam_tables, noted
from harness.report.leaderboard import Row

SIGNATURE = "accuracy|mmlu.v1|en|split:test|prompt|above_chance:{said}|above_chance_p:{p}|seed:0"


def row(metric: str, value: float, language: str = "en", said: str = "no", p: float = 0.4, **changes: Any) -> Row:
    settings: dict[str, Any] = {"checkpoint": "m", "task": "mmlu", "protocol": "prompt", "folder": "prompt@5shot"}
    settings |= {"split": "test", "settings": {}, "status": "scored", "complete": False, "covered": (1, 1), "n": 4}
    settings |= {"low": None, "high": None, "seeds": 1, "main": metric == "accuracy"}
    signature = SIGNATURE.format(said=said, p=p)
    return Row(
        **{**settings, "language": language, "metric": metric, "value": value, "signature": signature, **changes}
    )


def shown(rows: list[Row]) -> list[list[str]]:
    """The table's lines as cells, its head first."""
    (table,) = exam_tables(rows, {"prompt@5shot": "a"})
    columns = [list(column.cells) for column in table.columns]
    lines = [[str(cell) for cell in line] for line in zip(*columns, strict=True)]
    return [[str(column.header) for column in table.columns], *lines]


def test_baselines_and_mark_stand_beside_the_score() -> None:
    rows = [row("accuracy", 0.31, said="yes", p=0.002), row("majority_baseline", 0.27), row("chance", 0.25)]
    rows += [row("accuracy", 0.26, "de"), row("majority_baseline", 0.27, "de"), row("accuracy_CS", 0.5, "de")]
    head, english, german = shown(rows)
    assert head[:5] == ["language", "checkpoint", "accuracy", "majority", "chance"]
    assert head[5:] == ["CS", "above chance"]
    assert english == ["en", "m prompt a", "31.0", "27.0", "25.0", "", "yes (p 0.002)"]
    assert german == ["de", "m prompt a", "26.0", "27.0", "", "50.0", "no (p 0.4)"]


def test_means_over_seeds_have_no_mark_and_other_tasks_no_table() -> None:
    rows = [row("accuracy", 0.3, seeds=3), row("majority_baseline", 0.27, seeds=3)]
    assert shown(rows)[1][-1] == ""
    assert exam_tables([row("accuracy", 0.3, task="xnli")], {}) == []


def test_what_a_signature_says() -> None:
    assert noted(SIGNATURE.format(said="yes", p=0.01), "above_chance") == "yes"
    assert noted(SIGNATURE, "shots") == ""

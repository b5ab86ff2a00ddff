"""MMLU-ProX: MMLU-Pro's questions with up to ten options in 29 languages (Xuan et al. 2025).

Here the likeliest letter counts; the paper's numbers come from written chains of thought and are no match."""

from pathlib import Path

from harness.metrics.exam import exam_marks, exam_metrics
from harness.tasks.any_language import any_language
from harness.tasks.english_exams import train_exam
from harness.tasks.exam import LETTERS, Row, exam, letter, read_records, shots_or_none, split_file
from harness.tasks.json_rows import fields
from harness.tasks.source import Source
from harness.tasks.task import Loaded, Task

LANGUAGES = (
    *("af", "ar", "bn", "cs", "de", "en", "es", "fr", "hi", "hu", "id", "it", "ja", "ko", "mr", "ne", "pt", "ru"),
    *("sr", "sw", "te", "th", "uk", "ur", "vi", "wo", "yo", "zh", "zu"),
)
SUBJECTS = 14
ABSENT = ("", "N/A", "None")


def load(source: Source, language: str, split: str, limit: int | None) -> Loaded:
    """`<lng>/test*.parquet` (or .jsonl); the solved examples are those of `validation`."""
    rows = read_prox(_file(source, language, "test"))
    shots = shots_or_none(lambda: read_prox(_file(source, language, "validation")))
    return exam(rows, "test", limit, shots, SUBJECTS)


def read_prox(path: Path) -> list[Row]:
    """`question`, `option_0` to `option_9` (the last ones may be absent), `answer` as a letter, `category`."""
    out = []
    for where, row in read_records(path):
        one, question, answer, subject = fields(row, ["question_id", "question", "answer", "category"], where)
        given = [row.get(f"option_{at}") for at in range(len(LETTERS))]
        options = [str(option) for option in given if option is not None and str(option).strip() not in ABSENT]
        tags = (("category", str(subject)),)
        out.append(Row(str(one), str(subject), str(question), tuple(options), letter(answer, len(options)), "", tags))
    return out


def _file(source: Source, language: str, split: str) -> Path:
    return split_file(source.root / "mmlu_prox", [language], split, ("parquet", "jsonl"))


TASK = Task(
    name="mmlu_prox",
    title="MMLU-ProX, up to ten options",
    form="choice",
    languages=LANGUAGES,
    protocols=("prompt", "head", "transfer"),
    metrics=exam_metrics,
    load=load,
    accepts=any_language,
    files="mmlu_prox/<lng>/{test,validation}*.{parquet,jsonl}",
    joint=True,
    source="li-lab/MMLU-ProX",
    licence="MIT",
    train=train_exam,
    marks=exam_marks,
)

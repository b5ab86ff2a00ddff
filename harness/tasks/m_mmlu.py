"""Okapi's machine-translated MMLU in 34 languages (Lai et al. 2023).

Trap: items that the translator lost are missing, so languages differ in length; they share ids."""

from pathlib import Path

from harness.metrics.exam import exam_marks, exam_metrics
from harness.tasks.any_language import any_language
from harness.tasks.english_exams import train_exam
from harness.tasks.exam import Row, category, exam, first_file, letter, lettered, read_records, shots_or_none
from harness.tasks.json_rows import fields
from harness.tasks.source import Source
from harness.tasks.subjects import SUBJECTS
from harness.tasks.task import Loaded, Task

LANGUAGES = (
    *("ar", "bn", "ca", "da", "de", "en", "es", "eu", "fr", "gu", "hi", "hr", "hu", "hy", "id", "is", "it", "kn"),
    *("ml", "mr", "nb", "ne", "nl", "pt", "ro", "ru", "sk", "sr", "sv", "ta", "te", "uk", "vi", "zh"),
)
NAMES = {"test": ("test",), "validation": ("val",), "shots": ("dev", "train")}


def load(source: Source, language: str, split: str, limit: int | None) -> Loaded:
    """`<lng>_{test,val}.json`; the solved examples are those of `<lng>_dev.json`, some subjects having fewer than 5."""
    rows = read_okapi(_file(source, language, split))
    shots = shots_or_none(lambda: read_okapi(_file(source, language, "shots")))
    return exam(rows, split, limit, shots, len(SUBJECTS))


def read_okapi(path: Path) -> list[Row]:
    """`instruction`, `option_a` to `option_d`, `answer`, and `id` as `subject/split/number`."""
    out = []
    for where, row in read_records(path):
        question, options = lettered(row, where, "instruction", [f"option_{one}" for one in "abcd"])
        one, answer = fields(row, ["id", "answer"], where)
        subject = str(one).partition("/")[0]
        out.append(Row(str(one), subject, question, options, letter(answer, 4), "", category(subject)))
    return out


def _file(source: Source, language: str, split: str) -> Path:
    patterns = [
        pattern
        for name in NAMES[split]
        for pattern in (f"{language}_{name}.json", f"{language}_{name}.jsonl", f"{language}/{name}*.*")
    ]
    return first_file(source.root / "m_mmlu", patterns)


TASK = Task(
    name="m_mmlu",
    title="MMLU machine-translated by Okapi",
    form="choice",
    languages=LANGUAGES,
    protocols=("prompt", "head", "transfer"),
    metrics=exam_metrics,
    load=load,
    accepts=any_language,
    files="m_mmlu/<lng>_{test,val,dev}.json",
    joint=True,
    splits=("validation", "test"),
    source="nlp-uoregon/mlmm-evaluation, alexandrainst/m_mmlu",
    licence="CC BY-NC 4.0",
    train=train_exam,
    marks=exam_marks,
)

"""Global-MMLU: MMLU in 42 languages with its cultural labels (Singh et al. 2024).

The data's own categories (Medical and Business apart from Other) and the culturally sensitive (CS) and agnostic
(CA) questions are rows of their own."""

from functools import partial
from pathlib import Path

from harness.metrics.exam import exam_marks, exam_metrics
from harness.tasks.any_language import any_language
from harness.tasks.english_exams import train_exam
from harness.tasks.exam import Row, category, exam, letter, lettered, read_records, shots_or_none, split_file
from harness.tasks.json_rows import fields
from harness.tasks.source import Source
from harness.tasks.subjects import SUBJECTS
from harness.tasks.task import Loaded, Task

LANGUAGES = (
    *("am", "ar", "bn", "cs", "de", "el", "en", "es", "fa", "fil", "fr", "ha", "he", "hi", "id", "ig", "it", "ja"),
    *("ko", "ky", "lt", "mg", "ms", "ne", "nl", "ny", "pl", "pt", "ro", "ru", "si", "sn", "so", "sr", "sv", "sw"),
    *("te", "tr", "uk", "vi", "yo", "zh"),
)
LABELS = ("CS", "CA")


def load(name: str, whole: int, source: Source, language: str, split: str, limit: int | None) -> Loaded:
    """`<lng>/test*.parquet` (or .jsonl, .json), or `<lng>_test.jsonl`; the solved examples are those of dev."""
    rows = read_global(_file(source, name, language, "test"))
    return exam(rows, "test", limit, shots_of(source, name, language), whole)


def shots_of(source: Source, name: str, language: str) -> list[Row]:
    """The dev set of a language, none where it is not at hand."""
    return shots_or_none(lambda: read_global(_file(source, name, language, "dev")))


def read_global(path: Path) -> list[Row]:
    """Records with Global-MMLU's columns."""
    out = []
    for where, row in read_records(path):
        question, options = lettered(row, where, "question", [f"option_{one}" for one in "abcd"])
        one, subject, answer = fields(row, ["sample_id", "subject", "answer"], where)
        tags = category(str(subject), str(row.get("subject_category") or ""))
        label = str(row.get("cultural_sensitivity_label") or "")
        tags += (("culture", label),) if label in LABELS else ()
        out.append(Row(str(one), str(subject), question, options, letter(answer, 4), "", tags))
    return out


def _file(source: Source, name: str, language: str, split: str) -> Path:
    # Its Filipino is filed under `fil`, whose shortest code is `tl`.
    codes = (language, "fil") if language == "tl" else (language,)
    return split_file(source.root / name, codes, split, ("parquet", "jsonl", "json"))


TASK = Task(
    name="global_mmlu",
    title="Global-MMLU",
    form="choice",
    languages=tuple("tl" if code == "fil" else code for code in LANGUAGES),
    protocols=("prompt", "head", "transfer"),
    metrics=exam_metrics,
    load=partial(load, "global_mmlu", len(SUBJECTS)),
    accepts=any_language,
    files="global_mmlu/<lng>/{test,dev}*.{parquet,jsonl} or global_mmlu/<lng>_{test,dev}.jsonl",
    joint=True,
    source="CohereLabs/Global-MMLU",
    licence="Apache-2.0",
    train=train_exam,
    marks=exam_marks,
)

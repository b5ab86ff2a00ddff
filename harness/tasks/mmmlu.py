"""OpenAI's MMMLU: MMLU's test set translated by professionals into 14 languages.

It has no solved examples of its own: they come from Global-MMLU's dev of the language, else from MMLU's English
dev, which the signature says."""

from dataclasses import replace

from harness.metrics.exam import exam_marks, exam_metrics
from harness.tasks.english_exams import train_exam
from harness.tasks.exam import Row, category, exam, first_file, letter, read_named_csv
from harness.tasks.global_mmlu import shots_of as global_shots
from harness.tasks.mmlu import shots_of as english_shots
from harness.tasks.source import Source
from harness.tasks.subjects import SUBJECTS, subject_name
from harness.tasks.task import Loaded, Task

LOCALES = {
    "ar": "AR-XY", "bn": "BN-BD", "de": "DE-DE", "es": "ES-LA", "fr": "FR-FR", "hi": "HI-IN", "id": "ID-ID",
    "it": "IT-IT", "ja": "JA-JP", "ko": "KO-KR", "pt": "PT-BR", "sw": "SW-KE", "yo": "YO-NG", "zh": "ZH-CN",
}  # fmt: skip
COLUMNS = ("Question", "A", "B", "C", "D", "Answer", "Subject")


def load(source: Source, language: str, split: str, limit: int | None) -> Loaded:
    """`mmlu_DE-DE.csv`, in the folder or in its subfolder `test`. It has one split."""
    name = f"mmlu_{LOCALES[language]}.csv"
    path = first_file(source.root / "mmmlu", [name, f"test/{name}", name.replace("-", "_"), f"{name[5:-4]}/*.csv"])
    seen: dict[str, int] = {}
    rows = []
    for question, *options, answer, named in read_named_csv(path, COLUMNS):
        subject = subject_name(named)
        number = seen[subject] = seen.get(subject, -1) + 1
        one = f"{subject}/test/{number}"
        rows.append(Row(one, subject, question, tuple(options), letter(answer, 4), "", category(subject)))
    shots, origin = _shots(source, language)
    loaded = exam(rows, "test", limit, shots, len(SUBJECTS))
    return replace(loaded, notes={**loaded.notes, **({"shots from": origin} if shots else {})})


def _shots(source: Source, language: str) -> tuple[list[Row], str]:
    own = global_shots(source, "global_mmlu", language)
    return (own, "Global-MMLU dev") if own else (english_shots(source), "MMLU dev, English")


TASK = Task(
    name="mmmlu",
    title="MMMLU, MMLU translated for OpenAI",
    form="choice",
    languages=tuple(LOCALES),
    protocols=("prompt", "head", "transfer"),
    metrics=exam_metrics,
    load=load,
    accepts=LOCALES.__contains__,
    files="mmmlu/mmlu_<LOCALE>.csv, such as mmlu_DE-DE.csv",
    joint=True,
    source="openai/MMMLU",
    licence="MIT",
    train=train_exam,
    marks=exam_marks,
)

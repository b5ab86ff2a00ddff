"""MMLU: 14,042 English questions in 57 subjects (Hendrycks et al. 2021)."""

from harness.metrics.exam import exam_marks, exam_metrics
from harness.tasks.english_exams import train_exam
from harness.tasks.exam import Row, exam, read_exam_csv, shots_or_none
from harness.tasks.source import MissingDataError, Source
from harness.tasks.subjects import SUBJECTS
from harness.tasks.task import Loaded, Task

NAMES = {"test": "test", "validation": "val", "shots": "dev"}


def read_mmlu(source: Source, split: str) -> list[Row]:
    """All subjects of a split, each in file order: `data/<split>/<subject>_<split>.csv`, or without `data`."""
    name = NAMES[split]
    for folder in (source.root / "mmlu" / "data" / name, source.root / "mmlu" / name):
        found = [(subject, folder / f"{subject}_{name}.csv") for subject in SUBJECTS]
        rows = [row for subject, path in found if path.is_file() for row in read_exam_csv(path, subject, name)]
        if rows:
            return rows
    raise MissingDataError(f"no data/{name}/<subject>_{name}.csv in {source.root / 'mmlu'}")


def load(source: Source, language: str, split: str, limit: int | None) -> Loaded:
    """The whole split; the solved examples are those of `dev`."""
    return exam(read_mmlu(source, split), split, limit, shots_of(source), len(SUBJECTS))


def shots_of(source: Source) -> list[Row]:
    """MMLU's dev, none where it is not at hand."""
    return shots_or_none(lambda: read_mmlu(source, "shots"))


TASK = Task(
    name="mmlu",
    title="MMLU, English",
    form="choice",
    languages=("en",),
    protocols=("prompt", "head", "transfer"),
    metrics=exam_metrics,
    load=load,
    accepts=("en",).__contains__,
    files="mmlu/data/{test,val,dev}/<subject>_{test,val,dev}.csv",
    splits=("validation", "test"),
    source="hendrycks/test",
    licence="MIT",
    train=train_exam,
    marks=exam_marks,
)

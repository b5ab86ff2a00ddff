"""XStoryCloze: which of two endings fits a story of four sentences? In eleven languages (Lin et al. 2022)."""

from pathlib import Path

from harness.metrics.exam import exam_marks, exam_metrics
from harness.tasks.english_exams import train_exam
from harness.tasks.exam import Row, exam, first_file
from harness.tasks.pairs_tsv import read_table
from harness.tasks.source import Source
from harness.tasks.task import Loaded, Task

LANGUAGES = ("ar", "en", "es", "eu", "hi", "id", "my", "ru", "sw", "te", "zh")
SENTENCES = tuple((f"InputSentence{at}", f"input_sentence_{at}") for at in range(1, 5))
ENDINGS = tuple((f"RandomFifthSentenceQuiz{at}", f"sentence_quiz{at}") for at in (1, 2))
COLUMNS = (
    ("InputStoryid", "story_id"), *SENTENCES, *ENDINGS, ("AnswerRightEnding", "answer_right_ending"),
)  # fmt: skip
PARTS = {"test": "eval", "validation": "train"}


def load(source: Source, language: str, split: str, limit: int | None) -> Loaded:
    """`spring2016.val.<lng>.tsv.split_20_80_eval.tsv` (1,511 stories) is test, `..._train.tsv` (360) validation."""
    part = PARTS[split]
    names = [f"spring2016.val.{language}.tsv.split_20_80_{part}.tsv", f"{language}_{part}.tsv"]
    return exam(read_stories(first_file(source.root / "xstorycloze", names)), split, limit)


def read_stories(path: Path) -> list[Row]:
    """A table with a header; the story's id is the same in every language."""
    out = []
    for _, (one, *rest) in read_table(path, COLUMNS):
        right = int(rest[6]) - 1 if rest[6].strip() in ("1", "2") else None
        out.append(Row(one, "", "", (rest[4], rest[5]), right, " ".join(rest[:4])))
    return out


TASK = Task(
    name="xstorycloze",
    title="XStoryCloze story endings",
    form="choice",
    languages=LANGUAGES,
    protocols=("prompt", "head", "transfer"),
    metrics=exam_metrics,
    load=load,
    accepts=LANGUAGES.__contains__,
    files="xstorycloze/spring2016.val.<lng>.tsv.split_20_80_{eval,train}.tsv",
    joint=True,
    splits=("validation", "test"),
    source="juletxara/xstory_cloze",
    licence="CC BY-SA 4.0",
    train=train_exam,
    marks=exam_marks,
)

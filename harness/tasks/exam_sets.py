"""Where the exams come from. Okapi's `m_mmlu` and XStoryCloze are not here: of no hub copy of theirs a commit that
needs no loading script is known.

Trap: MMMLU's tables are CSV, in which pandas reads an option `None` or `NA` as missing unless it is told not to."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from harness.errors import HarnessError
from harness.tasks import hub_counts as counts
from harness.tasks import mmmlu, official
from harness.tasks.belebele import codes as belebele_codes
from harness.tasks.data_set import TEXT, Columns, HubSet, every
from harness.tasks.global_mmlu import TASK as GLOBAL_MMLU
from harness.tasks.mmlu_prox import LANGUAGES as PROX_LANGUAGES
from harness.tasks.subjects import SUBJECTS, subject_name

LETTERED = {"question": TEXT, **{f"option_{one}": TEXT for one in "abcd"}, "answer": TEXT, "subject": TEXT}
GLOBAL = {"sample_id": TEXT, **LETTERED, "subject_category": TEXT, "cultural_sensitivity_label": TEXT}
# The 23 languages of the pinned commit; the set grows.
LITE = (
    *("ar", "bn", "cs", "cy", "de", "en", "es", "fr", "hi", "hu", "id", "it", "ja", "ko", "my", "or", "pt", "sk"),
    *("sq", "sw", "tg", "yo", "zh"),
)
SPLITS = {"test": "test", "validation": "validation", "shots": "dev"}
MMLU_FILES = {"test": "test", "validation": "val", "shots": "dev"}


def _global_code(language: str) -> str:
    return "fil" if language == "tl" else language


def _mmlu_files(code: str, split: str) -> tuple[str, ...]:
    name = MMLU_FILES[split]
    return tuple(f"mmlu/data/{name}/{subject}_{name}.csv" for subject in SUBJECTS)


def _mmlu(found: Columns) -> tuple[str, ...]:
    """MMLU's own files, one a subject: question, four options and a letter."""
    rows: dict[str, list[Sequence[Any]]] = {subject: [] for subject in SUBJECTS}
    for question, subject, choices, answer in zip(*(found[name] for name in MMLU), strict=True):
        if subject not in rows:
            raise HarnessError(f"MMLU has no subject '{subject}'.", official.REFUSED)
        rows[subject].append((question, *choices, "ABCD"[answer]))
    return tuple(_csv(own) for own in rows.values())


def _auxiliary(found: Columns) -> tuple[str]:
    """The questions of other exams that MMLU comes with for training, in one file of the same form."""
    wanted = zip(found["question"], found["choices"], found["answer"], strict=True)
    return (_csv((question, *choices, "ABCD"[answer]) for question, choices, answer in wanted),)


def _mmmlu(found: Columns) -> tuple[str]:
    """The published CSV without its column of numbers."""
    rows = zip(*(found[name] for name in mmmlu.COLUMNS[:-1]), strict=True)
    subjects = map(subject_name, found["Subject"])
    return (_csv([mmmlu.COLUMNS, *((*row, subject) for row, subject in zip(rows, subjects, strict=True))]),)


def _csv(rows: Iterable[Sequence[Any]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()


MMLU = {"question": TEXT, "subject": TEXT, "choices": f"[{TEXT}]", "answer": "class"}
EXAMS = (
    HubSet(
        "mmlu",
        "cais/mmlu",
        "c30699e8356da336a370243923dbaf21066bb9fe",
        "MIT",
        every(("en",), *SPLITS),
        SPLITS,
        files=_mmlu_files,
        columns=MMLU,
        write=lambda found, code: _mmlu(found),
        config=lambda code: "all",
        classes={"answer": tuple("ABCD")},
        rows=lambda code, split: counts.MMLU[split],
        note="shots are the questions of dev",
    ),
    HubSet(
        "mmlu_auxiliary",
        "cais/mmlu",
        "c30699e8356da336a370243923dbaf21066bb9fe",
        "MIT",
        every(("en",), "train"),
        {"train": "auxiliary_train"},
        files=lambda code, split: ("mmlu/data/auxiliary_train/auxiliary_train.csv",),
        columns={name: kind for name, kind in MMLU.items() if name != "subject"},
        write=lambda found, code: _auxiliary(found),
        config=lambda code: "all",
        classes={"answer": tuple("ABCD")},
        rows=lambda code, split: 99842,
        note="training questions of RACE, ARC and other sets, in one file",
    ),
    HubSet(
        "mmmlu",
        "openai/MMMLU",
        "325a01dc3e173cac1578df94120499aaca2e2504",
        "MIT",
        every(tuple(mmmlu.LOCALES), "test"),
        {"test": "test"},
        files=lambda code, split: (f"mmmlu/mmlu_{code}.csv",),
        columns=dict.fromkeys(mmmlu.COLUMNS, TEXT),
        write=lambda found, code: _mmmlu(found),
        config=lambda code: code.replace("-", "_"),
        code=mmmlu.LOCALES.__getitem__,
        rows=lambda code, split: counts.MMLU[split],
        reading={"keep_default_na": False},
        note="shots come from Global-MMLU's dev of the language",
    ),
    HubSet(
        "global_mmlu",
        "CohereLabs/Global-MMLU",
        "0e619dbeb34206cd48705a1a0ea7fb21cae09993",
        "Apache-2.0",
        every(GLOBAL_MMLU.languages, "test", "shots"),
        SPLITS,
        files=lambda code, split: (f"global_mmlu/{code}_{SPLITS[split]}.jsonl",),
        columns=GLOBAL,
        write=lambda found, code: official.json_lines(found),
        config=str,
        code=_global_code,
        rows=lambda code, split: counts.MMLU[split],
    ),
    HubSet(
        "global_mmlu_lite",
        "CohereLabs/Global-MMLU-Lite",
        "36c2fd756f19ccf13a9a96c8e53ccecc02192b8b",
        "Apache-2.0",
        every(LITE, "test", "shots"),
        SPLITS,
        files=lambda code, split: (f"global_mmlu_lite/{code}_{SPLITS[split]}.jsonl",),
        columns=GLOBAL,
        write=lambda found, code: official.json_lines(found),
        config=str,
        rows=lambda code, split: 400 if split == "test" else None,
    ),
    HubSet(
        "mmlu_prox",
        "li-lab/MMLU-ProX",
        "8e6106a6c6ce1c5027e66cc338143cf997b2aa09",
        "MIT",
        every(PROX_LANGUAGES, "test", "shots"),
        {"test": "test", "shots": "validation"},
        files=lambda code, split: (f"mmlu_prox/{code}_{'test' if split == 'test' else 'validation'}.jsonl",),
        columns={
            "question_id": "int",
            "question": TEXT,
            **{f"option_{at}": TEXT for at in range(10)},
            "answer": TEXT,
            "category": TEXT,
        },
        write=lambda found, code: official.json_lines(found),
        config=str,
        note="changed in place more than once: other commits are other questions",
    ),
    HubSet(
        "belebele",
        "facebook/belebele",
        "7899cdfa4e1e0d733fd77c848e2c273cb1d32be2",
        "CC BY-SA 4.0",
        every(tuple(belebele_codes()), "test"),
        {"test": "test"},
        files=lambda code, split: (f"belebele/{code}.jsonl",),
        columns={
            **dict.fromkeys(("link", "flores_passage", "question"), TEXT),
            "question_number": "int",
            **{f"mc_answer{at}": TEXT for at in range(1, 5)},
            "correct_answer_num": TEXT,
        },
        write=lambda found, code: official.json_lines(found),
        config=str,
        code=belebele_codes().__getitem__,
        rows=lambda code, split: 900,
    ),
)

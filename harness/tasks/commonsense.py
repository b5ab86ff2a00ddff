"""English multiple choice to train XCOPA on: Social IQa and COPA, else CommonsenseQA.

Sources: Sap et al. 2019; Roemmele et al. 2011 in SuperGLUE; Talmor et al. 2019."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.examples import Choice
from harness.tasks.json_rows import REPAIR, fields, read_json_lines
from harness.tasks.source import BlankedLabelsError, MissingDataError, Source, read_lines

SOCIAL = {
    "train": ("siqa/socialiqa-train-dev/train.jsonl", "siqa/train.jsonl", "siqa/socialIQa_v1.4_trn.jsonl"),
    "dev": ("siqa/socialiqa-train-dev/dev.jsonl", "siqa/dev.jsonl", "siqa/socialIQa_v1.4_dev.jsonl"),
}
COPA = {
    "train": ("xcopa/train.en.jsonl", "copa/train.jsonl"),
    "dev": ("xcopa/val.en.jsonl", "copa/val.jsonl"),
}
COMMONSENSE = {
    "train": ("commonsenseqa/train_rand_split.jsonl",),
    "dev": ("commonsenseqa/dev_rand_split.jsonl",),
}
KINDS = ("cause", "effect")

Reader = Callable[[Path], tuple[Choice, ...]]


def read_copa(path: Path) -> tuple[Choice, ...]:
    """COPA and XCOPA: the question is XTREME-R's text form, "What was the cause?" or "What was the effect?".

    An index may stand once. BlankedLabelsError where no line has a label, or all labels are 0 as XTREME
    blanks them."""
    rows = read_json_lines(path)
    if all("label" not in row for _, row in rows) or (len(rows) > 20 and not any(row.get("label") for _, row in rows)):
        raise BlankedLabelsError(f"{path} has no labels")
    examples = tuple(_copa(row, f"{path}, line {line}") for line, row in rows)
    lines: dict[str, int] = {}
    for (line, _), one in zip(rows, examples, strict=True):
        if one.id in lines:
            raise HarnessError(f"{path}, line {line}: the idx {one.id} stands in line {lines[one.id]} too.", REPAIR)
        lines[one.id] = line
    return examples


def _copa(row: Mapping[str, Any], where: str) -> Choice:
    premise, *options, kind, label, index = fields(
        row, ["premise", "choice1", "choice2", "question", "label", "idx"], where
    )
    if kind not in KINDS or label not in (0, 1):
        raise HarnessError(f"{where}: the question is '{kind}' and the label '{label}'.", REPAIR)
    return Choice(str(index), premise, f"What was the {kind}?", tuple(options), int(label), str(index))


def read_social(path: Path) -> tuple[Choice, ...]:
    """Social IQa: the label is `correct` (A-C) or `label` (1-3) in the row, or a line of
    `<split>-labels.lst`."""
    rows = read_json_lines(path)
    beside = path.with_name(f"{path.stem}-labels.lst")
    listed = read_lines(beside) if beside.is_file() else None
    if listed is not None and len(listed) != len(rows):
        raise HarnessError(f"{beside} has {len(listed)} lines for {len(rows)} questions.", REPAIR)
    examples = []
    for number, (line, row) in enumerate(rows):
        where = f"{path}, line {line}"
        context, question, *options = fields(row, ["context", "question", "answerA", "answerB", "answerC"], where)
        label = listed[number] if listed else row.get("correct", row.get("label"))
        answer = _option(label, ("A", "B", "C"), where)
        examples.append(Choice(str(number), context, question, tuple(options), answer, str(number)))
    return tuple(examples)


def read_commonsense(path: Path) -> tuple[Choice, ...]:
    """CommonsenseQA: five options, no context. BlankedLabelsError where no line has an `answerKey` (its
    test)."""
    rows = read_json_lines(path)
    if not any(row.get("answerKey") for _, row in rows):
        raise BlankedLabelsError(f"{path} has no answers")
    examples = []
    for number, (line, row) in enumerate(rows):
        where = f"{path}, line {line}"
        question, key = fields(row, ["question", "answerKey"], where)
        stem, choices = fields(question, ["stem", "choices"], where)
        labels, options = zip(*(fields(choice, ["label", "text"], where) for choice in choices), strict=True)
        examples.append(Choice(str(number), "", stem, options, _option(key, labels, where), str(number)))
    return tuple(examples)


def _option(label: Any, names: Sequence[str], where: str) -> int:
    """The index of an option given by its letter or by its number, counted from 1."""
    known = {name: at for at, name in enumerate(names)} | {str(at + 1): at for at in range(len(names))}
    if str(label).strip() not in known:
        raise HarnessError(f"{where}: the answer '{label}' is none of {', '.join(names)}.", REPAIR)
    return known[str(label).strip()]


def read_english(source: Source, split: str) -> tuple[tuple[Choice, ...], str]:
    """(examples, what they are) of train or dev: Social IQa and COPA as far as they are at hand, else
    CommonsenseQA."""
    found: list[Choice] = []
    names: list[str] = []
    for files, read in ((SOCIAL, read_social), (COPA, read_copa)):
        for path in _existing(source, files[split])[:1]:
            found += read(path)
            names.append(str(path.relative_to(source.root)))
    if not found:
        for path in _existing(source, COMMONSENSE[split]):
            found += read_commonsense(path)
            names.append(str(path.relative_to(source.root)))
    if not found:
        every = ", ".join((*SOCIAL[split], *COPA[split], *COMMONSENSE[split]))
        raise MissingDataError(f"none of {every} in {source.root}")
    numbered = (replace(one, id=str(at), cluster=str(at)) for at, one in enumerate(found))
    return tuple(numbered), ", ".join(names)


def _existing(source: Source, names: Sequence[str]) -> list[Path]:
    return [source.root / name for name in names if (source.root / name).is_file()]

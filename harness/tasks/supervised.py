"""The intermediate tasks whose files other tasks are fine-tuned on: MultiNLI, SQuAD 1.1 and 2.0, CommonsenseQA."""

from pathlib import Path

from harness.examples import Choice, Classify, Span
from harness.tasks.commonsense import read_commonsense
from harness.tasks.intermediate import find, in_language, optional, training
from harness.tasks.mnli import LABELS, NO_GOLD, read_header, read_mnli, read_official
from harness.tasks.pairs_tsv import classify, complete
from harness.tasks.selection import Selection, select_on
from harness.tasks.source import Source
from harness.tasks.squad import train_squad
from harness.tasks.squad_json import answer_notes, read_squad, spans, trainable
from harness.tasks.task import Training, in_training

# XTREME's name of SQuAD 1.1 in another language, machine-translated.
TRANSLATED = "squad.translate.train.en-{language}.json"
V2 = ("train-v2.0.json", "dev-v2.0.json", "dev-v2.0.part*.json")


def train_mnli(source: Source, language: str) -> Training:
    """MultiNLI (XNLI's machine translation of it in other languages), selected on its own matched dev."""
    examples, notes = read_mnli(source, language)
    dev: Selection | None = None
    for path in optional(source, "mnli", ["multinli_1.0_dev_matched.jsonl", "dev_matched.tsv"], language):
        dev = _pairs(path), str(path.relative_to(source.root))
    return select_on("MNLI", examples, dev, notes)


def _pairs(path: Path) -> tuple[Classify, ...]:
    rows = read_official(path) if path.suffix == ".jsonl" else read_header(path)
    return complete(classify(path, [row for row in rows if row.label != NO_GOLD], LABELS))


def train_squad_v1(source: Source, language: str) -> Training:
    """SQuAD 1.1; in other languages XTREME's machine translation of its training set."""
    if language == "en":
        return train_squad(source, language)
    paths = find(source, "squad", [TRANSLATED.format(language=language)], "en")
    return training("SQuAD", source, paths, [], lambda path: trainable(spans(read_squad(path), positional=True)))


def train_squad_v2(source: Source, language: str) -> Training:
    """SQuAD 2.0 with its unanswerable questions, which have no answers (and no starts)."""
    train = find(source, "squad", V2, language)
    official = train[0].name == in_language(V2[0], language)
    dev = optional(source, "squad", V2[1:], language) if official else []
    stand_in = "" if official else "SQuAD 2.0's dev, its training file is not at hand"
    found = training("SQuAD 2.0", source, train, dev, read_squad_v2, stand_in)
    moved = in_training(answer_notes([row for path in train for row in read_squad(path)]))
    empty = sum(not one.answers for one in found.train if isinstance(one, Span))
    notes = {**found.notes, **moved, "unanswerable": f"{empty} of {len(found.train)}"}
    return Training(found.name, found.train, found.dev, found.data, notes)


def read_squad_v2(path: Path) -> tuple[Span, ...]:
    """All questions; of several answers all are kept (dev), and one whose answer is not in its passage is not."""
    found = spans(read_squad(path), positional=True)
    return tuple(one for one in found if not one.answers or max(one.starts) >= 0)


def train_commonsenseqa(source: Source, language: str) -> Training:
    """CommonsenseQA's random split, selected on its dev."""
    train = find(source, "commonsenseqa", ["train_rand_split.jsonl"], language)
    dev = optional(source, "commonsenseqa", ["dev_rand_split.jsonl"], language)
    return training("CommonsenseQA", source, train, dev, _commonsense)


def _commonsense(path: Path) -> tuple[Choice, ...]:
    return read_commonsense(path)

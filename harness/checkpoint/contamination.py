"""Whether a checkpoint has read what it is scored on: by the names of its training data, and by its texts' hashes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from harness.checkpoint import Checkpoint
from harness.checkpoint.manifest import HASHES, Manifest, TrainingTexts, read_manifest, read_texts
from harness.examples import Examples, Word
from harness.tasks.ngrams import contains, grams
from harness.tasks.overlap import normalised_hash
from harness.tasks.scored_texts import item_texts
from harness.tasks.task import Loaded, Task

# The note under which a score says so.
NOTE = "trained on"
# Task -> the data sets it is made of, translated from, or whose training part it is fine-tuned on. Of each the name as
# manifests and the zoo have it.
RELATED: Mapping[str, tuple[str, ...]] = {
    "xnli": ("XNLI", "MNLI"),
    "pawsx": ("PAWS-X", "PAWS", "PAWS-QQP"),
    "udpos": ("UDPOS", "Universal Dependencies"),
    "panx": ("PAN-X", "WikiAnn"),
    "xquad": ("XQuAD", "SQuAD", "SQuAD 2.0"),
    "mlqa": ("MLQA", "SQuAD", "SQuAD 2.0"),
    "tydiqa": ("TyDiQA", "TyDiQA-GoldP", "Mr.TyDi"),
    "bucc2018": ("BUCC",),
    "tatoeba": ("Tatoeba",),
    "flores200": ("FLORES-200",),
    "flores200_mt": ("FLORES-200",),
    "xcopa": ("XCOPA", "COPA", "Social IQa", "CommonsenseQA"),
    "mmmlu": ("MMLU", "MMMLU"),
    "m_mmlu": ("MMLU", "MMMLU"),
    "mmlu": ("MMLU", "MMMLU"),
}


@dataclass(frozen=True)
class Overlap:
    """Of `items` scored ones, how many have a text that was trained on (`exact`), and how many share a 13-gram."""

    items: int
    exact: int
    grams: int


def flagged(checkpoint: Checkpoint, task: Task, loaded: Mapping[str, Loaded | str]) -> dict[str, Loaded | str]:
    """What is scored in each language, with the note `trained on` where the checkpoint's training data hold the task's
    (by name), or some of its texts (by hash, where the checkpoint has a manifest)."""
    names = related(task.name, checkpoint.training_data or ())
    manifest = read_manifest(checkpoint.folder) if checkpoint.folder is not None else None
    if not names and manifest is None:
        return dict(loaded)
    return {code: one if isinstance(one, str) else _noted(one, names, manifest) for code, one in loaded.items()}


def _noted(loaded: Loaded, names: Sequence[str], manifest: Manifest | None) -> Loaded:
    said = [", ".join(names)] if names else []
    if manifest is not None and (path := manifest.path.with_name(HASHES)).is_file():
        # a copy of the folder without its hashes is still known by name
        texts = _texts(manifest.path, path.stat().st_mtime_ns)
        hashes = TrainingTexts(texts.exact, texts.grams[:0])
        found = overlap(loaded.examples, hashes)
        said += [f"{found.exact} of {found.items} items"] if found.exact else []
    return replace(loaded, notes={**loaded.notes, NOTE: "; ".join(said)}) if said else loaded


@lru_cache(maxsize=4)
def _texts(path: Path, changed: int) -> TrainingTexts:
    return read_texts(Manifest(path, (), False))


def holds_items(note: str) -> bool:
    """Whether a note `trained on` tells of scored texts themselves, and not of their data set's name alone."""
    return note.endswith(" items")


def warnings(loaded: Mapping[str, Loaded | str]) -> list[str]:
    """What a user should hear of flagged sets."""
    notes = {one.notes[NOTE]: None for one in loaded.values() if not isinstance(one, str) and NOTE in one.notes}
    return [f"the checkpoint was trained on {note}" for note in notes]


def related(task: str, names: Sequence[str]) -> tuple[str, ...]:
    """The data sets among `names` that a task is made of; any task is made of a data set of its own name."""
    wanted = {_fold(name) for name in (task, *RELATED.get(task, ()))}
    return tuple(name for name in names if _fold(name) in wanted)


def overlap(examples: Examples, texts: TrainingTexts) -> Overlap:
    """How much of a scored set was in training. With thinned 13-grams the count is a lower bound."""
    known: dict[str, tuple[bool, bool]] = {}
    items = exact = shared = 0
    for item in item_texts(examples):
        for text in item:
            if text not in known:
                known[text] = _seen(text, texts)
        found = [known[text] for text in item]
        items += 1
        exact += any(one for one, _ in found)
        shared += any(one for _, one in found)
    return Overlap(items, exact, shared)


def known_words(examples: Examples, texts: TrainingTexts) -> int:
    """How many held-back word pairs are known by both their words: one word alone is in many trainings. The recipe
    `lexical` knows them from its development set."""
    held = [one for one in examples if isinstance(one, Word) and one.held] if isinstance(examples, tuple) else []
    return sum(all(_seen(text, texts)[0] for text in (one.source, one.target)) for one in held)


def _seen(text: str, texts: TrainingTexts) -> tuple[bool, bool]:
    own = np.array([int(normalised_hash(text), 16)], np.uint64)
    shared = len(texts.grams) > 0 and bool(contains(texts.grams, grams(text)).any())
    return bool(contains(texts.exact, own)[0]), shared


def _fold(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())

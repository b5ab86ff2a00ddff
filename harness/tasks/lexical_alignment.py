"""Are words and their translations neighbours? For each layer: word pairs that `lexical` trains on, and those it holds
back, with English (the reading of arXiv 2506.15415).

Pairs of which a word is the caption of a held-out image are in neither group: no recipe is trained on them."""

from harness.errors import HarnessError
from harness.examples import Word
from harness.metrics.words import word_metrics
from harness.tasks.any_language import any_language
from harness.tasks.captions import read_captions
from harness.tasks.overlap import normalised_hash
from harness.tasks.selection import held_tenth
from harness.tasks.source import MissingDataError, Source
from harness.tasks.task import Loaded, Task, content_hash
from harness.tasks.translations import read_lexicon


def load(source: Source, language: str, split: str, limit: int | None) -> Loaded:
    """The word pairs of one language with English; there is one split."""
    found = [one for one in read_lexicon(source, (language,)) if set(one.languages) == {"en", language}]
    if not found:
        raise MissingDataError(f"no word pairs of English and {language} in {source.root}")
    rows = tuple(dict.fromkeys(row for one in found for row in one.rows))
    held = held_tenth(row[0] for row in rows)
    apart = _held_captions(source)
    words = tuple(
        Word(at, *row, held=row[0] in held)
        for at, row in enumerate(rows)
        if not apart & {normalised_hash(text) for text in row}
    )[:limit]
    groups = sum(one.held for one in words)
    if not 0 < groups < len(words):
        raise HarnessError(
            f"Of {len(words)} word pairs {groups} are held back: there are too few of either group.",
            "Give a longer lexicon or a larger --limit.",
        )
    notes = {"lexicon": f"{found[0].corpus}, {groups} of {len(words)} pairs held back"}
    return Loaded(words, "test", content_hash(words), len(words), notes)


def _held_captions(source: Source) -> set[str]:
    try:
        corpora = read_captions(source)
    except MissingDataError:
        return set()
    return {normalised_hash(one.text) for corpus in corpora for one in corpus.captions if one.held}


TASK = Task(
    name="lexical_alignment",
    title="Word pairs per layer: cosine, precision at 1, CSLS; held back and trained",
    form="words",
    languages=("ar", "de", "es", "fr", "sw", "zh"),
    protocols=("retrieve",),
    metrics=word_metrics,
    load=load,
    accepts=lambda language: language != "en" and any_language(language),
    files="lexicon/<a>-<b>.txt, else image_text/emoji/names.tsv",
    source="Unicode CLDR, or MUSE's format",
    licence="Unicode-3.0 (names)",
)

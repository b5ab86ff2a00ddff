"""Exact match and token F1 of extracted answers: SQuAD's English rule and MLQA's rule per language.

Trap: XTREME scores XQuAD and TyDiQA with the English SQuAD rule in *every* language (no segmentation of zh
and th, articles a/an/the only, non-ASCII punctuation kept). MLQA alone has rules per language (Lewis et al.
2020), and its Arabic rule removes "ال" anywhere, which splits words. Both empty after normalising: exact
match 1, F1 0."""

import re
import string
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache, partial

from harness.errors import unknown_names
from harness.metrics.accuracy import hits
from harness.metrics.score import Array, Item, Metric, mean_of

Normalise = Callable[[str], str]
Measure = Callable[[str, str], float]

_ASCII_PUNCTUATION = dict.fromkeys(map(ord, string.punctuation))
_ENGLISH = re.compile(r"\b(?:a|an|the)\b")
_ARTICLES: dict[str, re.Pattern[str] | None] = {
    "en": _ENGLISH,
    "es": re.compile(r"\b(?:un|una|unos|unas|el|la|los|las)\b"),
    "hi": None,
    "vi": re.compile(r"\b(?:của|là|cái|chiếc|những)\b"),
    "de": re.compile(r"\b(?:ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b"),
    "ar": re.compile("ال"),
    "zh": None,
}
_HAN = re.compile("([一-龥])")  # U+4E00 to U+9FA5, the rule's own range
_THAI = re.compile("([฀-๿])")
MLQA_LANGUAGES = tuple(_ARTICLES)


def normalise_squad(text: str) -> str:
    """Lower case; ASCII punctuation deleted; English articles to spaces; white space squeezed (SQuAD
    v1.1)."""
    return _squeeze(_ENGLISH.sub(" ", text.lower().translate(_ASCII_PUNCTUATION)))


def normalise_mlqa(text: str, language: str) -> str:
    """Lower case; all Unicode punctuation deleted; the language's articles to spaces; zh: each Han a token.

    Raises HarnessError for a language that MLQA does not have."""
    if language not in _ARTICLES:
        raise unknown_names("MLQA language", [language], MLQA_LANGUAGES, f"MLQA has {', '.join(MLQA_LANGUAGES)}.")
    return _normalise(text, _ARTICLES[language], _HAN if language == "zh" else None)


def normalise_reading(text: str, language: str) -> str:
    """MLQA's rule where it has one; elsewhere (ours) no articles, and in th each Thai character is a
    token."""
    if language in _ARTICLES:
        return normalise_mlqa(text, language)
    return _normalise(text, None, _THAI if language == "th" else None)


def exact_match(prediction: str, gold: str, normalise: Normalise = normalise_squad) -> float:
    """1 where both strings are equal after normalising, else 0."""
    return float(normalise(prediction) == normalise(gold))


def token_f1(prediction: str, gold: str, normalise: Normalise = normalise_squad) -> float:
    """Harmonic mean of precision and recall over bags of white-space tokens; 0 where none is shared."""
    predicted, expected = normalise(prediction).split(), normalise(gold).split()
    shared = sum((Counter(predicted) & Counter(expected)).values())
    if shared == 0:
        return 0.0
    precision, recall = shared / len(predicted), shared / len(expected)
    return 2 * precision * recall / (precision + recall)


def best(prediction: str | None, golds: Sequence[str], measure: Measure) -> float:
    """The largest value over the gold answers (at least one); an unanswered question (None) gets 0."""
    return 0.0 if prediction is None else max(measure(prediction, gold) for gold in golds)


def squad_metrics() -> tuple[Metric, Metric]:
    """`exact_match` and `f1` of XQuAD and TyDiQA: gold is a list of answers, output a string or None."""
    return _pair(normalise_squad, "")


def mlqa_metrics(language: str) -> tuple[Metric, Metric]:
    """`exact_match` and `f1` of MLQA; `language` is that of the answers. HarnessError for an unknown
    language."""
    normalise_mlqa("", language)
    return _pair(partial(normalise_mlqa, language=language), "")


def mlqa_readings(language: str) -> tuple[Metric, Metric]:
    """`exact_match_mlqa` and `f1_mlqa`: further readings for XQuAD and TyDiQA, in any language."""
    return _pair(partial(normalise_reading, language=language), "_mlqa")


def squad_readings() -> tuple[Metric, Metric]:
    """`exact_match_squad` and `f1_squad`: further readings for MLQA."""
    return _pair(normalise_squad, "_squad")


def _pair(normalise: Normalise, suffix: str) -> tuple[Metric, Metric]:
    return (
        _metric(f"exact_match{suffix}", partial(exact_match, normalise=normalise)),
        _metric(f"f1{suffix}", partial(token_f1, normalise=normalise)),
    )


def _metric(name: str, measure: Measure) -> Metric:
    def statistics(items: Sequence[Item]) -> Array:
        return hits([best(item.output, item.gold, measure) for item in items])

    return Metric(name, statistics, mean_of)


def _normalise(text: str, articles: re.Pattern[str] | None, characters: re.Pattern[str] | None) -> str:
    text = text.lower().translate(_punctuation())
    if articles is not None:
        text = articles.sub(" ", text)
    return _squeeze(text if characters is None else characters.sub(r" \1 ", text))


def _squeeze(text: str) -> str:
    return " ".join(text.split())


@cache
def _punctuation() -> dict[int, None]:
    """Every code point of category P (by this interpreter's Unicode tables) and ASCII punctuation."""
    points = range(sys.maxunicode)
    return dict.fromkeys(p for p in points if unicodedata.category(chr(p))[0] == "P") | _ASCII_PUNCTUATION

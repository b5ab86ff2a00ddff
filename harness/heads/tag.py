"""Tagging: one tag for every word, read at the word's first token.

Sentences longer than the window are split between words and their tags joined again, never cut off. Words are
tokenised one at a time; a word without tokens, or longer than a whole window, stands as the unknown token
(XTREME's `utils_preprocess.py`)."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from torch import Tensor

from harness.checkpoint import kinds
from harness.examples import Tag
from harness.heads.features import Batch, Features, features, per_token
from harness.heads.head import Encoding, Head, class_numbers, cross_entropy
from harness.heads.ragged import Array, Integers, Ragged, bounds_of, spread
from harness.heads.rows import assemble
from harness.heads.tokeniser import Tokeniser, tokenise_words

IGNORED = -100


def encode(examples: Sequence[Tag], encoding: Encoding) -> Features:
    """One row per piece of a sentence. Column `word` (tokens,): at the first token of a word its number among
    all words of all examples, else -1; column `target` (tokens,): there the tag's number, else -100, in
    training."""
    tokeniser = encoding.tokeniser
    budget = tokeniser.room(encoding.max_length)
    words = _words(tokeniser, [word for one in examples for word in one.words], budget)
    sentence, start, end = pieces(words.bounds, bounds_of(len(one.words) for one in examples), budget)
    first, last = words.bounds[start], words.bounds[end]
    source = spread(first, last - first)
    rows = assemble(tokeniser, Ragged(words.values[source], bounds_of(last - first)))
    number = np.full(len(words.values), -1, np.int64)
    number[words.bounds[:-1]] = np.arange(len(words))
    columns = {"word": rows.layout.place(-1, number[source], -1)}
    if encoding.training:
        tags = np.full(len(words.values), IGNORED, np.int64)
        tags[words.bounds[:-1]] = class_numbers(encoding.labels, [tag for one in examples for tag in one.tags])
        columns["target"] = rows.layout.place(IGNORED, tags[source], IGNORED)
    return features(tokeniser, rows, sentence, columns)


def pieces(words: Integers, sentences: Integers, budget: int) -> tuple[Integers, Integers, Integers]:
    """(sentence, first word, end word) of each piece, in order: as many words as fit into `budget` tokens, and
    no more than the sentence has. `words` bounds the tokens of each word, `sentences` the words of each
    sentence; no word alone exceeds the budget."""
    sentence = np.flatnonzero(np.diff(sentences))
    start, stop = sentences[:-1][sentence], sentences[1:][sentence]
    found: list[tuple[Integers, Integers, Integers]] = []
    while len(sentence):
        end = np.minimum(np.searchsorted(words, words[start] + budget, "right") - 1, stop)
        found.append((sentence, start, end))
        more = end < stop
        sentence, start, stop = sentence[more], end[more], stop[more]
    columns = [np.concatenate(parts) for parts in zip(*found, strict=True)] if found else [start] * 3
    order = np.argsort(columns[1], kind="stable")
    return columns[0][order], columns[1][order], columns[2][order]


def decode(found: Features, examples: Sequence[Tag], logits: Array, labels: tuple[str, ...]) -> list[list[str]]:
    """One tag for every word of every example. `logits` (tokens, labels)."""
    word = found.columns["word"]
    at = np.flatnonzero(word >= 0)
    bounds = bounds_of(len(one.words) for one in examples)
    best = np.full(int(bounds[-1]), -1, np.int64)
    best[word[at]] = logits[at].argmax(axis=1)
    assert (best >= 0).all(), "a word has no token"
    names = np.array(labels, object)[best].tolist()
    return [names[start:end] for start, end in pairwise(bounds.tolist())]


def _words(tokeniser: Tokeniser, words: Sequence[str], budget: int) -> Ragged:
    """Tokens of each word: at least one and at most `budget`."""
    found = tokenise_words(tokeniser, words)
    strange = (found.lengths == 0) | (found.lengths > budget)
    if not strange.any():
        return found
    lengths = np.where(strange, 1, found.lengths)
    bounds = bounds_of(lengths)
    values = np.full(int(bounds[-1]), tokeniser.unknown, np.int32)
    whole = ~strange
    values[spread(bounds[:-1][whole], lengths[whole])] = found.values[spread(found.bounds[:-1][whole], lengths[whole])]
    return Ragged(values, bounds)


def _targets(found: Features, units: Integers, rows: Integers) -> Batch:
    return {"target": per_token(found, "target", rows, IGNORED)}


def _logits(output: Any) -> Tensor:
    logits: Tensor = output.logits
    return logits


def _terms(logits: Tensor, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    return cross_entropy(logits.flatten(0, 1), batch["target"].flatten())


HEAD = Head(
    form="tag",
    kind=kinds.TOKEN,
    auto="AutoModelForTokenClassification",
    table="MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING_NAMES",
    pooled=False,
    outputs=len,
    encode=encode,
    targets=_targets,
    logits=_logits,
    terms=_terms,
    decode=decode,
)

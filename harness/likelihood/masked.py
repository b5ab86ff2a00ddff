"""Pseudo-log-likelihoods: how likely a masked language model finds each token of an answer where it is masked.

Salazar et al. (2020) mask one token at a time; Kauf and Ivanova (2023), `word-l2r`, also what follows it inside its
word, since later pieces give earlier ones away. Words are the tokenizer's own; in a script without spaces, where a
tokenizer's word may be a whole sentence, every token is one. A letter is one token, and the four letters share one
masked copy: that is the letter cloze (one pass a question)."""

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch

from harness.errors import HarnessError
from harness.heads.projection import log_probabilities, logits_at
from harness.likelihood.batches import CELLS

# How Unicode's names of characters begin in scripts that put no spaces between words.
UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN")


@dataclass(frozen=True)
class Copy:
    """An input with masks; the token `target` is predicted at `place`."""

    ids: tuple[int, ...]
    place: int


@dataclass(frozen=True, eq=False)
class MaskedBatch:
    """Copies of about one length, and the tokens that are asked for at each one's place."""

    copies: tuple[Copy, ...]
    targets: tuple[tuple[int, ...], ...]

    @cached_property
    def key(self) -> str:
        """Hex over the content."""
        made = repr((self.copies, self.targets))
        return hashlib.blake2b(made.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True)
class Masker:
    """Turns (context, answer) texts into masked copies for a tokenizer (a fast one, with a mask token)."""

    tokenizer: Any
    longest: int
    masking: str

    def copies(self, pairs: Sequence[tuple[str, str]]) -> tuple[list[list[tuple[Copy, int]]], int]:
        """For each pair its copies with the token that each predicts, and how many contexts were cut on the left."""
        if not pairs:
            return [], 0
        encoded = self.tokenizer(
            [context + answer for context, answer in pairs],
            add_special_tokens=False,
            return_offsets_mapping=True,
            verbose=False,
        )
        out, cut = [], 0
        for at, (context, answer) in enumerate(pairs):
            offsets = encoded["offset_mapping"][at]
            ids = encoded["input_ids"][at]
            start = next((n for n, (_, end) in enumerate(offsets) if end > len(context)), len(ids))
            if start == len(ids):
                raise HarnessError(f"The answer {answer!r} has no token in this tokenizer.", "Leave this task out.")
            words = _words(encoded.word_ids(at), context + answer, offsets)
            row, inner, first = self._row(ids, start)
            cut += first > 0
            out.append([self._copy(row, inner, words, n, first) for n in range(start, len(ids))])
        return out, cut

    def _row(self, ids: Sequence[int], start: int) -> tuple[list[int], int, int]:
        """(the whole input, where the text begins in it, how many tokens were cut from the context's left)."""
        begin, end = self._special
        room = self.longest - len(begin) - len(end)
        if len(ids) - start > room:
            raise HarnessError(f"An answer is longer than the {room} tokens that the model reads.", "Leave it out.")
        first = max(0, len(ids) - room)
        return [*begin, *ids[first:], *end], len(begin), first

    def _copy(self, row: list[int], inner: int, words: Sequence[int], token: int, first: int) -> tuple[Copy, int]:
        """The copy that predicts one token (its number in the uncut text)."""
        masked = list(row)
        for other in range(token, len(words)):
            if other == token or (self.masking == "word-l2r" and words[other] == words[token]):
                masked[inner + other - first] = self.tokenizer.mask_token_id
        place = inner + token - first
        return Copy(tuple(masked), place), row[place]

    @cached_property
    def _special(self) -> tuple[list[int], list[int]]:
        """What the tokenizer puts before and after one text."""
        bare = self.tokenizer("a", add_special_tokens=False)["input_ids"]
        whole = self.tokenizer("a")["input_ids"]
        at = next(n for n in range(len(whole)) if whole[n : n + len(bare)] == bare)
        return whole[:at], whole[at + len(bare) :]


def _words(found: Sequence[int | None], text: str, offsets: Sequence[tuple[int, int]]) -> list[int]:
    """The word of each token; negative numbers are words of one token."""
    out = []
    for at, (word, (start, end)) in enumerate(zip(found, offsets, strict=True)):
        letters = text[start:end].strip()
        alone = word is None or (letters and unicodedata.name(letters[0], "").startswith(UNSPACED))
        out.append(-1 - at if alone or word is None else word)
    return out


def batches(copies: Mapping[Copy, Sequence[int]], budget: int, vocabulary: int) -> list[MaskedBatch]:
    """Copies (with the tokens asked of each) sorted by length, as many tokens at a time as fit."""
    ordered = sorted(copies, key=lambda one: (-len(one.ids), one.ids, one.place))
    out: list[MaskedBatch] = []
    while ordered:
        most = max(1, min(budget // len(ordered[0].ids), CELLS // vocabulary))
        some, ordered = ordered[:most], ordered[most:]
        out.append(MaskedBatch(tuple(some), tuple(tuple(copies[one]) for one in some)))
    return out


def score(module: Any, padding: int, wanted: Iterable[MaskedBatch]) -> Iterator[list[list[float]]]:
    """For each batch, for each copy, the log-probability of each token asked for."""
    for batch in wanted:
        width = len(batch.copies[0].ids)
        ids = np.full((len(batch.copies), width), padding, np.int64)
        for row, copy in enumerate(batch.copies):
            ids[row, : len(copy.ids)] = copy.ids
        lengths = np.array([len(copy.ids) for copy in batch.copies])
        mask = (np.arange(width) < lengths[:, None]).astype(np.int64)
        rows = torch.arange(len(batch.copies), device=module.device)
        columns = torch.tensor([copy.place for copy in batch.copies], device=module.device)
        inputs = {"input_ids": ids, "attention_mask": mask}
        given = {name: torch.from_numpy(value).to(module.device) for name, value in inputs.items()}
        with torch.inference_mode():
            found = log_probabilities(logits_at(module, rows, columns, **given)).cpu()
        yield [[float(found[row, token]) for token in tokens] for row, tokens in enumerate(batch.targets)]

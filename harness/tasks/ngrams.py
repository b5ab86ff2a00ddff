"""Texts as sets of 13-grams: what two texts share is found though one of them was cut, joined or embedded in another.

Thirteen words is the usual width (Brown et al. 2020, arXiv 2005.14165, appendix C). Trap: Chinese, Japanese, Thai and
their like have no spaces, so that a sentence would be one word: there every character counts as one."""

import re
import sys
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

WIDTH = 13
# Thai to Myanmar, Khmer, kana, Han (with its extensions): written without spaces.
UNSPACED = re.compile(
    "([\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])"
)
# An odd number with well-mixed bits (2 to the 64th over the golden ratio): gives each place of a window a factor.
FACTOR = 0x9E3779B97F4A7C15

Hashes = NDArray[np.uint64]


def words(text: str) -> list[str]:
    """The text's words after NFKC and case folding, punctuation left out."""
    plain = unicodedata.normalize("NFKC", text).casefold().translate(_parting())
    return UNSPACED.sub(r" \1 ", plain).split()


def grams(text: str) -> Hashes:
    """A 64-bit hash of each run of 13 words, none for a shorter text."""
    found = np.fromiter(map(_hash, words(text)), np.uint64)
    if len(found) < WIDTH:
        return np.zeros(0, np.uint64)
    windows = np.lib.stride_tricks.sliding_window_view(found, WIDTH)
    sums: Hashes = (windows * _factors()).sum(axis=1, dtype=np.uint64)
    return sums


def distinct(texts: Iterable[str]) -> Hashes:
    """The sorted distinct 13-grams of some texts."""
    parts = [grams(text) for text in texts]
    return np.unique(np.concatenate([np.zeros(0, np.uint64), *parts]))


def contains(sorted_hashes: Hashes, wanted: Hashes) -> NDArray[np.bool_]:
    """(n,): which of `wanted` are in a sorted array."""
    at = np.searchsorted(sorted_hashes, wanted)
    inside = at < len(sorted_hashes)
    found = np.zeros(len(wanted), bool)
    found[inside] = sorted_hashes[at[inside]] == wanted[inside]
    return found


@cache
def _parting() -> dict[int, str]:
    """Punctuation, separators and control characters part words; format characters (joiners) stand inside them."""
    kinds = ((point, unicodedata.category(chr(point))) for point in range(min(sys.maxunicode, 0x20000)))
    return {point: "" if kind == "Cf" else " " for point, kind in kinds if kind[0] in "PZC"}


@lru_cache(maxsize=200_000)
def _hash(word: str) -> int:
    return int.from_bytes(blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


@lru_cache(maxsize=1)
def _factors() -> Hashes:
    return np.array([pow(FACTOR, place, 2**64) for place in range(1, WIDTH + 1)], np.uint64)

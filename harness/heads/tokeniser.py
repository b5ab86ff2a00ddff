"""How a checkpoint's tokenizer turns texts, words and pairs into rows of token ids, many at a time.

Every text is tokenised once, alone and without special tokens; what stands around and between the sequences
is read from the tokenizer's answer to a probe, and `rows.assemble` puts rows together by index arithmetic.
That gives the ids of `tokenizer(first, second)`, and leaves truncation, windows and pieces to us."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.errors import HarnessError
from harness.heads.ragged import Array, Ragged, from_lists, take
from harness.retrieval.tokenizer import load_tokenizer

if TYPE_CHECKING:
    from harness.checkpoint import Checkpoint

# Texts in one call: bounds the memory of Python's lists.
CHUNK = 10_000
PROBES = ("a", "b")
# What parts two sequences where the tokenizer puts nothing between them, as those of causal models do.
SEPARATOR = "\n"


@dataclass(frozen=True)
class Template:
    """Special tokens before, between and after the sequences, and the token types of all five parts."""

    before: tuple[int, ...]
    between: tuple[int, ...]
    after: tuple[int, ...]
    types: tuple[tuple[int, ...], int, tuple[int, ...], int, tuple[int, ...]]

    @property
    def specials(self) -> int:
        """Tokens that are no part of a sequence."""
        return len(self.before) + len(self.between) + len(self.after)


@dataclass(frozen=True, eq=False)
class Tokeniser:
    """`pad` fills the end of short rows; `unknown` stands for what has no token of its own. `mark` comes before
    a word so that it is tokenised as inside a sentence; `part` ends a first sequence that nothing would part
    from the second. `types`: the model tells sequences apart by token types. `positions`: the longest row.
    `digest`: 16 hex digits over all that the tokenizer does."""

    tokenizer: Any
    single: Template
    pair: Template
    pad: int
    unknown: int
    mark: str
    part: str
    types: bool
    positions: int | None
    digest: str

    def limit(self, wanted: int) -> int:
        """The longest row, special tokens included: as wanted, or what the model takes."""
        return wanted if self.positions is None else min(wanted, self.positions)

    def room(self, wanted: int, pair: bool = False) -> int:
        """Tokens of a row for its text, or for both texts of a pair. HarnessError where not each can have one."""
        limit, specials, texts = self.limit(wanted), (self.pair if pair else self.single).specials, 1 + pair
        if limit < specials + texts:
            raise HarnessError(
                f"A row of {limit} tokens has no room for {texts} text{'s' * pair} beside {specials} special tokens.",
                f"Give --max-length {specials + texts} or more.",
            )
        return limit - specials


def open_tokeniser(checkpoint: "Checkpoint") -> Tokeniser:
    """The checkpoint's own. HarnessError: it cannot be loaded, or puts texts together in no regular way."""
    from harness.checkpoint.model_config import load_config

    tokenizer = load_tokenizer(checkpoint)
    text = load_config(checkpoint.path, checkpoint.trust_remote_code).text
    # A RoBERTa has a table of one type, and a type 1 would be no row of it.
    types = "token_type_ids" in tokenizer.model_input_names and (getattr(text, "type_vocab_size", 0) or 0) > 1
    return wrap(tokenizer, types=types, positions=checkpoint.max_positions)


def wrap(tokenizer: Any, *, types: bool, positions: int | None) -> Tokeniser:
    """A transformers tokenizer, looked at with two probes."""
    pair = _template(tokenizer, *PROBES)
    known = (tokenizer.pad_token_id, tokenizer.eos_token_id, tokenizer.unk_token_id, 0)
    pad = next(number for number in known if number is not None)
    return Tokeniser(
        tokenizer=tokenizer,
        single=_template(tokenizer, PROBES[0]),
        pair=pair,
        pad=pad,
        unknown=pad if tokenizer.unk_token_id is None else tokenizer.unk_token_id,
        mark=_mark(tokenizer),
        part="" if pair.between else SEPARATOR,
        types=types,
        positions=positions,
        digest=_digest(tokenizer),
    )


def tokenise(tokeniser: Tokeniser, texts: Sequence[str]) -> Ragged:
    """Token ids (int32) of each text, without special tokens. Texts that occur more than once cost nothing."""
    unique = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    found = from_lists([ids for chunk in _chunks(list(unique)) for ids in _call(tokeniser, chunk)["input_ids"]])
    return take(found, np.fromiter((unique[text] for text in texts), np.int64, len(texts)))


def tokenise_words(tokeniser: Tokeniser, words: Sequence[str]) -> Ragged:
    """Token ids (int32) of each word alone (XTREME's rule), written as a word that follows another."""
    return tokenise(tokeniser, [f"{tokeniser.mark}{word}" for word in words])


def tokenise_with_offsets(tokeniser: Tokeniser, texts: Sequence[str]) -> tuple[Ragged, Array]:
    """Token ids of each text, and (tokens, 2) the characters `[from, to)` that each token covers."""
    if not tokeniser.tokenizer.is_fast:
        raise HarnessError(
            f"{type(tokeniser.tokenizer).__name__} does not tell which characters a token covers.",
            "Answers can only be cut from the text with a fast tokenizer: add its tokenizer.json.",
        )
    lists: list[list[int]] = []
    offsets: list[Array] = [np.zeros((0, 2), np.int32)]
    for chunk in _chunks(texts):
        found = _call(tokeniser, chunk, return_offsets_mapping=True)
        lists += found["input_ids"]
        flat = chain.from_iterable(chain.from_iterable(found["offset_mapping"]))
        offsets.append(np.fromiter(flat, np.int32).reshape(-1, 2))
    return from_lists(lists), np.concatenate(offsets)


def _chunks(texts: Sequence[str]) -> list[list[str]]:
    return [list(texts[start : start + CHUNK]) for start in range(0, len(texts), CHUNK)]


def _call(tokeniser: Tokeniser, texts: list[str], **options: Any) -> Any:
    return tokeniser.tokenizer(
        texts,
        add_special_tokens=False,
        return_attention_mask=False,
        return_token_type_ids=False,
        verbose=False,
        **options,
    )


def _alone(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def _digest(tokenizer: Any) -> str:
    """Over the fast tokenizer's whole definition; of a slow one over its class and vocabulary."""
    if tokenizer.is_fast:
        definition = tokenizer.backend_tokenizer.to_str()
    else:
        definition = repr((type(tokenizer).__name__, sorted(tokenizer.get_vocab().items())))
    return hashlib.sha256(definition.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _template(tokenizer: Any, *probes: str) -> Template:
    """What stands around the probes' own tokens."""
    whole = tokenizer(*probes, return_token_type_ids=True)
    ids, types = list(whole["input_ids"]), list(whole.get("token_type_ids") or [0] * len(whole["input_ids"]))
    cuts: list[tuple[int, int]] = []
    for probe in probes:
        own = _alone(tokenizer, probe)
        start = cuts[-1][1] if cuts else 0
        found = [at for at in range(start, len(ids) - len(own) + 1) if ids[at : at + len(own)] == own]
        if not own or not found:
            raise HarnessError(
                f"{type(tokenizer).__name__} tokenises '{probe}' differently within a pair of texts.",
                "Give the checkpoint a tokenizer.json with a plain template.",
            )
        cuts.append((found[0], found[0] + len(own)))
    (a, b), (c, d) = cuts[0], (cuts[1] if len(cuts) > 1 else (cuts[0][1], cuts[0][1]))
    segments = (tuple(types[:a]), types[a], tuple(types[b:c]), types[min(c, len(types) - 1)], tuple(types[d:]))
    return Template(tuple(ids[:a]), tuple(ids[b:c]), tuple(ids[d:]), segments)


def _mark(tokenizer: Any) -> str:
    """A space where words inside a sentence are tokenised with the space before them (byte-level BPE)."""
    inside, before, bare, spaced = (_alone(tokenizer, text) for text in ("the house", "the", "house", " house"))
    return " " if inside == before + spaced != before + bare else ""

"""Sentences -> vectors, the same bytes whatever the batches.

Padding moves a sentence's vector by some 1e-6, so that it depends on its companions (traps.md). Here a
batch holds sentences of one token length and needs neither padding nor mask; a vector is then a function of
its sentence alone, bit by bit on the CPU in float32, which is what makes deduplication, resuming and any
number of workers safe. On a GPU kernels are chosen by shape, and last digits may move."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.errors import HarnessError
from harness.retrieval.encoder import Encoder
from harness.retrieval.pooling import NO_SPECIAL, ROWS, finish, pool

Vectors = NDArray[np.float32]
Ids = NDArray[np.int64]

# Tokens per batch: on 2 cores 2,048 is as fast as any; a GPU wants more at once.
TOKEN_BUDGET = {"cpu": 2048, "cuda": 32768}
# From this many rows on no kernel was seen to depend on their number (up to 64 threads); below, rows come
# in fours.
SMALL = 512
CHUNK = 10_000


@dataclass(frozen=True)
class TokenStatistics:
    """What a tokenizer makes of n sentences, each array (n,): tokens without special ones and before
    truncation, unknown tokens, words between white space, and whether the sentence is cut at the maximum
    length."""

    tokens: NDArray[np.int64]
    unknown: NDArray[np.int64]
    words: NDArray[np.int64]
    truncated: NDArray[np.bool_]

    @property
    def unk_rate(self) -> float | None:
        """Unknown tokens per token; None where there is no token."""
        return float(self.unknown.sum() / self.tokens.sum()) if self.tokens.sum() else None

    @property
    def tokens_per_word(self) -> float | None:
        """Fertility; None where there is no word. Says little in scripts without spaces (zh, ja, th)."""
        return float(self.tokens.sum() / self.words.sum()) if self.words.sum() else None

    @property
    def truncated_share(self) -> float | None:
        """Share of sentences that are cut; None where there is no sentence."""
        return float(self.truncated.mean()) if len(self.truncated) else None


def tokenise(encoder: Encoder, sentences: Sequence[str]) -> list[Ids]:
    """Each sentence's token ids, special tokens included, cut at the encoder's maximum length. Refuses
    sentences of which nothing would be left to pool: a vector of zeros would be scored as if it had been
    computed."""
    ids = [
        np.array(row, dtype=np.int64)
        for row in _token_ids(encoder, sentences, truncation=True, max_length=encoder.max_length)
    ]
    specials = set(encoder.specials.tolist()) if encoder.pooling == NO_SPECIAL else set()
    # Only a short row can consist of special tokens alone.
    empty = [at for at, row in enumerate(ids) if len(row) < 8 and specials.issuperset(row.tolist())]
    if empty:
        places = ", ".join(str(at + 1) for at in empty[:5]) + (" ..." if len(empty) > 5 else "")
        raise HarnessError(
            f"{len(empty)} of {len(ids)} sentences have no token to pool for {encoder.name} (numbers {places}).",
            "Remove empty lines, or use --pooling mean.",
        )
    return ids


def token_statistics(encoder: Encoder, sentences: Sequence[str]) -> TokenStatistics:
    """Counts behind the readings unknown-token rate, tokens per word and share of truncated sentences."""
    tokenizer = encoder.tokenizer
    unknown = None if tokenizer.unk_token_id in encoder.specials.tolist() else tokenizer.unk_token_id
    rows = list(_token_ids(encoder, sentences, add_special_tokens=False, truncation=False))
    tokens = np.array([len(row) for row in rows], dtype=np.int64)
    return TokenStatistics(
        tokens=tokens,
        unknown=np.array([0 if unknown is None else row.count(unknown) for row in rows], dtype=np.int64),
        words=np.array([len(sentence.split()) for sentence in sentences], dtype=np.int64),
        truncated=tokens + tokenizer.num_special_tokens_to_add() > encoder.max_length,
    )


def _token_ids(encoder: Encoder, sentences: Sequence[str], **options: object) -> Iterator[list[int]]:
    for start in range(0, len(sentences), CHUNK):
        texts = [encoder.prompt + sentence for sentence in sentences[start : start + CHUNK]]
        # Truncation and padding are named in every call: a tokenizer.json may carry its own (MiniLM's does).
        rows: list[list[int]] = encoder.tokenizer(
            texts,
            padding=False,
            return_attention_mask=False,
            return_token_type_ids=False,
            verbose=False,
            **options,
        )["input_ids"]
        yield from rows


def batches(encoder: Encoder, token_ids: Sequence[Ids], *, token_budget: int | None = None) -> Iterator[Ids]:
    """Indices into `token_ids`, batch by batch: sentences of one length, longest first, in their order, as
    many as the budget of tokens holds (one at least)."""
    budget = TOKEN_BUDGET[encoder.device.type] if token_budget is None else token_budget
    if budget < 1:
        raise HarnessError(f"A budget of {budget} tokens holds no sentence.", "Give 1 or more.")
    lengths = np.array([len(row) for row in token_ids], dtype=np.int64)
    for length in np.unique(lengths)[::-1]:
        same = np.flatnonzero(lengths == length)
        size = max(1, budget // int(length))
        for start in range(0, len(same), size):
            yield same[start : start + size]


def embed_batches(
    encoder: Encoder, token_ids: Sequence[Ids], *, token_budget: int | None = None
) -> Iterator[tuple[Ids, Vectors]]:
    """(indices (b,), vectors (b, width)) per batch, so that a caller can keep finished ones; vectors are
    (L, b, width) where the encoder reads all layers."""
    for indices in batches(encoder, token_ids, token_budget=token_budget):
        rows = np.stack([token_ids[index] for index in indices])
        vectors = _forward(encoder, torch.from_numpy(_in_fours(rows)).to(encoder.device))
        vectors = vectors[:, : len(indices)].cpu()
        yield indices, (vectors if encoder.all_layers else vectors[0]).numpy()


def embed(
    encoder: Encoder,
    sentences: Sequence[str],
    *,
    token_budget: int | None = None,
    progress: Callable[[int, int], None] | None = None,
    deduplicate: bool = True,
) -> Vectors:
    """Vectors (n, width) in float32, or (L, n, width) where the encoder reads all layers (row i = layer i +
    1). Equal sentences are computed once unless `deduplicate` is False. `progress` is given (sentences
    done, sentences to do)."""
    places = {sentence: at for at, sentence in enumerate(dict.fromkeys(sentences))} if deduplicate else {}
    distinct = list(places) if deduplicate else list(sentences)
    token_ids = tokenise(encoder, distinct)
    vectors = np.empty((len(encoder.layers), len(distinct), encoder.width), dtype=np.float32)
    done = 0
    for indices, batch in embed_batches(encoder, token_ids, token_budget=token_budget):
        vectors[:, indices] = batch
        done += len(indices)
        if progress is not None:
            progress(done, len(distinct))
    if len(distinct) < len(sentences):
        vectors = vectors[:, [places[sentence] for sentence in sentences]]
    return vectors if encoder.all_layers else vectors[0]


def _in_fours(rows: Ids) -> Ids:
    """A small batch (b, t) with its last row repeated until b is a multiple of four: MKL multiplies 1 to 3
    left-over rows by another kernel, and a sentence alone would differ in the last digits from the same one
    in company."""
    if rows.size >= SMALL:
        return rows
    return np.concatenate([rows, np.repeat(rows[-1:], -len(rows) % ROWS, axis=0)])


def _forward(encoder: Encoder, ids: Tensor) -> Tensor:
    """Token ids (b, t) -> float32 vectors (layers, b, width)."""
    with torch.inference_mode():
        output = encoder.model(input_ids=ids, output_hidden_states=encoder.all_layers)
        # The last layer is `last_hidden_state`: CLIP's `hidden_states[-1]` lacks the final norm.
        states = [*output.hidden_states[1:-1], output[0]] if encoder.all_layers else [output[0]]
        start = encoder.skipped
        pooled = [pool(state[:, start:], ids[:, start:], encoder.pooling, encoder.specials) for state in states]
        return torch.stack([finish(vectors, encoder.dense, encoder.normalise) for vectors in pooled])

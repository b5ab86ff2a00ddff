"""Extractive question answering: the model's start and end scores over windows of the context.

As in XTREME's `third_party/processors/squad.py`: question first, cut to 64 tokens; windows start every 128
tokens of the context; in training a window without the answer points at the first token, and only the first
answer counts. Trap: `doc_stride` is the step between window starts, in fast tokenizers `stride` is the
overlap."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from harness.checkpoint import kinds
from harness.examples import Span
from harness.heads.features import Batch, Features, per_row
from harness.heads.head import Encoding, Head
from harness.heads.ragged import Array, Integers, Ragged, bounds_of, spread, take
from harness.heads.rows import Layout, assemble
from harness.heads.span_answer import decode
from harness.heads.tokeniser import Tokeniser, tokenise, tokenise_with_offsets

QUESTION_TOKENS = 64
STEP = 128


@dataclass(frozen=True, eq=False)
class Contexts:
    """Each example's context: its row of `tokens`, and `offsets` (tokens, 2) of all rows."""

    tokens: Ragged
    offsets: Array
    row: Integers

    @property
    def lengths(self) -> Integers:
        """(examples,) tokens."""
        return self.tokens.lengths[self.row]

    @property
    def starts(self) -> Integers:
        """(examples,) where the context's tokens begin."""
        return self.tokens.bounds[:-1][self.row]


@dataclass(frozen=True, eq=False)
class Windows:
    """Window i shows tokens `first[i] .. first[i] + count[i]` of the context of example `example[i]`."""

    example: Integers
    first: Integers
    count: Integers


def encode(examples: Sequence[Span], encoding: Encoding) -> Features:
    """One row per window. Columns `from` and `to` (tokens,): the characters of the context that a token
    covers, -1 outside the context; `centred` (tokens,): no other window shows this token with more context
    around it. In training instead `start` and `end` (rows,): the answer's tokens within the row; examples whose
    answer does not stand in their context are left out, those without any answer (SQuAD 2.0) point at the first
    token."""
    kept = [number for number, one in enumerate(examples) if not encoding.training or _is_trainable(one)]
    chosen = [examples[number] for number in kept]
    tokeniser = encoding.tokeniser
    limit = tokeniser.room(encoding.max_length, pair=True)
    question = tokenise(tokeniser, [one.question.strip() + tokeniser.part for one in chosen])
    asked = np.minimum(question.lengths, min(QUESTION_TOKENS, limit // 2))
    contexts = _contexts(tokeniser, [one.context for one in chosen])
    windows = cut(contexts.lengths, limit - asked)
    source = spread(contexts.starts[windows.example] + windows.first, windows.count)
    rows = assemble(
        tokeniser,
        take(Ragged(question.values[spread(question.bounds[:-1], asked)], bounds_of(asked)), windows.example),
        Ragged(contexts.tokens.values[source], bounds_of(windows.count)),
    )
    if encoding.training:
        head = len(tokeniser.pair.before) + asked[windows.example] + len(tokeniser.pair.between)
        columns = _answers(chosen, contexts, windows, head)
        assert (columns["end"] < rows.tokens.lengths).all()
    else:
        columns = _characters(rows.layout, contexts, windows, source)
    example = np.asarray(kept, np.int64)[windows.example]
    left_out = len(examples) - len(kept)
    notes = {"answers not in their context": f"{left_out} of {len(examples)}, not trained on"} if left_out else {}
    units = np.arange(len(rows.tokens) + 1)
    return Features(rows.tokens, rows.types, example, units, columns, tokeniser.pad, notes)


def _is_trainable(example: Span) -> bool:
    return not example.answers or max(example.starts) >= 0


def cut(lengths: Integers, room: Integers) -> Windows:
    """The windows of contexts of these lengths (examples,), each with room (examples,) for so many tokens: one
    starts every `STEP` tokens, until one reaches the end. Where the room is small (CLIP reads 77 tokens) the
    step is half of it, so that windows still overlap."""
    step = np.minimum(STEP, np.maximum(room // 2, 1))
    number = 1 + np.maximum(0, -((room - lengths) // step))
    example = np.repeat(np.arange(len(lengths)), number)
    first = spread(np.zeros(len(lengths), np.int64), number) * step[example]
    return Windows(example, first, np.minimum(room[example], lengths[example] - first))


def centred(windows: Windows, lengths: Integers) -> Array:
    """(tokens of all windows,): whether no other window has more context on the token's poorer side, with a
    hundredth of the window's length on top; of equal ones the first (the BERT authors' rule)."""
    at = spread(windows.first, windows.count)
    window = np.repeat(np.arange(len(windows.first)), windows.count)
    first, count = windows.first[window], windows.count[window]
    score = np.minimum(at - first, first + count - 1 - at) + 0.01 * count
    token = bounds_of(lengths)[windows.example[window]] + at
    best = np.full(int(lengths.sum()), -np.inf)
    np.maximum.at(best, token, score)
    equal = np.flatnonzero(score == best[token])
    winner = np.zeros(len(best), np.int64)
    winner[token[equal][::-1]] = window[equal][::-1]
    return np.asarray(winner[token] == window)


def _contexts(tokeniser: Tokeniser, texts: Sequence[str]) -> Contexts:
    unique = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    tokens, offsets = tokenise_with_offsets(tokeniser, list(unique))
    return Contexts(tokens, offsets, np.fromiter((unique[text] for text in texts), np.int64, len(texts)))


def _characters(layout: Layout, contexts: Contexts, windows: Windows, source: Integers) -> dict[str, Array]:
    """What an answer is cut by; `source` are the context tokens that the windows show."""
    columns = {name: layout.place(-1, -1, contexts.offsets[source, at]) for at, name in enumerate(("from", "to"))}
    return {**columns, "centred": layout.place(0, 0, centred(windows, contexts.lengths)).astype(bool)}


def _answers(examples: Sequence[Span], contexts: Contexts, windows: Windows, head: Integers) -> dict[str, Array]:
    """The answer's first and last token within each row; 0 where the window does not show all of it. `head`
    (rows,) counts the tokens before the context."""
    places = [
        next(((at, text) for at, text in zip(one.starts, one.answers, strict=True) if at >= 0), (-1, ""))
        for one in examples
    ]
    begin = np.array([at for at, _ in places], np.int64)
    end = np.array([at + len(text) for at, text in places], np.int64)
    # One sorted array for all contexts: the characters of each stand in a band of their own.
    band = int(max(contexts.offsets.max(initial=0), end.max(initial=0))) + 1
    shift = np.repeat(np.arange(len(contexts.tokens)), contexts.tokens.lengths) * band
    first = np.searchsorted(contexts.offsets[:, 1] + shift, begin + contexts.row * band, "right") - contexts.starts
    last = np.searchsorted(contexts.offsets[:, 0] + shift, end + contexts.row * band, "left") - 1 - contexts.starts
    left, right = first[windows.example] - windows.first, last[windows.example] - windows.first
    shown = (left >= 0) & (right < windows.count) & (left <= right) & (begin >= 0)[windows.example]
    return {"start": np.where(shown, head + left, 0), "end": np.where(shown, head + right, 0)}


def _targets(found: Features, units: Integers, rows: Integers) -> Batch:
    return {name: per_row(found, name, rows) for name in ("start", "end")}


def _logits(output: Any) -> Tensor:
    return torch.stack([output.start_logits, output.end_logits], dim=-1)


def _terms(logits: Tensor, batch: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """The mean of the losses of start and end, for each window. Padding does not compete (in transformers' own
    loss it does), so that the loss does not depend on how a batch is cut."""
    if "attention_mask" in batch:
        logits = logits.masked_fill(batch["attention_mask"][..., None] == 0, -torch.inf)
    losses = [
        nn.functional.cross_entropy(logits[..., at], batch[name], reduction="sum")
        for at, name in enumerate(("start", "end"))
    ]
    return (losses[0] + losses[1]) / 2, torch.tensor(len(logits), device=logits.device)


HEAD = Head(
    form="span",
    kind=kinds.QUESTION,
    auto="AutoModelForQuestionAnswering",
    table="MODEL_FOR_QUESTION_ANSWERING_MAPPING_NAMES",
    pooled=False,
    outputs=lambda labels: 2,
    encode=encode,
    targets=_targets,
    logits=_logits,
    terms=_terms,
    decode=decode,
)

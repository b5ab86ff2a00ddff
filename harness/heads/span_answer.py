"""From start and end scores to the answer's text: the best pair over all windows of a question, for all
questions at once.

The rule of transformers 2.x' `compute_predictions_logits`, which XTREME used: starts and ends are the 20 best
of a window, the answer has at most 30 tokens, both ends lie in the context, the start in the window that shows
it best. The text is cut from the context by characters, so that it is right in any script (upstream's search
in re-joined tokens breaks Chinese with XLM-R, xtreme.md fact 8)."""

from collections.abc import Sequence

import numpy as np

from harness.examples import Span
from harness.heads.features import Features
from harness.heads.ragged import Array, Integers, padded

BEST = 20
ANSWER_TOKENS = 30
# Windows decoded at once: 20 x 20 pairs each.
CHUNK = 2048


def decode(found: Features, examples: Sequence[Span], logits: Array, labels: tuple[str, ...]) -> list[str]:
    """The answer to each question, the empty string where no pair is possible. `logits` (tokens, 2). Of equal
    pairs the one in the first window wins, then that with the better start, then the better end."""
    return _texts(found, examples, _pairs(found, logits)) if examples else []


def decode_or_none(found: Features, examples: Sequence[Span], logits: Array) -> list[str]:
    """The same where a passage may hold no answer (SQuAD 2.0): the empty string where pointing at the first token, in
    the window that does so least, scores higher than the best pair (BERT's rule with threshold 0)."""
    if not examples:
        return []
    best = _pairs(found, logits)
    none = np.full(len(examples), np.inf)
    np.minimum.at(none, found.example, logits[found.tokens.bounds[:-1]].astype(np.float64).sum(axis=1))
    answers = _texts(found, examples, best)
    return ["" if empty else text for empty, text in zip((none > best[0]).tolist(), answers, strict=True)]


def _pairs(found: Features, logits: Array) -> tuple[Array, Integers, Integers]:
    """Each question's best pair over its windows: its score, its first and its last token."""
    rows = len(found.tokens)
    parts = [_windows(found, logits, np.arange(at, min(at + CHUNK, rows))) for at in range(0, rows, CHUNK)]
    score, first, last = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    order = np.lexsort((-score, found.example))
    example = found.example[order]
    best = order[np.flatnonzero(np.diff(example, prepend=-1))]
    return score[best], first[best], last[best]


def _texts(found: Features, examples: Sequence[Span], best: tuple[Array, Integers, Integers]) -> list[str]:
    score, first, last = best
    assert len(score) == len(examples), "a question has no window"
    begin, end = found.columns["from"][first].tolist(), found.columns["to"][last].tolist()
    possible = np.isfinite(score).tolist()
    return [
        one.context[a:b].strip() if there else ""
        for one, a, b, there in zip(examples, begin, end, possible, strict=True)
    ]


def _windows(found: Features, logits: Array, rows: Integers) -> tuple[Array, Integers, Integers]:
    """For each of these windows its best pair: the sum of its scores (-inf: there is none), and the flat
    numbers of its first and last token."""
    starts, lengths = found.tokens.bounds[:-1][rows], found.tokens.lengths[rows]
    inside = found.columns["from"] >= 0
    a, b = (_best(padded(logits[:, at], starts, lengths, -np.inf)) for at in (0, 1))
    flat_a, flat_b = (np.minimum(starts[:, None] + one, len(inside) - 1) for one in (a, b))
    may_start = (inside & found.columns["centred"])[flat_a] & (a < lengths[:, None])
    may_end = inside[flat_b] & (b < lengths[:, None])
    tokens = b[:, None, :] - a[:, :, None]
    possible = may_start[:, :, None] & may_end[:, None, :] & (tokens >= 0) & (tokens < ANSWER_TOKENS)
    scores = logits[flat_a, 0].astype(np.float64)[:, :, None] + logits[flat_b, 1].astype(np.float64)[:, None, :]
    scores = np.where(possible, scores, -np.inf).reshape(len(rows), -1)
    pair = scores.argmax(axis=1)
    at = np.arange(len(rows))
    return scores[at, pair], flat_a[at, pair // b.shape[1]], flat_b[at, pair % b.shape[1]]


def _best(scores: Array) -> Integers:
    """(rows, <= 20): the places of each row's best scores, the best first, of equal ones the first."""
    count = min(BEST, scores.shape[1])
    found = np.argpartition(-scores, count - 1, axis=1)[:, :count]
    found.sort(axis=1)
    order = np.argsort(-np.take_along_axis(scores, found, axis=1), axis=1, kind="stable")
    return np.asarray(np.take_along_axis(found, order, axis=1), np.int64)

"""Batches of rows to score: a pure function of the requests and a budget, so that an interrupted run redoes the
same batches with the same floating-point results."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.likelihood.sharing import Row, share

# Tokens computed at once, tokens held in keys and values at once, numbers in a table of logits.
TOKENS = {"cpu": 2048, "other": 16384}
HELD = 8
CELLS = 64_000_000


@dataclass(frozen=True)
class Request:
    """Tokens of a context (never empty) and of the continuation whose probability is asked for (never empty)."""

    context: tuple[int, ...]
    continuation: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Scored:
    """A row of input tokens after the batch's prefix, and the continuations read from it: each is (number of the
    request, its tokens); its last token is predicted at the row's last place."""

    tokens: Row
    targets: tuple[tuple[int, tuple[int, ...]], ...]


@dataclass(frozen=True, eq=False)
class Batch:
    """Rows that are computed together, after tokens that all of them begin with."""

    prefix: tuple[int, ...]
    rows: tuple[Scored, ...]

    @property
    def key(self) -> str:
        """Hex over the content: equal batches give equal answers, whatever the numbers of their requests."""
        made = hashlib.blake2b(repr(self.prefix).encode(), digest_size=16)
        for row in self.rows:
            made.update(row.tokens.tobytes())
            made.update(repr([tokens for _, tokens in row.targets]).encode())
        return made.hexdigest()

    @property
    def requests(self) -> list[int]:
        """Numbers of the requests, in the order of the answers."""
        return [number for row in self.rows for number, _ in row.targets]


@dataclass(frozen=True)
class Budget:
    """What a batch may hold; see the constants above."""

    tokens: int
    vocabulary: int
    longest: int
    sharing: bool = True

    @property
    def places(self) -> int:
        """Rows of a table of logits."""
        return max(1, CELLS // self.vocabulary)


def cut(request: Request, longest: int) -> int:
    """How many tokens of the context fall away on the left, as lm-eval cuts."""
    return max(0, len(request.context) + len(request.continuation) - longest - 1)


def batches(requests: Sequence[Request], budget: Budget) -> list[Batch]:
    """All batches of a set of requests, the largest first within each shared beginning."""
    rows: dict[bytes, list[int]] = {}
    tokens: dict[bytes, Row] = {}
    for number, one in enumerate(requests):
        row = np.array((one.context + one.continuation)[-(budget.longest + 1) :][:-1], np.int32)
        rows.setdefault(row.tobytes(), []).append(number)
        tokens[row.tobytes()] = row
    keys = list(rows)
    read = [max(len(requests[number].continuation) for number in rows[key]) for key in keys]
    inputs = [tokens[key] for key in keys]
    if budget.sharing:
        groups = [
            (one.rows, one.prefix) for one in share(inputs, [len(a) - b for a, b in zip(inputs, read, strict=True)])
        ]
    else:
        groups = [(tuple(range(len(keys))), 0)]
    out: list[Batch] = []
    for members, prefix in groups:
        ordered = sorted(members, key=lambda at: (-len(inputs[at]), inputs[at].tobytes()))
        sizes = [(len(inputs[at]) - prefix, read[at]) for at in ordered]
        for part in _parts(sizes, prefix, budget):
            chosen = [
                Scored(inputs[at][prefix:], tuple((n, requests[n].continuation) for n in rows[keys[at]]))
                for at in ordered[part]
            ]
            out.append(Batch(tuple(inputs[ordered[0]][:prefix].tolist()), tuple(chosen)))
    return out


def _parts(sizes: Sequence[tuple[int, int]], prefix: int, budget: Budget) -> list[slice]:
    """Neighbouring rows (tokens, places read), the longest first, as many at a time as fit; at least one."""
    out: list[slice] = []
    start = 0
    while start < len(sizes):
        widest = sizes[start][0]
        most = min(budget.tokens // widest, HELD * budget.tokens // (prefix + widest))
        stop, places = start, 0
        while stop < len(sizes) and stop - start < max(1, most):
            places += sizes[stop][1]
            if places > budget.places and stop > start:
                break
            stop += 1
        out.append(slice(start, stop))
        start = stop
    return out

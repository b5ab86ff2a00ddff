"""Token rows as a model reads them: sequences with the tokenizer's special tokens around and between them."""

from dataclasses import dataclass

import numpy as np

from harness.heads.ragged import Array, Integers, Ragged, bounds_of, spread
from harness.heads.tokeniser import Tokeniser


@dataclass(frozen=True, eq=False)
class Layout:
    """Where the two sequences of each row lie among the flat tokens of all rows."""

    bounds: Integers
    first: Integers
    second: Integers

    def place(self, fill: int, first: Array | int, second: Array | int) -> Array:
        """(tokens,) int32: values for the tokens of the sequences, `fill` for special tokens."""
        out = np.full(int(self.bounds[-1]), fill, np.int32)
        out[self.first] = first
        out[self.second] = second
        return out


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows with their special tokens; `types` (tokens,) where the model takes them."""

    tokens: Ragged
    types: Array | None
    layout: Layout


def assemble(tokeniser: Tokeniser, first: Ragged, second: Ragged | None = None) -> Rows:
    """One row for each sequence, or pair of sequences, in the tokenizer's own template. A row that would be
    empty holds the padding token."""
    template = tokeniser.single if second is None else tokeniser.pair
    other = second.lengths if second is not None else np.zeros(len(first), np.int64)
    before, between = len(template.before), len(template.between)
    lengths = np.maximum(first.lengths + other + template.specials, 1)
    bounds = bounds_of(lengths)
    starts = [bounds[:-1]]
    for part in (before, first.lengths, between, other):
        starts.append(starts[-1] + part)
    layout = Layout(bounds, spread(starts[1], first.lengths), spread(starts[3], other))
    empty = np.zeros(0, np.int32)
    tokens = layout.place(tokeniser.pad, first.values, empty if second is None else second.values)
    types = layout.place(0, template.types[1], template.types[3]).astype(np.int8)
    for at, ids in ((0, template.before), (2, template.between), (4, template.after)):
        where = starts[at][:, None] + np.arange(len(ids))
        tokens[where] = ids
        types[where] = template.types[at]
    return Rows(Ragged(tokens, bounds), types if tokeniser.types else None, layout)

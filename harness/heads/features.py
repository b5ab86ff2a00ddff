"""What a model reads: examples as token rows, ready to be batched for training and for prediction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from harness.heads.ragged import Array, Integers, Ragged, bounds_of, padded, spread
from harness.heads.rows import Rows
from harness.heads.tokeniser import Tokeniser

Batch = dict[str, torch.Tensor]


@dataclass(frozen=True, eq=False)
class Features:
    """`tokens` are the rows, `types` (tokens,) their token types where the model takes them. Row i was made
    from example `example[i]`. `units` (units + 1,) bounds the rows that are trained on together: one row, or
    all options of a question. `columns` holds what the form adds, aligned with tokens, rows or units as its
    module says. `notes` counts what was left out."""

    tokens: Ragged
    types: Array | None
    example: Integers
    units: Integers
    columns: Mapping[str, Array]
    pad: int
    notes: Mapping[str, str] = field(default_factory=dict)

    @property
    def lengths(self) -> Integers:
        """(units,): tokens of each unit's longest row."""
        lengths = self.tokens.lengths
        return np.maximum.reduceat(lengths, self.units[:-1]) if len(lengths) else lengths


def features(tokeniser: Tokeniser, rows: Rows, example: Integers, columns: Mapping[str, Array]) -> Features:
    """Features whose rows are trained on one by one."""
    return Features(rows.tokens, rows.types, example, np.arange(len(rows.tokens) + 1), columns, tokeniser.pad)


def inputs(features: Features, rows: Integers) -> Batch:
    """`input_ids` (b, t) and what goes with them for these rows, on the CPU. Rows of equal length have no
    padding and no mask: then a row's result does not depend on the rows beside it."""
    starts, lengths = features.tokens.bounds[:-1][rows], features.tokens.lengths[rows]
    batch = {"input_ids": _tensor(padded(features.tokens.values, starts, lengths, features.pad))}
    if features.types is not None:
        batch["token_type_ids"] = _tensor(padded(features.types, starts, lengths, 0))
    if (lengths != lengths[0]).any():
        batch["attention_mask"] = _tensor(np.arange(lengths.max()) < lengths[:, None])
    return batch


def rows_of(features: Features, units: Integers) -> Integers:
    """The rows of these units, one unit after the other."""
    return spread(features.units[:-1][units], np.diff(features.units)[units])


def per_token(features: Features, column: str, rows: Integers, fill: int) -> torch.Tensor:
    """(b, t): a column aligned with tokens, padded as `inputs` pads."""
    starts, lengths = features.tokens.bounds[:-1][rows], features.tokens.lengths[rows]
    return _tensor(padded(features.columns[column], starts, lengths, fill))


def per_row(features: Features, column: str, at: Integers) -> torch.Tensor:
    """(b,): a column aligned with rows or units."""
    return _tensor(features.columns[column][at])


def merge(parts: Sequence[Features]) -> Features:
    """All rows of several features (the languages of a task), for prediction: columns are left out."""
    if len(parts) == 1:
        return parts[0]
    lengths = np.concatenate([part.tokens.lengths for part in parts])
    bounds = bounds_of(lengths)
    types = [part.types for part in parts if part.types is not None]
    return Features(
        Ragged(np.concatenate([part.tokens.values for part in parts]), bounds),
        np.concatenate(types) if types else None,
        np.concatenate([part.example for part in parts]),
        np.arange(len(bounds)),
        {},
        parts[0].pad,
    )


def _tensor(values: Array) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.int64))

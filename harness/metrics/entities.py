"""F1 over the units that tags form, by seqeval's non-strict state machine, and plain token accuracy.

Trap: XTREME feeds raw UPOS tags to it, so its POS score is F1 over runs of equal tags, and depends on
seqeval's version. `legacy` (<= 0.0.15): the type is the tag's part after its last dash, for UPOS the whole
tag, which the official tests expect. `seqeval1` (>= 0.0.16): the first letter is dropped, so that CCONJ and
SCONJ become one type and `X` and `_` have that of the `O` put between sentences. On IOB tags (PAN-X) both
agree."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError, unknown_names
from harness.metrics.score import Array, Item, Metric, f1_of, mean_of, precision_of, recall_of

Ints = NDArray[np.int64]
Marks = NDArray[np.bool_]
Sentences = Sequence[Sequence[str]]


def legacy_type(tag: str) -> str:
    """seqeval <= 0.0.15: what follows the last dash, the whole tag where there is none."""
    return tag.rsplit("-", 1)[-1]


def seqeval1_type(tag: str) -> str:
    """seqeval >= 0.0.16: the tag without its first letter and what leads up to its first dash, or `_`."""
    return tag[1:].split("-", 1)[-1] or "_"


RULES: dict[str, Callable[[str], str]] = {"legacy": legacy_type, "seqeval1": seqeval1_type}


@dataclass(frozen=True)
class Units:
    """The units of a flat sequence: (positions,) begin and type of the unit ending there, -1 for none.

    Flat: sentence by sentence, each followed by one `O`, as seqeval lays them out; its state crosses them."""

    begin: Ints
    type: Ints


def tag_metrics(rule: str = "legacy") -> tuple[Metric, Metric, Metric]:
    """`f1`, `precision`, `recall` over units, pooled over sentences (micro). Items: lists of tags.

    HarnessError for an unknown rule, and when gold and output of an item differ in length."""
    if rule not in RULES:
        raise unknown_names("rule for tags", [rule], RULES, f"Rules: {', '.join(RULES)}.")
    counted = partial(count_units, rule=rule)
    return (
        Metric("f1", counted, f1_of),
        Metric("precision", counted, precision_of),
        Metric("recall", counted, recall_of),
    )


def count_units(items: Sequence[Item], rule: str) -> Array:
    """Statistics (n, 3): units correct, predicted and gold, each counted where it ends."""
    lengths = _lengths(items)
    gold, output = units([[item.gold for item in items], [item.output for item in items]], rule)
    correct = (gold.begin >= 0) & (gold.begin == output.begin) & (gold.type == output.type)
    sentence = np.repeat(np.arange(len(items)), lengths + 1)
    marks = (correct, output.begin >= 0, gold.begin >= 0)
    counts = [np.bincount(sentence[mark], minlength=len(items)) for mark in marks]
    return np.stack(counts, axis=-1).astype(np.float64)


def units(sides: Sequence[Sentences], rule: str) -> list[Units]:
    """The units of each side, with one numbering of types for all sides."""
    flat = [list(chain.from_iterable((*tags, "O") for tags in side)) for side in sides]
    vocabulary = {tag: number for number, tag in enumerate(dict.fromkeys(chain(["O"], *flat)))}
    types = {"": 0}
    type_of = np.array([types.setdefault(RULES[rule](tag), len(types)) for tag in vocabulary])
    prefix = np.array([tag[:1] for tag in vocabulary])
    numbers = [np.fromiter(map(vocabulary.__getitem__, one), np.int64, len(one)) for one in flat]
    return [_run(tags, prefix, type_of) for tags in numbers]


def _run(tags: Ints, prefix: NDArray[np.str_], type_of: Ints) -> Units:
    """The state machine, every position at once: what ends before a position, and what starts at it, depends
    on prefix and type of this and the previous position alone. Before the first is an `O` without a type."""
    before = np.concatenate([np.zeros(1, np.int64), tags])[: len(tags)]
    types = type_of[tags]
    types_before = np.concatenate([np.zeros(1, np.int64), types])[: len(tags)]

    def among(letters: str, of: Ints) -> Marks:
        return np.isin(prefix, list(letters))[of]

    other = types != types_before
    end = among("ES", before) | (among("BI", before) & among("BSO", tags)) | (other & ~among("O.", before))
    resumed = among("ESO", before) & among("EI", tags)
    start = among("BS", tags) | resumed | (other & ~among("O.", tags))
    started = np.maximum.accumulate(np.where(start, np.arange(len(tags)), 0))
    at = np.flatnonzero(end)
    begin, kind = np.full(len(tags), -1), np.full(len(tags), -1)
    begin[at - 1], kind[at - 1] = started[at - 1], types_before[at]
    return Units(begin, kind)


def _token_hits(items: Sequence[Item]) -> Array:
    lengths = _lengths(items)
    right = [sum(one == other for one, other in zip(item.gold, item.output, strict=True)) for item in items]
    return np.stack([np.array(right, np.float64), lengths.astype(np.float64)], -1)


def _lengths(items: Sequence[Item]) -> Ints:
    for item in items:
        if len(item.gold) != len(item.output):
            raise HarnessError(
                f"Item {item.id}: {len(item.output)} predicted tags for {len(item.gold)} gold tags.",
                "Give one tag per token.",
            )
    return np.array([len(item.gold) for item in items], np.int64)


TOKEN_ACCURACY = Metric("token_accuracy", _token_hits, mean_of)

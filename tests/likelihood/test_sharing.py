"""Groups of rows with a shared beginning: against all ways to cut the sorted rows, and on planted prefixes."""

from itertools import pairwise

import numpy as np
import pytest

from harness.likelihood.sharing import OVERHEAD, Group, common, share


def _cost(rows: list[np.ndarray], groups: list[Group]) -> int:
    return sum(
        one.prefix + sum(len(rows[at]) - one.prefix for at in one.rows) + (OVERHEAD if one.prefix else 0)
        for one in groups
    )


def _cheapest(rows: list[np.ndarray], bounds: list[int]) -> int:
    """Brute force: every way to cut the sorted rows into runs, each alone or sharing all that it can."""
    order = sorted(range(len(rows)), key=lambda at: tuple(rows[at]))
    best = sum(map(len, rows))
    for cuts in range(2 ** (len(order) - 1)):
        places = [0, *(at + 1 for at in range(len(order) - 1) if cuts >> at & 1), len(order)]
        total = 0
        for start, stop in pairwise(places):
            run = order[start:stop]
            apart = sum(len(rows[at]) for at in run)
            shared = min([bounds[at] for at in run] + [common(rows[a], rows[b]) for a, b in pairwise(run)])
            together = apart - (len(run) - 1) * shared + OVERHEAD
            total += min(apart, together) if len(run) > 1 and shared > 0 else apart
        best = min(best, total)
    return best


@pytest.mark.parametrize("seed", range(12))
def test_no_way_to_cut_the_sorted_rows_is_cheaper(seed: int) -> None:
    draw = np.random.default_rng(seed)
    stems = [draw.integers(0, 3, draw.integers(0, 300)) for _ in range(3)]
    rows = [
        np.concatenate([stems[draw.integers(3)][: draw.integers(0, 300)], draw.integers(0, 3, draw.integers(1, 60))])
        for _ in range(9)
    ]
    rows = [row.astype(np.int32) for row in rows]
    bounds = [len(row) - 1 for row in rows]
    groups = share(rows, bounds)
    assert sorted(at for one in groups for at in one.rows) == list(range(9))
    for one in groups:
        assert len({tuple(rows[at][: one.prefix]) for at in one.rows}) == 1
        assert one.prefix <= min(bounds[at] for at in one.rows)
    assert _cost(rows, groups) == _cheapest(rows, bounds)


def test_subjects_are_found_and_the_rest_stays_apart() -> None:
    stems = [np.full(400, number) for number in (1, 2)]
    rows = [np.concatenate([stem, [7, 8 + at]]).astype(np.int32) for stem in stems for at in range(5)]
    rows.append(np.array([9, 9, 9], np.int32))
    groups = share(rows, [len(row) - 1 for row in rows])
    assert [sorted(one.rows) for one in groups] == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9], [10]]
    assert [one.prefix for one in groups] == [401, 401, 0]


def test_nothing_and_one_row() -> None:
    assert share([], []) == []
    assert share([np.array([1, 2], np.int32)], [1]) == [Group((0,), 0)]


def test_a_long_chain_needs_no_recursion() -> None:
    rows = [np.ones(at, np.int32) for at in range(1, 2500)]
    groups = share(rows, [len(row) for row in rows])
    assert sorted(at for one in groups for at in one.rows) == list(range(2499))

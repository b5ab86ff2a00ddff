"""Simultaneous rank sets: clear orders, ties, exact rows, and coverage by simulation."""

import numpy as np

from harness.metrics.ranks import rank_sets


def test_clear_orders_have_one_rank_each() -> None:
    assert rank_sets([0.5, 0.9, 0.7], [0.001] * 3) == [(3, 3), (1, 1), (2, 2)]
    assert rank_sets([0.5], [0.1]) == [(1, 1)]
    assert rank_sets([], []) == []


def test_what_cannot_be_told_apart_shares_its_ranks() -> None:
    assert rank_sets([0.70, 0.71, 0.30], [0.02] * 3) == [(1, 2), (1, 2), (3, 3)]


def test_exact_rows_are_ordered_exactly() -> None:
    assert rank_sets([0.5, 0.5, 0.4], [0.0] * 3) == [(1, 2), (1, 2), (3, 3)]


def test_sets_hold_the_true_ranks_of_all_rows_together() -> None:
    """Eight rows of equal truth and one better: all sets must hold at once in 95% of the draws."""
    generator = np.random.default_rng(0)
    truth = np.array([0.6] * 8 + [0.62])
    held = 0
    for _ in range(200):
        sets = rank_sets(list(truth + generator.normal(0, 0.01, 9)), [0.01] * 9)
        # Rows of equal truth may have any of ranks 2 to 9: a set fails where it excludes a tie.
        ties = all(low <= 2 and high == 9 for low, high in sets[:8])
        held += ties and sets[8][0] == 1
    assert held / 200 >= 0.95 - 2.6 * np.sqrt(0.05 * 0.95 / 200)


def test_more_rows_make_wider_sets() -> None:
    """Pairwise, 0.64 and 0.60 differ at z = 2.8; among forty rows that is nothing."""
    few = rank_sets([0.64, 0.60], [0.01, 0.01])
    many = rank_sets([0.64, 0.60, *np.linspace(0.2, 0.5, 38)], [0.01] * 40)
    assert few[1] == (2, 2)
    assert many[1] == (1, 2)

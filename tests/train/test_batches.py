"""Batches and micro-batches: each feature once, a pure function, the cheapest cut."""

from itertools import combinations, pairwise

import numpy as np
import pytest

from harness.train.batches import epoch_batches, micro_batches, padded_tokens, share

LENGTHS = np.random.default_rng(0).integers(3, 90, 103)


@pytest.mark.parametrize("pool", [1, 3, 50])
def test_an_epoch_sees_every_feature_once(pool):
    batches = epoch_batches(LENGTHS, 8, pool, (1, 0))
    assert sorted(np.concatenate(batches).tolist()) == list(range(103))
    assert sorted(map(len, batches)) == [7] + [8] * 12


def test_batches_follow_from_seed_and_epoch():
    def drawn(*draw):
        return [batch.tolist() for batch in epoch_batches(LENGTHS, 8, 4, draw)]

    assert drawn(1, 0) == drawn(1, 0)
    assert drawn(1, 0) != drawn(1, 1)
    assert drawn(1, 0) != drawn(2, 0)


def test_a_pool_saves_padding():
    def padded(pool):
        return sum(padded_tokens(batch, LENGTHS) for batch in epoch_batches(LENGTHS, 8, pool, (1, 0)))

    assert LENGTHS.sum() <= padded(50) < padded(3) < padded(1)


def test_groups_never_share_a_batch():
    groups = np.arange(103) % 3
    batches = epoch_batches(LENGTHS, 8, 4, (1, 0), groups)
    assert sorted(np.concatenate(batches).tolist()) == list(range(103))
    assert all(len(set(groups[batch])) == 1 for batch in batches)
    # shuffled: the groups take turns
    turns = [groups[batch[0]] for batch in batches]
    assert turns != sorted(turns)


def brute(lengths, budget, overhead):
    """The cost of the cheapest cutting of the lengths in falling order, all cuttings tried."""
    order = sorted(lengths, reverse=True)
    best = np.inf
    for pieces in range(1, len(order) + 1):
        for cuts in combinations(range(1, len(order)), pieces - 1):
            edges = [0, *cuts, len(order)]
            parts = [order[a:b] for a, b in pairwise(edges)]
            if all(part[0] * len(part) <= budget or len(part) == 1 for part in parts):
                best = min(best, sum(part[0] * len(part) + overhead for part in parts))
    return best


@pytest.mark.parametrize("budget", [1, 60, 200, 10**9])
@pytest.mark.parametrize("overhead", [0, 10, 64, 10**6])
def test_the_cheapest_cut_within_the_budget(budget, overhead):
    for start in range(0, 90, 9):
        batch = np.arange(start, start + 9)
        micros = micro_batches(batch, LENGTHS, budget, overhead)
        assert sorted(np.concatenate(micros).tolist()) == batch.tolist()
        sizes = [padded_tokens(micro, LENGTHS) for micro in micros]
        assert all(size <= budget or len(micro) == 1 for size, micro in zip(sizes, micros, strict=True))
        assert sum(sizes) + overhead * len(micros) == brute(LENGTHS[batch].tolist(), budget, overhead)


def test_processes_share_a_batch_by_length():
    batch = np.arange(40, 57)
    shares = [share(batch, LENGTHS, process, 4) for process in range(4)]
    assert sorted(np.concatenate(shares).tolist()) == batch.tolist()
    assert [len(one) for one in shares] == [5, 4, 4, 4]
    assert [len(share(batch[:1], LENGTHS, process, 2)) for process in range(2)] == [1, 0]

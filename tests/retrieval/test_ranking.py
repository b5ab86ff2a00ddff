"""Keys order neighbours as (similarity down, index up) does, and merging keeps the k best."""

import itertools

import torch

from harness.retrieval import ranking

SIMILARITIES = [-3.4e38, -1.5, -1e-45, -0.0, 0.0, 1e-45, 0.5, 0.5000001, 3.4e38]
INDICES = [0, 1, 2**31, 2**32 - 1]


def test_keys_order_as_similarity_then_index_do() -> None:
    pairs = list(itertools.product(SIMILARITIES, INDICES))
    similarity = torch.tensor([pair[0] for pair in pairs])
    keys = ranking.pack(similarity, torch.tensor([pair[1] for pair in pairs])).tolist()
    by_key = sorted(range(len(pairs)), key=lambda at: -keys[at])
    plain = sorted(range(len(pairs)), key=lambda at: (-similarity[at].item(), pairs[at][1]))
    assert [(similarity[at].item(), pairs[at][1]) for at in by_key] == [
        (similarity[at].item(), pairs[at][1]) for at in plain
    ]
    assert min(keys) > ranking.EMPTY


def test_keys_give_back_what_was_packed() -> None:
    similarity, index = torch.tensor([SIMILARITIES]), torch.arange(len(SIMILARITIES))[None]
    back = ranking.unpack(ranking.pack(similarity, index))
    assert back[0].tolist() == similarity.tolist()
    assert back[1].tolist() == index.tolist()


def test_an_empty_list_has_no_similarity() -> None:
    assert ranking.similarities(ranking.empty(1, 2, torch.device("cpu"))).tolist() == [[-torch.inf, -torch.inf]]


def test_merging_piece_by_piece_is_sorting_all() -> None:
    generator = torch.Generator().manual_seed(0)
    best = ranking.empty(6, 3, torch.device("cpu"))
    everything: list[list[int]] = [[] for _ in range(6)]
    for piece in range(5):
        rows = torch.randint(0, 5, (20,), generator=generator).sort().values
        keys = ranking.pack(torch.randn(20, generator=generator), torch.arange(20) + 20 * piece)
        ranking.merge(best, rows, keys)
        for row, key in zip(rows.tolist(), keys.tolist(), strict=True):
            everything[row].append(key)
    expected = [(sorted(keys, reverse=True) + [ranking.EMPTY] * 3)[:3] for keys in everything]
    assert best.tolist() == expected
    ranking.merge(best, torch.empty(0, dtype=torch.int64), torch.empty(0, dtype=torch.int64))
    assert best.tolist() == expected

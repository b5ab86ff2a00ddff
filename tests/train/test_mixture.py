"""How often each part of a mixture is drawn, against numbers worked out by hand."""

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.train.mixture import Mixing, draw, quotas
from harness.train.recipes import PAPERS_NINE, parse


@pytest.mark.parametrize(
    ("sizes", "weights", "mixing", "expected"),
    [
        ([100, 300], [1, 1], Mixing(), [100, 300]),
        ([100, 900], [1, 1], Mixing(cap=300), [100, 300]),
        # 100 : 300 weighted 3 : 1 is 300 : 300 of 400
        ([100, 300], [3, 1], Mixing(), [200, 200]),
        # roots 10 : 30 of 1,000
        ([100, 900], [1, 1], Mixing("temperature", temperature=2.0), [250, 750]),
        ([100, 900], [1, 1], Mixing("temperature", temperature=1.0), [100, 900]),
        ([100, 900], [3, 1], Mixing("weights"), [750, 250]),
        ([1, 10_000], [0.001, 1], Mixing("weights"), [10, 9991]),
        ([1, 10_000], [0.00001, 1], Mixing("weights"), [1, 10_001]),
    ],
)
def test_quotas(sizes, weights, mixing, expected):
    assert quotas(sizes, weights, mixing).tolist() == expected


def test_every_feature_is_drawn_equally_often_but_for_one():
    groups = np.repeat([0, 1], [7, 20])
    quota = np.array([10, 8])
    epochs = [draw(groups, quota, seed=3, epoch=epoch) for epoch in range(7)]
    assert all(np.bincount(groups[one]).tolist() == [10, 8] for one in epochs)
    counts = np.bincount(np.concatenate(epochs), minlength=27)
    assert (counts[:7] == 10).all()  # 70 draws of 7 features
    assert set(counts[7:].tolist()) == {2, 3}  # 56 draws of 20
    assert not np.array_equal(epochs[0], epochs[1])
    assert np.array_equal(epochs[4], draw(groups, quota, seed=3, epoch=4))


def test_recipes_with_weights():
    parts = parse("hellaswag + mlm*0.5")
    assert [(part.recipe.name, part.weight) for part in parts] == [("hellaswag", 1.0), ("mlm", 0.5)]
    assert tuple(part.recipe.name for part in parse("all9")) == PAPERS_NINE
    assert parse("squad")[0].recipe.name == "squad_v1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mnlli+squd", r"'mnlli' \(Did you mean mnli.*'squd' \(Did you mean squad"),
        ("mlm*0", "no number above 0"),
        ("mlm*1.2.3", "no number above 0"),
        ("a b", "hellaswag\\+mlm\\*0.5"),
        ("squad+squad_v1", "squad_v1 stands twice"),
        ("mlm_scratch+mlm", "stands alone"),
        ("pairs+lexical", "different layers"),
        ("", "is not a recipe"),
    ],
)
def test_recipes_that_cannot_be_read(text, message):
    with pytest.raises(HarnessError, match=message):
        parse(text)

"""The losses of captions and images against tables computed by hand; batches; equivalences."""

import math

import numpy as np
import pytest
import torch

from harness.errors import HarnessError
from harness.examples import Caption
from harness.heads.features import features
from harness.heads.ragged import Ragged, bounds_of
from harness.retrieval.images import Images
from harness.train.captioned import Units, collate, shuffled
from harness.train.dual import Table, dual_loss, several_positives, sigmoid_loss

LN = math.log


def table(scores, right, unknown=None):
    right = torch.tensor(right, dtype=torch.bool)
    unknown = torch.zeros_like(right) if unknown is None else torch.tensor(unknown, dtype=torch.bool)
    return Table(torch.tensor(scores).log(), right, unknown)


def test_several_positives_by_hand():
    """exp(score) is given. Row 0: right 2 and 6 against wrong 1 + 3: -ln 2/6 and -ln 6/10, their mean. Row 1: right 5
    against 1 + 4: -ln 1/2 (the unknown 8 counts for nothing). Row 2 has nothing right and is left out."""
    found = several_positives(
        table(
            [[2.0, 6.0, 1.0, 3.0], [1.0, 4.0, 5.0, 8.0], [1.0, 1.0, 1.0, 1.0]],
            [[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0]],
            [[0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]],
        )
    )
    first = (LN(3) + LN(10 / 6)) / 2
    assert found.item() == pytest.approx((first + LN(2)) / 2, abs=1e-6)


def test_one_positive_is_cross_entropy():
    scores = torch.randn(5, 5, generator=torch.Generator().manual_seed(1))
    found = several_positives(Table(scores, torch.eye(5).bool(), torch.zeros(5, 5).bool()))
    assert found.item() == pytest.approx(torch.nn.functional.cross_entropy(scores, torch.arange(5)).item(), abs=1e-6)


def test_a_row_without_wrong_columns_has_no_loss_and_a_gradient():
    scores = torch.zeros(1, 2, requires_grad=True)
    found = several_positives(Table(scores, torch.ones(1, 2).bool(), torch.zeros(1, 2).bool()))
    found.backward()
    assert found.item() == 0 and torch.isfinite(scores.grad).all()


def test_sigmoid_loss_by_hand():
    """-ln sigmoid(ln 3) = ln 4/3 for a right pair, -ln sigmoid(-ln 3) = ln 4 for a wrong one; unknown pairs: none."""
    found = sigmoid_loss(table([[3.0, 3.0], [3.0, 3.0]], [[1, 0], [0, 1]], [[0, 0], [1, 0]]))
    assert found.item() == pytest.approx(2 * LN(4 / 3) + LN(4), abs=1e-6)


def outputs(units=4, captions=2, width=8, seed=0):
    generator = torch.Generator().manual_seed(seed)
    texts, images = (
        torch.nn.functional.normalize(torch.randn(count, width, generator=generator), dim=1)
        for count in (units * captions, units)
    )
    batch = {"units": torch.arange(units) + 7, "keys": torch.arange(units * captions)}
    return (texts, images, torch.tensor(5.0), torch.tensor(0.0)), batch


@pytest.mark.parametrize("contrast", ["infonce", "siglip"])
def test_the_loss_is_what_two_loops_give(contrast):
    output, batch = outputs()
    texts, images, factor, _ = (one.double() for one in output)
    found, count = dual_loss(output, batch, contrast)
    assert count == 4
    scores = (texts @ images.T * factor).numpy()
    of_text = [row % 4 for row in range(8)]
    if contrast == "siglip":
        pairs = [
            math.log1p(math.exp(-scores[row, one] if of_text[row] == one else scores[row, one]))
            for row in range(8)
            for one in range(4)
        ]
        assert found.item() == pytest.approx(sum(pairs) / 2, abs=1e-4)
        return
    forward = [LN(sum(math.exp(value) for value in scores[row])) - scores[row, of_text[row]] for row in range(8)]
    back = []
    for one in range(4):
        wrong = sum(math.exp(scores[row, one]) for row in range(8) if of_text[row] != one)
        back += [LN(wrong + math.exp(scores[row, one])) - scores[row, one] for row in range(8) if of_text[row] == one]
    assert found.item() == pytest.approx(4 * (np.mean(forward) + np.mean(back)) / 2, abs=1e-4)


def test_an_equal_caption_of_another_image_is_no_negative():
    """Captions 0 and 1 (of images 0 and 1) are word for word the same: neither is wrong for the other's image."""
    output, batch = outputs(captions=1)
    same = {**batch, "keys": torch.tensor([5, 5, 6, 7])}
    texts, images, factor, _ = output
    scores = (texts @ images.T * factor).double()
    masked = scores.clone()
    masked[0, 1] = masked[1, 0] = -torch.inf
    right = torch.arange(4)
    expected = [torch.nn.functional.cross_entropy(one, right) for one in (masked, masked.T)]
    assert dual_loss(output, same, "infonce")[0].item() == pytest.approx(4 * float(sum(expected)) / 2, abs=1e-4)
    assert dual_loss(output, batch, "infonce")[0] > dual_loss(output, same, "infonce")[0]


@pytest.mark.parametrize("contrast", ["infonce", "siglip"])
def test_captions_alone_are_compared_with_one_another(contrast):
    (texts, _, factor, added), batch = outputs(units=3)
    found, count = dual_loss((texts, texts[:0], factor, added), batch, contrast)
    scores = (texts @ texts.T * factor).double().numpy()
    terms = []
    for row in range(6):
        other = (row + 3) % 6
        wrong = [scores[row, one] for one in range(6) if one % 3 != row % 3]
        if contrast == "siglip":
            terms.append(math.log1p(math.exp(-scores[row, other])) + sum(math.log1p(math.exp(one)) for one in wrong))
        else:
            terms.append(LN(sum(map(math.exp, wrong)) + math.exp(scores[row, other])) - scores[row, other])
    expected = sum(terms) / 2 if contrast == "siglip" else 3 * np.mean(terms)
    assert found.item() == pytest.approx(float(expected), abs=1e-4)
    assert count == 3


def test_perfect_vectors_lose_nothing_whatever_the_number_of_captions():
    """Captions of an image do not push each other away: the loss can vanish."""
    images = torch.eye(4)
    batch = {"units": torch.arange(4), "keys": torch.arange(12)}
    found, _ = dual_loss((images.repeat(3, 1), images, torch.tensor(100.0), torch.tensor(0.0)), batch, "infonce")
    assert found.item() == pytest.approx(0, abs=1e-6)


def units(counts):
    """Images with so many captions each; caption r is one token, 100 + r."""
    total = sum(counts)
    rows = type("R", (), {"tokens": Ragged(np.arange(total) + 100, bounds_of(np.ones(total, np.int64))), "types": None})
    tokeniser = type("T", (), {"pad": 0})
    found = features(tokeniser, rows, np.arange(total), {})
    images = Images(np.arange(len(counts), dtype=np.float32)[:, None], np.arange(len(counts)))
    return Units(found, bounds_of(np.array(counts)), np.arange(total), images)


def test_a_batch_holds_captions_of_its_images_first_ones_first():
    made = units([3, 1, 2, 5])
    torch.manual_seed(1)
    seen = set()
    for _ in range(50):
        batch = collate(made, np.array([3, 0, 1]), 2)
        rows = (batch["input_ids"][:, 0] - 100).reshape(2, 3).tolist()
        assert batch["images"][:, 0].tolist() == [3, 0, 1] == batch["units"].tolist()
        for at, (low, high) in enumerate([(6, 11), (0, 3), (3, 4)]):
            first, second = rows[0][at], rows[1][at]
            assert low <= first < high and low <= second < high
            assert (first == second) == (high - low == 1)
            seen.add((first, second))
    assert len({pair for pair in seen if pair[0] >= 6}) > 12


def captions(images, languages, several=1):
    return [
        Caption(f"i{image}", language, f"{language} {image} {number}")
        for image in range(images)
        for language in languages
        for number in range(several)
    ]


@pytest.mark.parametrize("several", [1, 3])
def test_shuffled_captions_are_all_wrong_and_share_no_anchor(several):
    own = captions(40, ["en", "de", "sw"], several)
    found = shuffled(own, seed=3)
    assert sorted(one.text for one in found) == sorted(one.text for one in own)
    assert all(one.image != f"i{one.text.split()[1]}" for one in found)
    counts = {(one.image, one.language) for one in found}
    assert len(counts) == 40 * 3
    together = {}
    for one in found:
        together.setdefault(one.image, set()).add((one.language, one.text.split()[1]))
    agree = sum(len({image for _, image in each}) < len(each) for each in together.values())
    assert agree <= 40 * several // 4
    assert shuffled(own, seed=3) == found != shuffled(own, seed=4)


def test_one_image_cannot_be_shuffled():
    with pytest.raises(HarnessError, match="too few to be shuffled"):
        shuffled(captions(1, ["en"]), seed=1)

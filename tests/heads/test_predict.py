"""A prediction depends on its item alone: not on the batch, nor on the languages beside it."""

import numpy as np
import pytest
import torch

from harness.errors import HarnessError
from harness.heads import HEADS
from harness.heads.head import Encoding
from harness.heads.model import NewHead, build
from harness.heads.predict import batches, predict

FORMS = tuple(HEADS)


@pytest.fixture(scope="module", params=FORMS)
def case(request, bert, tokeniser, examples, labels, windows):
    """(head, model, examples, features, labels) of one form."""
    head = HEADS[request.param]
    names = labels[head.form]
    model = build(bert, tokeniser, NewHead(head, names, 3)).module
    # The tiny weights are nearly constant functions: spread the head's, so that answers differ.
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.ndim > 1:
                weight.mul_(40.0 if "classifier" in name or "outputs" in name else 8.0)
    found = head.encode(examples[head.form], Encoding(tokeniser, windows[head.form], names))
    if head.form == "classify":
        with torch.no_grad():
            model.classifier.bias.copy_(-torch.from_numpy(np.median(predict(head, model, [found])[0], axis=0)))
    return head, model, examples[head.form], found, names


def test_the_forms_are_the_tasks() -> None:
    assert FORMS == ("classify", "tag", "span", "choice")
    assert all(head.form == form for form, head in HEADS.items())


def test_batch_1_is_batch_32(case) -> None:
    head, model, examples, found, names = case
    (alone,) = predict(head, model, [found], budget=1)
    (together,) = predict(head, model, [found], budget=32 * int(found.tokens.lengths.max()))
    np.testing.assert_allclose(alone, together, atol=1e-5)
    answers = head.decode(found, examples, alone, names)
    assert answers == head.decode(found, examples, together, names)
    assert len(answers) == len(examples)
    assert len({str(answer) for answer in answers}) > 1, "the test could not fail"


def test_one_language_alone_is_all_together(case, tokeniser, windows) -> None:
    head, model, examples, _, names = case
    third = len(examples) // 3
    languages = [examples[:third], examples[third : 2 * third], examples[2 * third :]]
    parts = [head.encode(one, Encoding(tokeniser, windows[head.form], names)) for one in languages]
    together = predict(head, model, parts)
    for part, one, logits in zip(parts, languages, together, strict=True):
        (alone,) = predict(head, model, [part])
        np.testing.assert_allclose(alone, logits, atol=1e-5)
        assert head.decode(part, one, alone, names) == head.decode(part, one, logits, names)


def test_two_threads_give_what_one_gives(case) -> None:
    head, model, _, found, _ = case
    (one,) = predict(head, model, [found])
    torch.set_num_threads(2)
    (two,) = predict(head, model, [found])
    assert torch.get_num_threads() == 2
    np.testing.assert_allclose(one, two, atol=1e-5)


def test_a_padded_batch_gives_the_same(case) -> None:
    """What training and other programs see: rows padded to the longest, with a mask."""
    from harness.heads.features import inputs
    from harness.heads.head import answer

    head, model, _, found, _ = case
    rows = np.sort(np.argsort(found.tokens.lengths)[[0, 1, -1]])
    assert len(set(found.tokens.lengths[rows])) > 1
    (logits,) = predict(head, model, [found])
    batch = inputs(found, rows)
    with torch.inference_mode():
        padded = answer(head, model.eval(), batch).numpy()
    for at, row in enumerate(rows):
        low, high = found.tokens.bounds[row : row + 2]
        expected = logits[row] if head.pooled else logits[low:high]
        np.testing.assert_allclose(padded[at] if head.pooled else padded[at, : high - low], expected, atol=1e-4)


def test_a_model_in_training_stays_so_and_does_not_drop_out(case) -> None:
    head, model, _, found, _ = case
    model.train()
    first, second = (predict(head, model, [found])[0] for _ in range(2))
    assert model.training
    assert np.array_equal(first, second)


def test_batches_hold_rows_of_one_length_and_every_row() -> None:
    lengths = np.random.default_rng(0).integers(1, 9, 200)
    found = batches(lengths, 24)
    assert sorted(np.concatenate(found).tolist()) == list(range(200))
    assert all(len(set(lengths[rows])) == 1 for rows in found)
    assert max(lengths[rows].sum() for rows in found) <= 24
    assert all(len(rows) == 1 for rows in batches(np.array([9, 9]), 4))
    assert batches(np.zeros(0, np.int64), 4) == []


def test_progress_ends_with_all_tokens(case) -> None:
    head, model, _, found, _ = case
    seen: list[tuple[int, int]] = []
    predict(head, model, [found], progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(found.tokens.values),) * 2
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_numbers_that_are_not_finite_are_refused(bert, tokeniser, examples, labels) -> None:
    head = HEADS["classify"]
    model = build(bert, tokeniser, NewHead(head, labels["classify"], 3)).module
    with torch.no_grad():
        model.classifier.bias[0] = float("nan")
    found = head.encode(examples["classify"][:3], Encoding(tokeniser, 48))
    with pytest.raises(HarnessError, match="not finite"):
        predict(head, model, [found])
    assert predict(head, model, []) == []

"""The loop against a plain one written out here, and its selections, notes and refusals."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from harness.errors import HarnessError
from harness.train.batches import epoch_batches
from harness.train.loop import train


def plain_loop(tiny, model, sentences, settings):
    """Whole padded batches, torch's AdamW without fusing, transformers' schedule, torch's clipping."""
    from transformers import get_linear_schedule_with_warmup

    lengths = np.array([len(one) for one in sentences])
    epochs = [epoch_batches(lengths, settings.batch_size, settings.length_pool, (42, at)) for at in range(2)]
    batches = epochs[0] + epochs[1]
    decayed = [weight for weight in model.parameters() if weight.ndim > 1]
    spared = [weight for weight in model.parameters() if weight.ndim == 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": spared, "weight_decay": 0.0}],
        lr=settings.learning_rate,
        eps=settings.epsilon,
        fused=False,
        foreach=False,
    )
    schedule = get_linear_schedule_with_warmup(optimizer, round(settings.warmup * len(batches)), len(batches))
    model.train()
    losses = []
    for batch in batches:
        total, count = tiny.sum_loss(model, tiny.collate_with(sentences)(batch.tolist()))
        loss = total / count
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), settings.clip)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("micro_tokens", [1, 24, 10**6])
def test_micro_batches_of_any_size_equal_a_plain_loop(tiny, tmp_path, micro_tokens):
    settings = replace(tiny.SETTINGS, micro_tokens=micro_tokens, clip=0.3, warmup=4 / 14)
    theirs = tiny.make_model()
    expected = plain_loop(tiny, theirs, tiny.make_sentences(), settings)
    problem = tiny.make_problem()
    trained = train(problem, settings, tmp_path)
    assert trained.steps == trained.selected == 14
    assert trained.losses == pytest.approx(expected, rel=1e-5)
    assert expected[-1] < expected[0] - 0.3
    for name, weight in problem.model.state_dict().items():
        torch.testing.assert_close(weight, theirs.state_dict()[name], rtol=1e-3, atol=2e-5, msg=name)
    assert not list(tmp_path.iterdir())


def test_moments_tell_how_far_it_is(tiny, tmp_path):
    moments = []
    problem = tiny.make_problem()
    trained = train(problem, tiny.SETTINGS, tmp_path, moments.append)
    assert [moment.step for moment in moments] == list(range(1, 15))
    assert [moment.loss for moment in moments] == list(trained.losses)
    assert all(moment.steps == 14 and moment.tokens_per_second > 0 for moment in moments)
    assert moments[-1].seconds_left == 0
    assert moments[3].seconds_left > 0
    assert trained.tokens == 2 * problem.lengths.sum()


class Judge:
    """Keeps the weights at each judgement, answers with given scores and disturbs every generator."""

    def __init__(self, scores):
        self.scores = list(scores)
        self.seen = []

    def __call__(self, model):
        assert not model.training
        self.seen.append({name: weight.clone() for name, weight in model.state_dict().items()})
        torch.manual_seed(0)
        np.random.seed(0)
        return self.scores[len(self.seen) - 1]


def test_selections(tiny, tmp_path):
    """Best: the first of equal scores. Last. Average: the mean of what was judged. Judging moves nothing."""
    scores = [0.1, 0.5, 0.5, 0.2, 0.3]
    found = {}
    for selection in ("best", "last", "average"):
        judge = Judge([*scores, 0.9])
        problem = tiny.make_problem(dropout=0.2, evaluate=judge)
        settings = replace(tiny.SETTINGS, selection=selection, evaluate_every=3)
        found[selection] = (train(problem, settings, tmp_path), judge, problem.model.state_dict())
    trained, judge, weights = found["best"]
    assert [one.step for one in trained.dev_scores] == [3, 6, 9, 12, 14]
    assert [one.score for one in trained.dev_scores] == scores
    assert (trained.selected, trained.score) == (6, 0.5)
    assert all(torch.equal(weights[name], judge.seen[1][name]) for name in weights)
    trained, last, weights = found["last"]
    assert (trained.selected, trained.score) == (14, 0.3)
    assert all(torch.equal(weights[name], last.seen[-1][name]) for name in weights)
    assert all(torch.equal(weights[name], judge.seen[-1][name]) for name in weights)
    unjudged = tiny.make_problem(dropout=0.2)
    train(unjudged, tiny.SETTINGS, tmp_path)
    assert all(torch.equal(weights[name], weight) for name, weight in unjudged.model.state_dict().items())


def test_an_average_is_the_mean_of_the_checkpoints(tiny, tmp_path):
    judge = Judge([0.1, 0.2, 0.3, 0.4, 0.5, 0.9])
    problem = tiny.make_problem(evaluate=judge)
    trained = train(problem, replace(tiny.SETTINGS, selection="average", evaluate_every=3), tmp_path)
    assert (trained.selected, trained.score) == (None, 0.9)
    for name, weight in problem.model.named_parameters():
        mean = torch.stack([one[name] for one in judge.seen[:5]]).mean(0)
        torch.testing.assert_close(weight.detach(), mean)


def test_judged_after_each_epoch_and_patience(tiny, tmp_path):
    judge = Judge([0.5, 0.4, 0.3, 0.2, 0.1])
    settings = replace(tiny.SETTINGS, selection="best", epochs=5, patience=2)
    trained = train(tiny.make_problem(evaluate=judge), settings, tmp_path)
    assert [one.step for one in trained.dev_scores] == [7, 14, 21]
    assert (trained.steps, trained.selected) == (21, 7)


def test_dropout_and_batches_follow_the_seed(tiny, tmp_path):
    def losses(seed):
        return train(tiny.make_problem(dropout=0.3), replace(tiny.SETTINGS, seed=seed), tmp_path).losses

    assert losses(1) == losses(1)
    assert losses(1) != losses(2)


def test_in_batch_negatives_are_never_split(tiny, tmp_path):
    sizes = []

    def loss(model, batch):
        sizes.append(len(batch["input_ids"]))
        return tiny.sum_loss(model, batch)

    train(tiny.make_problem(loss=loss, whole=True), replace(tiny.SETTINGS, micro_tokens=8), tmp_path)
    assert sizes == [9] * 12


def test_what_cannot_be_trained(tiny, tmp_path):
    with pytest.raises(HarnessError, match="development data"):
        train(tiny.make_problem(), replace(tiny.SETTINGS, selection="best"), tmp_path)
    with pytest.raises(HarnessError, match="nothing to train on"):
        train(tiny.make_problem(count=0), tiny.SETTINGS, tmp_path)
    with pytest.raises(HarnessError, match="no number"):
        judge = Judge([float("nan")])
        train(tiny.make_problem(evaluate=judge), replace(tiny.SETTINGS, selection="best"), tmp_path)
    with pytest.raises(HarnessError, match="float16"):
        train(tiny.make_problem(), replace(tiny.SETTINGS, dtype="float16"), tmp_path)
    with pytest.raises(HarnessError, match="no device"):
        train(tiny.make_problem(), replace(tiny.SETTINGS, device="mps"), tmp_path)

"""Settings: mistakes, the schedule against transformers' own, what a signature holds."""

import json
from dataclasses import replace

import pytest
import torch

from harness.errors import HarnessError
from harness.train.settings import TrainSettings, rate, total_steps, warmup_steps, warnings


def test_all_mistakes_are_told_at_once():
    with pytest.raises(HarnessError) as caught:
        TrainSettings(learning_rate=0, batch_size=-1, dtype="int8", selection="first", freeze="head", warmup=-1)
    for name in ("learning_rate", "batch_size", "dtype", "selection", "freeze", "warmup"):
        assert name in str(caught.value)
    assert "epochs" not in str(caught.value)


@pytest.mark.parametrize("change", [{"lora": 4, "freeze": 1}, {"layer_decay": 0.0}, {"layer_decay": 1.1}, {"clip": 0}])
def test_what_cannot_be(change):
    with pytest.raises(HarnessError):
        TrainSettings(**change)


@pytest.mark.parametrize(("warmup", "steps"), [(0.0, 7), (0.1, 25), (3, 10), (12, 10), (10, 10), (0.5, 1)])
def test_the_schedule_is_transformers_own(warmup, steps):
    from transformers import get_linear_schedule_with_warmup

    settings = TrainSettings(warmup=warmup)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = get_linear_schedule_with_warmup(optimizer, warmup_steps(settings, steps), steps)
    for step in range(steps + 1):
        assert rate(settings, step, steps) == pytest.approx(theirs.get_last_lr()[0], abs=1e-12), step
        optimizer.step()
        theirs.step()


def test_steps():
    assert total_steps(TrainSettings(epochs=3), 7) == 21
    assert total_steps(TrainSettings(epochs=0.5), 7) == 4
    assert total_steps(TrainSettings(epochs=0.001), 7) == 1
    assert total_steps(TrainSettings(epochs=3, max_steps=5), 7) == 5


def test_a_warm_up_longer_than_the_training_is_told():
    settings = TrainSettings(learning_rate=3e-5, warmup=500)
    assert warnings(settings, 501) == ()
    (told,) = warnings(settings, 180)
    assert "500" in told
    assert "180" in told
    assert "1.1e-05" in told
    assert warnings(TrainSettings(warmup=0.1), 1) != ()
    assert warnings(TrainSettings(), 1) == ()


def test_a_signature_holds_what_moves_a_score_and_no_more():
    settings = TrainSettings()
    signature = settings.as_signature()
    assert json.loads(json.dumps(signature)) == signature
    assert not set(signature) & {"seed", "device", "save_every", "micro_tokens", "patience", "lora", "freeze"}
    for change in ({"learning_rate": 1e-5}, {"freeze": "encoder"}, {"freeze": 1}, {"lora": 8}, {"patience": 3},
                   {"length_pool": 1}, {"layer_decay": 0.9}, {"dtype": "bfloat16"}, {"max_steps": 3}):  # fmt: skip
        assert replace(settings, **change).as_signature() != signature, change
    for change in ({"seed": 1}, {"device": "cpu"}, {"micro_tokens": 8}, {"save_every": 2}):
        assert replace(settings, **change).as_signature() == signature, change

"""Killed and resumed = straight through, bit by bit."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from harness.errors import HarnessError
from harness.train.loop import train


class KilledError(Exception):
    pass


def killer(step):
    def progress(moment):
        if moment.step == step:
            raise KilledError

    return progress


def scores():
    """Development scores that depend on the weights."""
    return lambda model: -float(model.classifier.weight.detach().square().sum())


def run(tiny, folder, settings, progress=None, model_seed=1):
    problem = tiny.make_problem(dropout=0.1, evaluate=scores(), model=tiny.make_model(0.1, model_seed))
    trained = train(problem, settings, folder, progress)
    return trained, problem.model.state_dict()


@pytest.mark.parametrize(
    "change",
    [{"selection": "best"}, {"selection": "average"}, {"lora": 2}, {"freeze": 1}, {"dtype": "bfloat16"}],
    ids=lambda change: "-".join(map(str, next(iter(change.items())))),
)
def test_killed_and_resumed_is_straight_through(tiny, tmp_path, change):
    settings = replace(tiny.SETTINGS, save_every=3, evaluate_every=4, **change)
    straight, expected = run(tiny, tmp_path / "straight", settings)
    for kill in (2, 4, 8, 13):
        with pytest.raises(KilledError):
            run(tiny, tmp_path / "killed", settings, killer(kill))
    assert sorted(one.name for one in (tmp_path / "killed" / "resume").iterdir()) == ["step-000000012"]
    resumed, weights = run(tiny, tmp_path / "killed", settings)
    assert resumed.losses == straight.losses
    assert resumed.dev_scores == straight.dev_scores
    assert (resumed.selected, resumed.score, resumed.tokens) == (straight.selected, straight.score, straight.tokens)
    assert all(torch.equal(weights[name], expected[name]) for name in expected)
    assert not list((tmp_path / "killed").iterdir())


def test_what_a_training_had_to_change_outlives_a_kill(tiny, tmp_path):
    """Smaller micro-batches and full precision hold after a resume, and are told once."""

    def problem():
        def loss(model, batch):
            if batch["input_ids"].numel() > 40:
                raise torch.OutOfMemoryError("out of memory")
            total, count = tiny.sum_loss(model, batch)
            mixed = model.classifier(torch.zeros(1, 16)).dtype  # outside of the model's forward: no autocast
            assert mixed == torch.float32
            return total, count

        made = tiny.make_problem(dropout=0.1, loss=loss)
        made.model.classifier.register_forward_hook(
            lambda module, inputs, output: output * float("nan") if torch.is_autocast_enabled("cpu") else output
        )
        return made

    settings = replace(tiny.SETTINGS, micro_tokens=10**6, save_every=3, dtype="bfloat16")
    one = problem()
    straight = train(one, settings, tmp_path / "straight")
    with pytest.raises(KilledError):
        train(problem(), settings, tmp_path / "killed", killer(5))
    other = problem()
    resumed = train(other, settings, tmp_path / "killed")
    assert resumed.notes == straight.notes
    assert len(resumed.notes) >= 2
    assert all(torch.equal(a, b) for a, b in zip(one.model.parameters(), other.model.parameters(), strict=True))


def test_a_state_half_written_is_not_taken_up(tiny, tmp_path):
    settings = replace(tiny.SETTINGS, save_every=3)
    _, expected = run(tiny, tmp_path / "straight", settings)
    with pytest.raises(KilledError):
        run(tiny, tmp_path / "killed", settings, killer(5))
    partial = tmp_path / "killed" / "resume" / "partial"
    partial.mkdir()
    (partial / "pytorch_model.bin").write_bytes(b"half")
    _, weights = run(tiny, tmp_path / "killed", settings)
    assert all(torch.equal(weights[name], expected[name]) for name in expected)


@pytest.mark.parametrize("change", [{"learning_rate": 1e-3}, {"seed": 7}, {"batch_size": 5}])
def test_the_state_of_another_training_is_refused(tiny, tmp_path, change):
    settings = replace(tiny.SETTINGS, save_every=3)
    with pytest.raises(KilledError):
        run(tiny, tmp_path, settings, killer(5))
    with pytest.raises(HarnessError, match="unfinished training"):
        run(tiny, tmp_path, replace(settings, **change))
    with pytest.raises(HarnessError, match="unfinished training"):
        run(tiny, tmp_path, settings, model_seed=2)


def test_the_state_is_kept_when_its_time_has_come(tiny, tmp_path, monkeypatch):
    settings = replace(tiny.SETTINGS, save_every=None)
    with pytest.raises(KilledError):
        run(tiny, tmp_path, settings, killer(5))
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr("harness.train.loop.SAVE_SECONDS", 0.0)
    with pytest.raises(KilledError):
        run(tiny, tmp_path, settings, killer(5))
    assert [one.name for one in (tmp_path / "resume").iterdir()] == ["step-000000004"]


def test_a_process_that_is_killed(tiny, tmp_path):
    program = [sys.executable, str(Path(tiny.__file__)), str(tmp_path / "killed"), "8", "dropout"]
    threads = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(program, check=False, capture_output=True, env=threads)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "killed" / "resume" / "step-000000006").is_dir()
    settings = replace(tiny.SETTINGS, save_every=3)
    models = []
    for folder in ("killed", "straight"):
        problem = tiny.make_problem(dropout=0.1)
        train(problem, settings, tmp_path / folder)
        models.append(problem.model.state_dict())
    assert all(torch.equal(models[0][name], models[1][name]) for name in models[0])

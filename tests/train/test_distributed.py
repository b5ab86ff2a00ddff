"""Two processes = one: torchrun on gloo, dropout 0, weights in each or shared out (FSDP). (`accelerate launch --cpu`
would run one without a word.)"""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.train.loop import train


def run(tiny, folder, kill_at=0, how="plain"):
    """What each of two processes says at its end; None where they were killed."""
    folder.mkdir(exist_ok=True)
    program = [str(Path(tiny.__file__)), str(folder), str(kill_at), how]
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", *program]
    done = subprocess.run(launch, check=False, capture_output=True, text=True, timeout=200)
    assert (done.returncode == 0) == (kill_at == 0), done.stderr[-3000:]
    return None if kill_at else [json.loads((folder / f"process{rank}.json").read_text()) for rank in range(2)]


@pytest.mark.parametrize("how", ["plain", "shard"])
def test_two_processes_learn_what_one_learns(tiny, tmp_path, how):
    found = run(tiny, tmp_path, how=how)
    assert [one["processes"] for one in found] == [2, 2]
    problem = tiny.make_problem()
    alone = train(problem, tiny.SETTINGS, tmp_path)
    assert alone.processes == 1
    norms = {name: weight.double().norm().item() for name, weight in problem.model.named_parameters()}
    for one in found:
        assert one["losses"] == pytest.approx(alone.losses, abs=1e-4)
        assert one["norms"] == pytest.approx(norms, rel=1e-3, abs=1e-5)
        assert one["tokens"] == alone.tokens
    assert max(alone.losses) - min(alone.losses) > 0.3
    assert not (tmp_path / "resume").exists()


def test_a_sharded_training_that_was_killed_goes_on(tiny, tmp_path):
    """With dropout: the same draws, weights and states of the optimizer."""
    assert run(tiny, tmp_path / "killed", kill_at=8, how="shard-dropout") is None
    assert [one.name for one in (tmp_path / "killed" / "resume").glob("step-*")] == ["step-000000006"]
    resumed, straight = (run(tiny, tmp_path / name, how="shard-dropout") for name in ("killed", "straight"))
    assert resumed == straight


def test_one_process_has_nothing_to_share(tiny, tmp_path):
    with pytest.raises(HarnessError, match="torchrun"):
        train(tiny.make_problem(), replace(tiny.SETTINGS, shard=True), tmp_path)


def test_processes_that_would_each_train_alone_are_refused(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert "LOCAL_RANK" not in os.environ
    with pytest.raises(HarnessError, match="torchrun"):
        train(tiny.make_problem(), tiny.SETTINGS, tmp_path)

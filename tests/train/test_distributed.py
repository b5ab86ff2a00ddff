"""Two processes = one: torchrun on gloo, dropout 0. (`accelerate launch --cpu` would run one without a
word.)"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.train.loop import train


def test_two_processes_learn_what_one_learns(tiny, tmp_path):
    program = str(Path(tiny.__file__))
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", program, str(tmp_path), "0"]
    done = subprocess.run([sys.executable, *launch], check=False, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-3000:]
    found = [json.loads((tmp_path / f"process{rank}.json").read_text()) for rank in range(2)]
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


def test_processes_that_would_each_train_alone_are_refused(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert "LOCAL_RANK" not in os.environ
    with pytest.raises(HarnessError, match="torchrun"):
        train(tiny.make_problem(), tiny.SETTINGS, tmp_path)

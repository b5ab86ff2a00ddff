"""`harness train` under torchrun: two processes learn what one learns; killed and started again, the same bits."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import tiny_models
from safetensors.torch import load_file

ROOT = Path(__file__).resolve().parents[2]
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
FLAGS = ("--data", "bundled", "--quiet", "--device", "cpu", "--max-steps", "12", "--batch-size", "8")
FLAGS += ("--learning-rate", "1e-3", "--max-length", "48", "--limit", "40", "--dev-limit", "8")


def run(*arguments, processes=1, kill_at=None):
    """`harness train` in one process or under torchrun; kills itself after a step."""
    launch = (
        ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(processes)] if processes > 1 else []
    )
    program = ["-m", "harness", "train"] if kill_at is None else ["-c", KILLED.format(kill_at=kill_at)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *launch, *program, *arguments, *FLAGS]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=300, env=environment)


KILLED = """
import os, signal, sys
from harness.train import intermediate
true = intermediate.train
def train(problem, settings, folder, progress):
    def report(moment):
        progress(moment)
        if moment.step == {kill_at}:
            os.kill(os.getpid(), signal.SIGKILL)
    return true(problem, settings, folder, report)
intermediate.train = train
from harness.cli import main
sys.exit(main(["train", *sys.argv[1:]]))
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A tiny BERT without dropout."""
    return tiny_models.save_model(tmp_path_factory.mktemp("base") / "base", "bert", "masked-lm", **NO_DROPOUT)


def manifest(folder):
    return json.loads((folder / "manifest.json").read_text("utf-8"))


def test_two_processes_learn_what_one_learns(base, tmp_path):
    """A loss over the global count of terms; negatives gathered over both processes."""
    for processes in (1, 2):
        place = ["--base", str(base), "--output", str(tmp_path / str(processes))]
        done = run("--recipe", "mnli+ccg+pairs*2", *place, processes=processes)
        assert done.returncode == 0, done.stderr[-3000:]
    alone, both = (manifest(tmp_path / name) for name in ("1", "2"))
    assert (alone["training"]["processes"], both["training"]["processes"]) == (1, 2)
    assert both["training"]["losses"] == pytest.approx(alone["training"]["losses"], abs=1e-4)
    assert max(alone["training"]["losses"]) - min(alone["training"]["losses"]) > 0.01
    weights = [load_file(tmp_path / name / "model.safetensors") for name in ("1", "2")]
    untouched = load_file(base / "model.safetensors")
    for name, weight in weights[0].items():
        assert weight.sub(weights[1][name]).abs().max() < 1e-3, name
    heads = [name for name in untouched if name.startswith("cls.")]
    assert heads and all(weights[1][name].equal(untouched[name]) for name in heads)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "2"]


def test_two_processes_see_each_others_images(base, tmp_path):
    """English captions are one for each image: no draw of captions differs between one process and two."""
    for processes in (1, 2):
        place = ["--base", str(base), "--output", str(tmp_path / str(processes)), "--train-languages", "en"]
        done = run("--recipe", "image_text", *place, "--image-size", "16", processes=processes)
        assert done.returncode == 0, done.stderr[-3000:]
    losses = [manifest(tmp_path / name)["training"]["losses"] for name in ("1", "2")]
    assert losses[1] == pytest.approx(losses[0], abs=1e-3)
    towers = [load_file(tmp_path / name / "image_text" / "tower.safetensors") for name in ("1", "2")]
    assert all(towers[1][name].sub(one).abs().max() < 1e-2 for name, one in towers[0].items())


def test_killed_and_started_again_is_straight_through(tmp_path):
    """With dropout, masking and a base from scratch."""
    flags = ["--recipe", "mlm_scratch", "--vocabulary", "300", "--layers", "1", "--width", "16", "--heads", "2"]
    flags += ["--positions", "48", "--save-every", "4"]
    killed = run(*flags, "--output", str(tmp_path / "killed"), kill_at=7)
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-3000:]
    assert not (tmp_path / "killed").exists()
    assert [path.name for path in (tmp_path / "killed.state" / "resume").iterdir()] == ["step-000000004"]
    for name in ("killed", "straight"):
        done = run(*flags, "--output", str(tmp_path / name))
        assert done.returncode == 0, done.stderr[-3000:]
    for name in ("model.safetensors", "tokenizer.json", "config.json", "training.npz"):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "straight" / name).read_bytes(), name
    both = [manifest(tmp_path / name) for name in ("killed", "straight")]
    for one in both:
        del one["run"]
    assert both[0] == both[1]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["killed", "straight"]

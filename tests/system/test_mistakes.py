"""Typos, missing files and flags that do not go together, over all commands: one sentence and exit code 2."""

import shlex
from pathlib import Path

import numpy as np
import pytest
import tiny_models as tiny
from made_results import Made, write

from harness.cli import main

EVAL = "eval --model ckpt --data bundled"
TRAIN = "train --recipe mnli --base ckpt --data bundled --output out"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mistakes")
    for name in ("ckpt", ".hidden"):
        tiny.save_model(folder / name)
    (folder / "empty").write_text("\n\n", "utf-8")
    for name in ("a", "b"):
        write(folder / "results", Made(name), {"de": np.arange(30) % 3 > 0})
    (folder / "afile").write_text("x\n", "utf-8")
    (folder / "full").mkdir()
    (folder / "full/something").write_text("", "utf-8")
    (folder / "folder").mkdir()
    return folder


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (f"{EVAL} --tasks xnlii", "Did you mean xnli?"),
        (f"{EVAL} --tasks tatoeba --device gpu", "'gpu' names no device"),
        (f"{EVAL} --tasks tatoeba --device cuda:77", "CUDA devices here"),
        (f"{EVAL} --tasks xnli --freeze 77", "ckpt has 2 layers, --freeze 77 is more"),
        (f"{EVAL} --tasks xnli --epochs inf", "epochs is inf"),
        (f"{EVAL} --tasks xnli --warmup nan", "warmup is nan"),
        (f"{EVAL} --tasks xnli --include afile", "is no Python file"),
        ("eval --model nowhere --tasks xnli", "neither a folder"),
        ("eval --model .hidden --data bundled --tasks tatoeba", "would be a hidden folder"),
        ("mine --source empty --target afile --model ckpt --output o.tsv --dry-run", "empty holds no sentence"),
        ("mine --source afile --target afile --model ckpt --output afile/o.tsv", "afile"),
        (f"{TRAIN} --recipe mnlii", "Did you mean mnli"),
        (f"{TRAIN} --output full", "holds no training"),
        (f"{TRAIN} --learning-rate nan", "learning_rate is nan"),
        (f"{TRAIN} --mixing temperature --temperature nan", "must be above 0"),
        ("train --recipe mlm_scratch --data bundled --output out --dropout 2", "--dropout 2.0"),
        ("leaderboard nowhere", "does not exist"),
        ("leaderboard results --plots", "needs --output"),
        ("leaderboard results --reference a", "is for --plots"),
        ("leaderboard results --checkpoint a", "is for --model-card"),
        ("leaderboard results --model-card card.md", "--checkpoint"),
        ("leaderboard results --output afile", "cannot be written"),
        ("compare results a c", "Unknown checkpoint: 'c'"),
        ("compare results a b:nope", "no results under nope"),
        ("check results", "Give either --baseline or --freeze"),
        ("check results --baseline afile --checkpoint a", "afile cannot be read"),
        ("check results --baseline results --checkpoint a --junit folder", "cannot be written"),
        ("score --predictions nowhere --labels results", "No such folder: nowhere"),
        ("export results nope", "Unknown checkpoint: 'nope'"),
        ("data verify --data nowhere", "does not exist"),
        ("data fetch --tasks xnli --data afile", "afile is a file"),
        ("data overlap folder --tasks xnli", "has no manifest.json"),
        ("list tasks --include nowhere.py", "does not exist"),
        ("lm-eval run --model harness --tasks nope", "Tasks not found: nope"),
    ],
)
def test_a_mistake_is_one_sentence(
    command: str, said: str, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(place)
    assert main(shlex.split(command)) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("harness: ")]
    assert said in line


@pytest.mark.parametrize(
    "command", [f"{TRAIN} --seed -1", f"{EVAL} --tasks xnli --seeds 1,x", "check results --tolerance -1", "evl", "list"]
)
def test_a_flag_that_cannot_be_read_is_named(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(shlex.split(command))
    assert ended.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_the_doctor_says_what_is_wrong_with_a_model(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--model", str(place / "folder")]) == 2
    assert "it has no config.json" in capsys.readouterr().out

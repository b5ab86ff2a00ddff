"""`harness lm-eval`: our models are there under their names and answer lm-eval's own tasks as `hf` does."""

import json
from pathlib import Path

import lm_eval
import pytest
from lm_eval.api.registry import get_model
from tiny_models import save_model

from harness.cli import main
from harness.errors import HarnessError
from harness.protocols.lm_eval_command import register

TASK = """
task: twos
dataset_path: json
output_type: multiple_choice
test_split: test
doc_to_text: "{{question}}"
doc_to_choice: ["one", "two"]
doc_to_target: 0
"""


def test_our_models_are_registered(tmp_path: Path) -> None:
    folder = save_model(tmp_path / "llama", "llama", "causal-lm", tokenizer="decoder")
    register()
    register()
    ours = get_model("harness").create_from_arg_string(
        f"pretrained={folder},dtype=float32", {"batch_size": 4, "device": "cpu", "max_batch_size": None}
    )
    theirs = get_model("hf").create_from_arg_string(f"pretrained={folder},dtype=float32", {"device": "cpu"})
    from lm_eval.api.instance import Instance

    texts = ["Der schnelle Fuchs springt.", "敏捷的棕色狐狸" * 150]
    asked = [Instance("loglikelihood_rolling", {}, (text,), 0) for text in texts]
    assert ours.loglikelihood_rolling(asked) == pytest.approx(theirs.loglikelihood_rolling(asked), rel=1e-5)
    masked = save_model(tmp_path / "bert", "bert", "masked-lm")
    pseudo = get_model("harness-masked").create_from_arg_string(f"pretrained={masked},masking=salazar")
    assert pseudo.masking == "salazar"
    with pytest.raises(HarnessError, match="writes no text"):
        pseudo.generate_until([])


def test_the_command_is_lm_evals(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        main(["lm-eval", "run", "--help"])
    assert done.value.code == 0
    assert "--model_args" in capsys.readouterr().out


def test_a_task_file_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through the command, on a task of lm-eval's YAML form; its index of 14,000 files is left out."""
    from lm_eval.tasks import TaskManager

    folder = save_model(tmp_path / "llama", "llama", "causal-lm", tokenizer="decoder")
    (tmp_path / "twos.jsonl").write_text('{"question": "1 + 1 ="}\n' * 3, "utf-8")
    files = f'dataset_kwargs:\n  data_files:\n    test: "{tmp_path / "twos.jsonl"}"\n'
    (tmp_path / "twos.yaml").write_text(TASK + files, "utf-8")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    plain = TaskManager.__init__
    monkeypatch.setattr(
        TaskManager, "__init__", lambda self, *a, **k: plain(self, *a, **{**k, "include_defaults": False})
    )
    given = ["run", "--model", "harness", "--model_args", f"pretrained={folder}", "--device", "cpu"]
    given += ["--tasks", "twos", "--include_path", str(tmp_path), "--output_path", str(tmp_path / "out")]
    assert main(["lm-eval", *given]) == 0
    (found,) = (tmp_path / "out").rglob("results*.json")
    assert json.loads(found.read_text("utf-8"))["n-samples"]["twos"]["effective"] == 3
    assert lm_eval.__file__

"""The README's commands, run as they stand there: evaluations as far as their plan, all others to the end."""

import json
import re
import shlex
import shutil
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import tiny_models as tiny
from made_results import LABELS, Made, correlated, write

from harness.cli import main

README = Path(__file__).resolve().parents[2] / "README.md"
# These fetch data: tests/protocols/test_lm_eval_command.py and tests/tasks/test_fetch.py try them without a network.
FETCHING = (["lm-eval", "run"], ["data", "fetch"])


def _commands() -> list[list[str]]:
    """What stands after `harness` in each command of the README."""
    lines = [
        line.partition("#")[0] for line in README.read_text("utf-8").splitlines() if line.startswith("    harness ")
    ]
    found = [shlex.split(part)[1:] for line in lines for part in line.split(";")]
    return [one for one in found if one[:2] not in FETCHING]


PLANNED = [one for one in _commands() if one[0] in ("eval", "study")]
MAKING = [one for one in _commands() if one[0] in ("mine", "train", "data", "list", "doctor")]
USING = [one for one in _commands() if one[0] in ("leaderboard", "compare", "check", "export", "score")]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that the README names."""
    folder = tmp_path_factory.mktemp("readme")
    for name in ("ckpt", "run/checkpoint-1", "run/checkpoint-2"):
        tiny.save_model(folder / name)
    tiny.save_model(folder / "encoder", head="masked-lm")
    tiny.save_model(folder / "causal-lm", "llama", "causal-lm", tokenizer="decoder")
    tiny.save_model(folder / "xnli-tuned", head="sequence-classification", labels=LABELS)
    exams(shutil.copytree(Path(str(files("harness"))) / "data" / "demo", folder / "DIR"))
    for code, text in (("de", "Hund"), ("en", "dog")):
        (folder / f"{code}.txt").write_text("".join(f"{text} {at}\n" for at in range(20)), "utf-8")
    generator = np.random.default_rng(0)
    right = {code: generator.random(300) < 0.7 for code in ("de", "en", "sw")}
    for name in ("ckpt", "ckpt-a", "ckpt-b"):
        write(folder / "results", Made(name), {code: correlated(generator, one, 0.1) for code, one in right.items()})
    return folder


def exams(data: Path) -> None:
    """The bundled validation questions once more as test sets of two exams."""
    for code in ("de", "zh"):
        shutil.copy(data / f"m_mmlu/{code}_val.json", data / f"m_mmlu/{code}_test.json")
    rows = json.loads((data / "m_mmlu/de_val.json").read_text("utf-8"))
    (data / "global_mmlu").mkdir()
    for split in ("test", "dev"):
        named = ({**one, "sample_id": one["id"], "subject": one["id"].partition("/")[0]} for one in rows)
        lines = (json.dumps({**one, "question": one["instruction"]}) for one in named)
        (data / f"global_mmlu/de_{split}.jsonl").write_text("\n".join(lines) + "\n", "utf-8")


def test_every_command_is_tried() -> None:
    assert len(PLANNED) >= 10
    assert len(MAKING) >= 7
    assert {one[0] for one in USING} == {"leaderboard", "compare", "check", "export", "score"}
    assert len(PLANNED) + len(MAKING) + len(USING) == len(_commands())


def test_every_link_leads_to_a_file() -> None:
    linked = re.findall(r"\]\(([^)#:]+)\)", README.read_text("utf-8"))
    assert len(linked) >= 8
    assert [one for one in linked if not (README.parent / one).is_file()] == []


@pytest.mark.parametrize("command", PLANNED, ids=" ".join)
def test_a_run_is_planned(command: list[str], place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    data = [] if "--data" in command else ["--data", "DIR"]
    # The results at hand were made up: a run into their folder would be refused.
    assert main([*command, *data, "--output", "planned", "--dry-run", "--quiet"]) == 0


def test_a_checkpoint_is_made_and_looked_at(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    for command in MAKING:
        few = ["--max-steps", "2", "--device", "cpu", "--quiet"] if command[0] == "train" else []
        assert main([*command, *few]) == 0, command
    assert (place / "ckpt/mnli/manifest.json").is_file()
    assert 0 < len((place / "pairs.tsv").read_text("utf-8").splitlines()) <= 20


def test_the_numbers_are_used(place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Page, comparison, gate, model card, submission and report, in the README's order."""
    monkeypatch.chdir(place)
    said = {}
    for command in USING:
        # The results hold three checkpoints; in the README there is one to freeze, and one to judge.
        chosen = ["--checkpoint", "ckpt"] if command[0] == "check" else []
        assert main([*command, *chosen]) == 0, command
        said[" ".join(command[:3])] = capsys.readouterr().out
    page = (place / "site/index.html").read_text("utf-8")
    assert all(f">{name}</bdi>" in page for name in ("ckpt", "ckpt-a", "ckpt-b"))
    assert "B - A" in said["compare results ckpt-a"]
    assert "Gate passed" in said["check results --baseline"]
    assert "model-index:" in (place / "ckpt/README.md").read_text("utf-8")
    assert (place / "submission/xnli/test-sw.tsv").is_file()
    assert "xnli (percent)" in said["score --predictions submission"]

"""`--protocol prompt`: equal to lm-eval's own model on its definitions and on our templates, through the command."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_models import save_model

from harness.cli import main
from harness.store import Result, Store

LANGUAGES = {"xnli": "de", "pawsx": "zh", "xquad": "es", "mlqa": "ar"}
Run = Callable[..., int]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {
        "llama": save_model(folder / "llama", "llama", "causal-lm", tokenizer="decoder"),
        "t5": save_model(folder / "t5", "t5", "seq2seq", tokenizer="seq2seq", decoder_start_token_id=1),
        "bert": save_model(folder / "bert", "bert"),
    }


def evaluate(model: Path, output: Path, *more: str, data: str = "bundled") -> int:
    given = ["--model", str(model), "--protocol", "prompt", "--data", data, "--output", str(output), "--quiet"]
    return main(["eval", *given, *more])


def _result(output: Path, task: str, language: str) -> Result:
    return next(one for one in Store(output).results() if (one.task, one.language) == (task, language))


def _values(result: Result) -> dict[str, float]:
    return {score.metric: score.value for score in result.scores}


@pytest.mark.parametrize("family", ["llama", "t5"])
def test_our_model_answers_as_lm_evals_own(models: dict[str, Path], family: str) -> None:
    from lm_eval.models.huggingface import HFLM

    from harness.prompts.templates import TEMPLATES
    from harness.protocols.lm_eval_model import HarnessLM
    from harness.protocols.lm_eval_tasks import Prepared, ask, defined, definition
    from harness.tasks import get_task
    from harness.tasks.source import open_source

    ours = HarnessLM.create_from_arg_string(f"pretrained={models[family]},device=cpu")
    theirs = HFLM(pretrained=str(models[family]), dtype="float32", device="cpu", batch_size=4)
    for task, language in LANGUAGES.items():
        written = task in ("xquad", "mlqa")
        examples: Any = get_task(task).load(open_source("bundled"), language, "test", 1 if written else 4).examples
        path = definition(task, language)
        assert path is not None

        def asked(task: str = task, path: Path = path, examples: Any = examples) -> dict[str, Any]:
            some = TEMPLATES[task][: 1 if task in ("xquad", "mlqa") else 3]
            own = {one.name: Prepared(one.name, [one.render(example) for example in examples]) for one in some}
            return {"lm-eval": defined(path, examples), **own}

        found, expected = ask(ours, asked()), ask(theirs, asked())
        assert {name: sorted(replies) for name, replies in found.items()} == {
            name: sorted(replies) for name, replies in expected.items()
        }
        for name, replies in found.items():
            for number, reply in replies.items():
                # A sum of 200 float32 numbers, as lm-eval's is, moves by its own last digits (1e-4 at -1000).
                assert reply.log_likelihoods == pytest.approx(expected[name][number].log_likelihoods, abs=3e-4)
                assert reply.text == expected[name][number].text
                assert reply.values == expected[name][number].values


def test_templates_and_lm_evals_reading_stand_side_by_side(models: dict[str, Path], tmp_path: Path) -> None:
    assert evaluate(models["llama"], tmp_path, "--tasks", "xnli", "--languages", "de,en", "--limit", "20") == 0
    result = _result(tmp_path, "xnli", "de")
    values = _values(result)
    chosen = result.measured["chosen"]
    assert result.main is not None
    assert result.main.metric == "accuracy"
    assert values["accuracy"] == values[f"accuracy_{chosen}"]
    singles = [values[f"accuracy_{name}"] for name in ("statement", "follows", "question")]
    assert values["accuracy_template_mean"] == pytest.approx(sum(singles) / 3)
    assert values["accuracy_template_spread"] == pytest.approx(max(singles) - min(singles))
    assert "accuracy_lm_eval" in values
    assert f"chosen:{chosen}" in result.main.signature
    assert "xnli dev en" in result.main.signature
    assert result.measured["chosen"] == _result(tmp_path, "xnli", "en").measured["chosen"]
    best = dict(part.rsplit(" ", 1) for part in result.measured["chosen_by"].split(", "))
    assert float(best[chosen]) == max(map(float, best.values()))
    assert result.protocol == "prompt"


def test_a_second_run_does_nothing_and_a_lost_result_needs_no_model_pass(
    models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ["--tasks", "pawsx", "--languages", "de", "--limit", "10"]
    assert evaluate(models["llama"], tmp_path, *run) == 0
    path = next(tmp_path.glob("llama/pawsx/*/de.seed0.json"))
    before = path.read_bytes()
    path.unlink()
    from harness.likelihood import causal

    monkeypatch.setattr(causal, "_answers", lambda *given: pytest.fail("computed again"))
    assert evaluate(models["llama"], tmp_path, *run) == 0
    assert path.read_bytes() == before


def test_one_template_alone_and_lm_evals_alone(models: dict[str, Path], tmp_path: Path) -> None:
    run = ["--tasks", "xnli", "--languages", "de", "--limit", "10"]
    assert evaluate(models["llama"], tmp_path / "all", *run) == 0
    both = _values(_result(tmp_path / "all", "xnli", "de"))
    assert evaluate(models["llama"], tmp_path / "one", *run, "--template", "question") == 0
    one = _result(tmp_path / "one", "xnli", "de")
    assert _values(one) == {"accuracy": both["accuracy_question"]}
    assert one.folder == "prompt@question@limit10"
    assert evaluate(models["llama"], tmp_path / "theirs", *run, "--template", "lm-eval") == 0
    theirs = _result(tmp_path / "theirs", "xnli", "de")
    assert _values(theirs) == {"accuracy": both["accuracy_lm_eval"], "accuracy_lm_eval": both["accuracy_lm_eval"]}


def test_what_is_lacking_is_skipped_with_a_reason(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data" / "xnli"
    data.mkdir(parents=True)
    for code in ("de", "yo"):
        (data / f"test-{code}.tsv").write_text("Ein Satz.\tNoch einer.\tneutral\n" * 3, "utf-8")
    run = ["--tasks", "xnli", "--languages", "de,yo"]
    assert evaluate(models["llama"], tmp_path / "r", *run, "--template", "lm-eval", data=str(data.parent)) == 0
    assert "no definition of xnli in yo" in _result(tmp_path / "r", "xnli", "yo").reason
    assert evaluate(models["llama"], tmp_path / "s", *run, data=str(data.parent)) == 0
    result = _result(tmp_path / "s", "xnli", "yo")
    assert result.settings["template"].startswith("statement, the first: no English dev")
    assert "accuracy_lm_eval" not in _values(result)
    assert "accuracy_lm_eval" in _values(_result(tmp_path / "s", "xnli", "de"))
    assert evaluate(models["bert"], tmp_path / "t", *run, data=str(data.parent)) == 2
    assert "no language model" in capsys.readouterr().err
    assert evaluate(models["llama"], tmp_path / "u", *run, "--template", "nonsense", data=str(data.parent)) == 2
    assert "no template 'nonsense'" in capsys.readouterr().err


def test_xcopa_and_an_encoder_decoder(models: dict[str, Path], tmp_path: Path) -> None:
    data = tmp_path / "data" / "xcopa"
    data.mkdir(parents=True)
    rows = [
        {"premise": "La porta cadde.", "choice1": "Era vecchia.", "choice2": "Era nuova.", "question": kind,
         "label": number % 2, "idx": number, "changed": False}
        for number, kind in enumerate(["cause", "effect", "cause"])
    ]  # fmt: skip
    for name in ("test.it", "val.en"):
        (data / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    run = ["--tasks", "xcopa", "--languages", "it"]
    assert evaluate(models["t5"], tmp_path / "r", *run, data=str(data.parent)) == 0
    result = _result(tmp_path / "r", "xcopa", "it")
    names = {"accuracy", "accuracy_template_mean", "accuracy_template_spread", "accuracy_question", "accuracy_link",
             "accuracy_letters", "accuracy_lm_eval"}  # fmt: skip
    assert set(_values(result)) == names


def test_transfer_stays_the_default(models: dict[str, Path], tmp_path: Path) -> None:
    from harness.checkpoint import open_checkpoint
    from harness.plan import Settings, plan
    from harness.protocols import PROTOCOLS
    from harness.tasks import get_task
    from harness.tasks.source import open_source

    checkpoint = open_checkpoint(str(models["llama"]))
    settings = Settings(languages=("de",), limit=5)
    planned = plan({"llama": checkpoint}, [get_task("xnli")], open_source("bundled"), settings, PROTOCOLS)
    assert {job.protocol for job in planned.jobs} == {"transfer"}

"""Exams by prompt: equal to lm-eval's own model on identical requests; every kind of checkpoint by the command."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_models import save_model

from harness.checkpoint import open_checkpoint
from harness.cli import main
from harness.plan import plan
from harness.protocols import PROTOCOLS
from harness.settings import Settings
from harness.store import Result, Store
from harness.tasks import get_task
from harness.tasks.source import open_source


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    longer = {"max_position_embeddings": 4096}
    return {
        "llama": save_model(folder / "llama", "llama", "causal-lm", tokenizer="decoder", **longer),
        "gpt2": save_model(folder / "gpt2", "gpt2", "causal-lm", tokenizer="decoder", **longer),
        "t5": save_model(folder / "t5", "t5", "seq2seq", tokenizer="seq2seq", decoder_start_token_id=1),
        "bert": save_model(folder / "bert", "bert", "masked-lm"),
        "plain": save_model(folder / "plain", "bert"),
    }


def evaluate(model: Path, output: Path, *more: str, data: str = "bundled") -> int:
    given = ["--model", str(model), "--data", data, "--output", str(output), "--quiet"]
    return main(["eval", *given, *more])


def result(output: Path, task: str = "mmlu", language: str = "en") -> Result:
    return next(one for one in Store(output).results() if (one.task, one.language) == (task, language))


def values(found: Result) -> dict[str, float]:
    return {score.metric: score.value for score in found.scores}


def _spread(examples: Any, subjects: int, count: int) -> list[Any]:
    """`count` questions of each of some subjects."""
    names = list(dict.fromkeys(one.subject for one in examples))[:subjects]
    return [one for name in names for one in [e for e in examples if e.subject == name][:count]]


@pytest.mark.parametrize("shots", [0, 5])
@pytest.mark.parametrize(("task", "language"), [("mmlu", "en"), ("m_mmlu", "zh")])
def test_letters_and_texts_are_lm_evals_own(
    models: dict[str, Path], shared: Path, task: str, language: str, shots: int
) -> None:
    from lm_eval.models.huggingface import HFLM

    from harness.prompts.exam import ENGLISH, STYLES, Put, shots_by_subject
    from harness.protocols.lm_eval_model import HarnessLM
    from harness.protocols.lm_eval_tasks import Prepared, ask

    loaded = get_task(task).load(open_source(shared / "data"), language, "validation", None)
    examples = _spread(loaded.examples, 6, 3)
    assert len({one.subject for one in examples}) == 6
    put = Put(STYLES[task], ENGLISH, shots_by_subject(loaded.shots, shots))
    prompts: dict[str, list[Any]] = {"letters": [put.lettered(one) for one in examples]}
    prompts["texts"] = [put.texts(one) for one in examples[::3]]
    ours = HarnessLM.create_from_arg_string(f"pretrained={models['llama']},device=cpu")
    theirs = HFLM(pretrained=str(models["llama"]), dtype="float32", device="cpu", batch_size=4)
    assert not ours.model.whole
    found, expected = (
        ask(one, {name: Prepared(name, some) for name, some in prompts.items()}) for one in (ours, theirs)
    )
    for name, replies in found.items():
        for number, reply in replies.items():
            other = expected[name][number].log_likelihoods
            assert reply.log_likelihoods == pytest.approx(other, abs=1e-4)
            ranked = sorted(other, reverse=True)
            if ranked[0] - ranked[1] > 1e-5:
                assert reply.log_likelihoods.index(max(reply.log_likelihoods)) == other.index(max(other))


def test_a_causal_model_answers_by_letters_and_an_encoder_is_tuned(models: dict[str, Path]) -> None:
    settings = Settings(languages=("en",))
    task, source = [get_task("mmlu")], open_source("bundled")
    chosen = {
        name: plan({name: open_checkpoint(str(path))}, task, source, settings, PROTOCOLS).jobs[0].protocol
        for name, path in models.items()
    }
    assert chosen == {"llama": "prompt", "gpt2": "prompt", "t5": "prompt", "bert": "transfer", "plain": "transfer"}


def test_readings_of_a_causal_model(models: dict[str, Path], tmp_path: Path) -> None:
    run = ["--tasks", "mmlu", "--shots", "5", "--answers", "both", "--option-orders", "cyclic"]
    assert evaluate(models["llama"], tmp_path, *run) == 0
    found = result(tmp_path)
    assert set(values(found)) == {
        "accuracy", "majority_baseline", "chance", "accuracy_text", "accuracy_text_per_character", "accuracy_text_pmi",
        "accuracy_cyclic", "order_agreement",
    }  # fmt: skip
    assert found.folder == "prompt@5shot@both@cyclic"
    assert found.settings["incomplete"] == "4 of 57 subjects"
    assert found.measured["above_chance"] in ("yes", "no")
    assert not [one for one in Store(tmp_path).results() if one.language == "avg"]
    with gzip.open(next(tmp_path.glob("llama/mmlu/*/en.seed0.predictions.jsonl.gz")), "rt") as lines:
        items = [json.loads(line) for line in lines]
    for item in items:
        readings = item["readings"]
        assert item["output"] == max(range(4), key=lambda at, got=readings["log_likelihoods"]: got[at])
        assert readings["subject"] in item["id"]
    assert values(found)["accuracy"] == sum(item["output"] == item["gold"] for item in items) / len(items)


def test_encoders_without_training(models: dict[str, Path], tmp_path: Path) -> None:
    run = ["--tasks", "mmlu,m_mmlu", "--languages", "en,de", "--protocol", "prompt", "--split", "validation"]
    assert evaluate(models["bert"], tmp_path / "bert", *run) == 0
    found = result(tmp_path / "bert", "m_mmlu", "de")
    assert found.folder == "prompt@pseudo-word-l2r@validation"
    assert found.settings["main"] == "text_pmi"
    assert {"accuracy_cloze", "accuracy_text", "accuracy_text_per_character"} <= set(values(found))
    assert evaluate(models["bert"], tmp_path / "bert", *run, "--masking", "salazar") == 0
    assert evaluate(models["plain"], tmp_path / "plain", *run) == 0
    floor = result(tmp_path / "plain", "m_mmlu", "de")
    assert floor.folder == "prompt@cosine@validation"
    assert "the floor" in floor.settings["readout"]


def test_cosine_is_the_nearest_option(minilm: Path, tmp_path: Path) -> None:
    import numpy as np

    from harness.retrieval.embed import embed
    from harness.retrieval.encoder import SENTENCE_TRANSFORMERS, EncoderSettings, load_encoder

    assert evaluate(minilm, tmp_path, "--tasks", "mmlu", "--protocol", "prompt", "--name", "minilm") == 0
    with gzip.open(next(tmp_path.glob("minilm/mmlu/*/en.seed0.predictions.jsonl.gz")), "rt") as lines:
        outputs = [json.loads(line)["output"] for line in lines]
    settings = EncoderSettings(layer=6, pooling=SENTENCE_TRANSFORMERS)
    encoder = load_encoder(open_checkpoint(str(minilm)), settings)
    examples: Any = get_task("mmlu").load(open_source("bundled"), "en", "test", None).examples
    for one, output in list(zip(examples, outputs, strict=True))[:8]:
        found = embed(encoder, [one.question, *one.options])
        assert output == int(np.argmax(found[1:] @ found[0] / np.linalg.norm(found[1:], axis=1)))


def test_an_encoder_decoder_and_lm_evals_own_backend(models: dict[str, Path], tmp_path: Path) -> None:
    run = ["--tasks", "mmlu", "--limit", "6"]
    assert evaluate(models["t5"], tmp_path, *run) == 0
    assert evaluate(models["llama"], tmp_path, *run) == 0
    backend = ["--backend", "hf", "--backend-args", "dtype=float32,device=cpu"]
    assert evaluate(models["llama"], tmp_path, *run, *backend) == 0
    of_llama = [one for one in Store(tmp_path).results() if one.checkpoint == "llama"]
    assert sorted(one.folder for one in of_llama) == ["prompt@hf@limit6", "prompt@limit6"]
    assert len({json.dumps(values(one)) for one in of_llama}) == 1


def test_cultural_labels_and_categories_are_rows(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = []
    for number, subject in enumerate(["anatomy", "anatomy", "virology", "astronomy"]):
        row = {"sample_id": f"{subject}/test/{number}", "subject": subject, "question": f"Frage {number}?"}
        row |= {f"option_{one}": f"{one} {number}" for one in "abcd"} | {"answer": "ABCD"[number]}
        category = "STEM" if subject == "astronomy" else "Medical"
        rows.append(
            {**row, "subject_category": category, "cultural_sensitivity_label": ("CS", "CA", "CA", "-")[number]}
        )
    for task in ("global_mmlu", "global_mmlu_lite"):
        path = tmp_path / "data" / task / "de" / "test.jsonl"
        path.parent.mkdir(parents=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    run = ["--tasks", "global_mmlu,global_mmlu_lite", "--languages", "de"]
    given = ["--model", str(models["llama"]), "--data", str(tmp_path / "data"), "--output", str(tmp_path / "r")]
    assert main(["eval", *given, *run]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "global_mmlu beside what no knowledge would give (percent)" in printed
    assert "majority" in printed
    part, lite = (result(tmp_path / "r", task, "de") for task in ("global_mmlu", "global_mmlu_lite"))
    shared = {"accuracy", "majority_baseline", "chance", "accuracy_CS", "accuracy_CA"}
    # Three of 57 subjects: no macro and no category. The small set has no full list of subjects.
    assert set(values(part)) == shared
    assert set(values(lite)) == {*shared, "macro", "accuracy_Medical", "accuracy_STEM"}
    assert (values(lite)["chance"], values(lite)["majority_baseline"]) == (0.25, 0.25)
    counts = {item.id: item.readings for item in Store(tmp_path / "r").items(lite)}
    assert [one.get("culture") for one in counts.values()] == ["CS", "CA", "CA", None]


def test_a_killed_run_goes_on_within_the_language(
    models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.likelihood import causal, scorer

    monkeypatch.setattr(scorer, "TOKENS", {"cpu": 1024, "other": 1024})
    run = ["--tasks", "mmlu", "--shots", "5"]
    assert evaluate(models["llama"], tmp_path / "whole", *run) == 0
    real: Callable[..., Any] = causal._answers
    calls: list[int] = []

    def killed(*given: Any) -> Any:
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(*given)

    monkeypatch.setattr(causal, "_answers", killed)
    assert evaluate(models["llama"], tmp_path / "parts", *run) == 130
    assert not list((tmp_path / "parts").glob("llama/mmlu/*/*.json"))
    kept = next((tmp_path / "parts/.cache/answers").iterdir())
    assert len(kept.read_text().split()) > 0
    assert evaluate(models["llama"], tmp_path / "parts", *run) == 0
    total = len(next((tmp_path / "whole/.cache/answers").iterdir()).read_text().strip().splitlines())
    assert len(calls) == total + 1
    whole, parts = (next((tmp_path / name).glob("llama/mmlu/*/en.seed0.json")) for name in ("whole", "parts"))
    assert whole.read_bytes() == parts.read_bytes()
    ending = "en.seed0.predictions.jsonl.gz"
    assert whole.with_name(ending).read_bytes() == parts.with_name(ending).read_bytes()


def test_another_checkpoint_in_the_same_folder_gets_its_own_answers(models: dict[str, Path], tmp_path: Path) -> None:
    run = ["--tasks", "mmlu", "--limit", "8"]
    assert evaluate(models["llama"], tmp_path / "both", *run) == 0
    assert evaluate(models["gpt2"], tmp_path / "both", *run) == 0
    assert evaluate(models["gpt2"], tmp_path / "alone", *run) == 0
    both, alone = (next((tmp_path / name).glob("gpt2/mmlu/*/en.seed0.predictions*")) for name in ("both", "alone"))
    assert both.read_bytes() == alone.read_bytes()


def test_what_cannot_be_asked_is_said(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ["--tasks", "m_mmlu", "--languages", "de,ar", "--split", "validation", "--instruction", "native"]
    assert evaluate(models["llama"], tmp_path, *run) == 0
    assert "no ar_val.json" in result(tmp_path, "m_mmlu", "ar").reason
    story = tmp_path / "data" / "xstorycloze"
    story.mkdir(parents=True)
    header = "InputStoryid\tInputSentence1\tInputSentence2\tInputSentence3\tInputSentence4\tRandomFifthSentenceQuiz1"
    row = "s1\tA.\tB.\tC.\tD.\tHe left.\tHe ate.\t2\n"
    name = "spring2016.val.en.tsv.split_20_80_eval.tsv"
    (story / name).write_text(f"{header}\tRandomFifthSentenceQuiz2\tAnswerRightEnding\n{row}", "utf-8")
    given = ["--tasks", "xstorycloze", "--languages", "en"]
    data = str(story.parent)
    assert evaluate(models["llama"], tmp_path / "s", *given, data=data) == 0
    assert result(tmp_path / "s", "xstorycloze").settings["main"] == "text"
    assert evaluate(models["llama"], tmp_path / "s", *given, "--shots", "2", data=data) == 2
    assert "no solved questions" in capsys.readouterr().err
    assert evaluate(models["llama"], tmp_path / "s", *given, "--option-orders", "cyclic", data=data) == 2
    assert "concern letters" in capsys.readouterr().err


def test_a_head_tuned_on_english_questions_answers_every_language(models: dict[str, Path], tmp_path: Path) -> None:
    run = ["--tasks", "mmlu,m_mmlu", "--languages", "en,de", "--split", "validation", "--max-steps", "2"]
    assert evaluate(models["bert"], tmp_path, *run, "--train-on", "mmlu", "--batch-size", "4") == 0
    found = result(tmp_path, "m_mmlu", "de")
    assert found.protocol == "transfer"
    # Every validation question at hand is scored, in English or translated, and so trained on by none.
    assert found.settings["training"] == "mmlu 44"
    assert found.settings["overlap"].startswith("23 of 38 training items dropped, 1 of 6 to select on")
    assert "majority_baseline" in values(found)
    assert found.measured["above_chance"] in ("yes", "no")
    assert len(list((tmp_path / ".cache/models").glob("*/config.json"))) == 1

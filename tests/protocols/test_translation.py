"""Translation by prompt: through lm-eval's generation path, for causal models and encoder-decoders, by the command."""

from pathlib import Path

import pytest
from tiny_models import save_model

from harness.cli import main
from harness.examples import Pair
from harness.metrics.text import text_metric
from harness.prompts.translation import TOKENS, Translation
from harness.store import Result, Store

PAIR = Pair(0, "Der Hund schläft. ", "The dog sleeps.")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {
        "llama": save_model(folder / "llama", "llama", "causal-lm", tokenizer="decoder"),
        "t5": save_model(folder / "t5", "t5", "seq2seq", tokenizer="seq2seq", decoder_start_token_id=1),
        "bert": save_model(folder / "bert", "bert", "masked-lm"),
        "m2m": save_model(folder / "m2m", "m2m_100", "seq2seq", tokenizer="seq2seq"),
    }


def evaluate(model: Path, output: Path, *more: str) -> int:
    given = ["--model", str(model), "--tasks", "flores200_mt", "--data", "bundled", "--output", str(output)]
    return main(["eval", *given, *more])


def results(output: Path) -> dict[tuple[str, str], Result]:
    return {(one.language, one.folder): one for one in Store(output).results()}


def test_the_prompt() -> None:
    plain = Translation("German", "English").render(PAIR)
    assert plain.context == "German sentence: Der Hund schläft.\nEnglish sentence:"
    assert (plain.stops, plain.tokens) == (("\n",), TOKENS)
    shot = Pair(1, "Es regnet.", " It rains. ")
    before = "German sentence: Es regnet.\nEnglish sentence: It rains.\n\n"
    assert Translation("German", "English", [shot]).render(PAIR).context == before + plain.context


@pytest.mark.parametrize("family", ["llama", "t5"])
def test_both_directions_are_written_and_scored(models: dict[str, Path], tmp_path: Path, family: str) -> None:
    assert evaluate(models[family], tmp_path, "--languages", "de", "--limit", "3", "--quiet") == 0
    found = results(tmp_path)
    assert set(found) == {(pair, "prompt@limit3") for pair in ("de-en", "en-de")}
    result = found["de-en", "prompt@limit3"]
    assert [score.metric for score in result.scores][:2] == ["chrf++", "bleu"]
    assert result.scores[0].main
    assert "sacrebleu:chrf++[nrefs:1|case:mixed|eff:yes|nc:6|nw:2" in result.scores[0].signature
    items = Store(tmp_path).items(result)
    assert [item.id for item in items] == ["0", "1", "2"]
    assert all("\n" not in item.output for item in items)
    metric = text_metric("chrf++", "en")
    assert result.scores[0].value == pytest.approx(float(metric.value(metric.statistics(items).sum(axis=0))))


def test_solved_sentences_and_a_second_run(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from sacrebleu import utils

    monkeypatch.setattr(utils, "SACREBLEU_DIR", str(tmp_path / "nowhere"))
    run = ["--languages", "en-de", "--limit", "2", "--shots", "2"]
    assert evaluate(models["llama"], tmp_path, *run) == 0
    assert (
        "note  flores200_mt: no spbleu: sacreBLEU's `flores200` tokenizer needs a download" in capsys.readouterr().err
    )
    assert ("en-de", "prompt@2shot@limit2") in results(tmp_path)
    assert evaluate(models["llama"], tmp_path, *run) == 0
    assert "0 results written, 1 kept" in capsys.readouterr().err
    assert evaluate(models["llama"], tmp_path / "v", *run, "--split", "validation") == 2
    assert "no 2 solved sentences" in capsys.readouterr().err


def test_what_writes_no_text_is_refused(
    models: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(models["bert"], tmp_path, "--languages", "de") == 2
    assert "writes no text" in capsys.readouterr().err
    assert evaluate(models["m2m"], tmp_path, "--languages", "de") == 2
    assert "m2m (m2m_100) is told its languages by codes" in capsys.readouterr().err
    assert evaluate(models["llama"], tmp_path, "--languages", "de", "--template", "statement") == 2
    assert "has one template" in capsys.readouterr().err

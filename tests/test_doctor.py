"""The doctor's findings, on this machine, on whole checkpoints of each sort and on broken ones."""

import json
from pathlib import Path

import pytest
import tiny_models as tiny

from harness.doctor import NOTE, OK, PROBLEM, Check, Report, as_json, as_text, doctor


def findings(folder: Path) -> dict[str, Check]:
    report = doctor(str(folder))
    assert len({check.check for check in report.checks}) == len(report.checks)
    return {check.check: check for check in report.checks}


def test_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    checks = {check.check: check for check in doctor().checks}
    expected = {"python", "torch", "transformers", "faiss", "gpu", "offline", "hub cache", "threads", "free disk"}
    assert expected <= set(checks)
    assert "model" not in checks
    assert checks["torch"].detail == torch.__version__
    assert checks["offline"].detail == "HF_DATASETS_OFFLINE=1"
    assert all(check.status in (OK, NOTE, PROBLEM) for check in checks.values())


def test_a_whole_encoder(tmp_path: Path) -> None:
    folder = tiny.save_model(tmp_path / "ckpt", "xlm-roberta", "masked-lm", layers=3)
    checks = findings(folder)
    assert checks["kind"].detail.startswith("encoder-mlm: ")
    assert "XLMRobertaForMaskedLM" in checks["why"].detail
    assert checks["size"].detail == f"3 layers of width 32, vocabulary {tiny.VOCABULARY}, 512 tokens"
    assert checks["default layer"].detail == "2 (two thirds of the depth)"
    assert checks["fingerprint"].detail == tiny.opened(folder).fingerprint
    assert "prompt (" in checks["protocols"].detail
    assert checks["smoke test"].status == OK
    assert "0 of them unknown; hidden states are finite" in checks["smoke test"].detail


@pytest.mark.parametrize(
    ("family", "head"),
    [("mt5", "seq2seq"), ("mt5", "MT5EncoderModel"), ("llama", "causal-lm"), ("modernbert", ""), ("deberta-v2", "")],
)
def test_a_sentence_passes_through_other_kinds(tmp_path: Path, family: str, head: str) -> None:
    assert findings(tiny.save_model(tmp_path / "ckpt", family, head))["smoke test"].status == OK


def test_a_sentence_passes_through_towers_adapters_and_sentence_models(tmp_path: Path) -> None:
    assert findings(tiny.save_dual_encoder(tmp_path / "clip"))["smoke test"].status == OK
    assert findings(tiny.save_vision_language(tmp_path / "llava"))["smoke test"].status == OK
    base = tiny.save_sentence_model(tmp_path / "st", prompts={"query": "query: "})
    checks = findings(base)
    assert checks["smoke test"].status == OK
    assert checks["pooling"].detail == "mean, normalised (its own)"
    assert checks["prompts"].detail == '{"query": "query: "}'
    pytest.importorskip("peft")
    checks = findings(tiny.save_adapter(tmp_path / "adapter", base))
    assert checks["adapter"].detail == str(tmp_path / "adapter")
    assert checks["smoke test"].status == OK


def test_a_trained_head(tmp_path: Path) -> None:
    folder = tiny.save_model(tmp_path / "c", "bert", "token-classification", labels=("O", "B-PER"))
    assert findings(folder)["trained head"].detail == "tagging (O, B-PER)"


def test_numbers_that_are_not_finite(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = tiny.save_model(tmp_path / "c", "bert")
    tensors = load_file(folder / "model.safetensors")
    tensors["encoder.layer.1.output.dense.bias"][0] = float("nan")
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    check = findings(folder)["smoke test"]
    assert (check.status, check.detail) == (PROBLEM, "its hidden states are not finite")


def test_a_tokenizer_that_knows_nothing(tmp_path: Path) -> None:
    """traps: a vocabulary of five words, everything unknown, without a warning."""
    folder = tiny.save_model(tmp_path / "c", "bert", tokenizer=None)
    (folder / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n")
    check = findings(folder)["smoke test"]
    assert check.status == PROBLEM
    assert "are unknown to it" in check.detail


def test_hidden_states_that_no_class_reads(tmp_path: Path) -> None:
    checks = findings(tiny.save_model(tmp_path / "c", "llama", "question-answering"))
    assert checks["hidden states"].status == PROBLEM
    assert "smoke test" not in checks


def test_a_broken_checkpoint_is_a_finding(tmp_path: Path) -> None:
    report = doctor(str(tmp_path))
    assert report.checks[-1].check == "model"
    assert "is no checkpoint" in report.checks[-1].detail
    assert not report.healthy


def test_output() -> None:
    report = Report((Check("a", OK, "x"), Check("long", NOTE, "y")))
    assert as_text(report) == "ok       a     x\nnote     long  y"
    assert json.loads(as_json(report))[1] == {"check": "long", "status": "note", "detail": "y"}
    assert report.healthy

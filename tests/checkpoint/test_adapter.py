"""PEFT adapters: their base, and the heads they carry."""

from pathlib import Path

import pytest
import tiny_models as tiny

ABC = ("no", "maybe", "yes")


@pytest.mark.parametrize(
    ("base", "head", "kind"),
    [
        ("", "", "encoder"),
        ("masked-lm", "", "encoder-mlm"),
        ("", "sequence-classification", "sequence-classification"),
        ("masked-lm", "token-classification", "token-classification"),
        ("", "question-answering", "question-answering"),
    ],
)
def test_adapters(tmp_path: Path, base: str, head: str, kind: str) -> None:
    pytest.importorskip("peft")
    below = tiny.save_model(tmp_path / "base", "xlm-roberta", base)
    labels = ABC if "classification" in head else ()
    checkpoint = tiny.opened(tiny.save_adapter(tmp_path / "adapter", below, head, labels))
    assert checkpoint.kind == kind
    assert checkpoint.adapter == tmp_path / "adapter"
    assert (checkpoint.path, checkpoint.name, checkpoint.tokenizer) == (below, "adapter", below)
    assert checkpoint.why.startswith(f"LORA adapter on {below}: ")
    assert len(checkpoint.labels) == len(labels)
    assert checkpoint.fingerprint != tiny.opened(below).fingerprint


def test_an_adapter_on_a_decoder_and_one_on_a_sentence_model(tmp_path: Path) -> None:
    pytest.importorskip("peft")
    llama = tiny.save_model(tmp_path / "llama", "llama", "causal-lm", tokenizer="decoder")
    assert tiny.opened(tiny.save_adapter(tmp_path / "a", llama, "causal-lm")).kind == "causal-lm"
    sentence = tiny.save_sentence_model(tmp_path / "s", transformer="0_Transformer")
    adapter = tiny.save_adapter(tmp_path / "b", sentence / "0_Transformer")
    tiny.edit_json(adapter / "adapter_config.json", base_model_name_or_path=str(sentence))
    checkpoint = tiny.opened(adapter)
    assert (checkpoint.kind, checkpoint.path) == ("sentence-transformers", sentence / "0_Transformer")


def test_a_head_on_a_pooler_that_the_base_lacks_is_not_whole(tmp_path: Path) -> None:
    """BertForMaskedLM has no pooler; peft saves the classifier alone, so each load draws another pooler."""
    pytest.importorskip("peft")
    base = tiny.save_model(tmp_path / "base", "bert", "masked-lm")
    checkpoint = tiny.opened(tiny.save_adapter(tmp_path / "a", base, "sequence-classification", ABC))
    assert checkpoint.kind == "encoder-mlm"
    assert "bert.pooler.dense.weight" in checkpoint.why


def test_where_an_adapter_finds_its_base(tmp_path: Path) -> None:
    pytest.importorskip("peft")
    base = tiny.save_model(tmp_path / "base", "bert")
    adapter = tiny.save_adapter(tmp_path / "adapter", base)
    absolute = tiny.opened(adapter)
    tiny.edit_json(adapter / "adapter_config.json", base_model_name_or_path="../base")
    relative = tiny.opened(adapter)
    assert relative.path == base
    assert relative.fingerprint == absolute.fingerprint, "the place of the base is no part of the model"
    tiny.edit_json(adapter / "adapter_config.json", base_model_name_or_path="/no/such/base")
    assert "'/no/such/base', which is neither a folder nor a hub id" in tiny.mistake(adapter)
    tiny.edit_json(adapter / "adapter_config.json", base_model_name_or_path=None)
    assert "names no base model" in tiny.mistake(adapter)


def test_fingerprint_of_an_adapter_holds_its_base(tmp_path: Path) -> None:
    """Weights of the base, and the pooling of a sentence model below."""
    pytest.importorskip("peft")
    base = tiny.save_sentence_model(tmp_path / "s")
    adapter = tiny.save_adapter(tmp_path / "a", base)
    first = tiny.opened(adapter)
    assert first.kind == "sentence-transformers"
    tiny.edit_json(base / "1_Pooling/config.json", pooling_mode="cls")
    second = tiny.opened(adapter)
    assert second.sentence is not None and second.sentence.pooling == "cls"
    content = bytearray((base / "model.safetensors").read_bytes())
    content[-1] ^= 1
    (base / "model.safetensors").write_bytes(content)
    third = tiny.opened(adapter)
    assert len({first.fingerprint, second.fingerprint, third.fingerprint}) == 3

"""Bases of every make come out as they went in: class, kind, layout, the head that no recipe trains."""

import pytest
import tiny_models
import torch
import transformers

import harness
from harness.heads.saved import saved_heads
from harness.retrieval.merge import merge_adapter

SMALL = {"device": "cpu", "batch_size": 4, "max_length": 48, "limit": 8, "max_steps": 3, "selection": "last"}
SMALL |= {"learning_rate": 1e-2, "warmup": 0.0, "data": "bundled"}


def make(recipe, output, base, **options):
    return harness.make_checkpoint(recipe, output, base=str(base), **{**SMALL, **options})


def load(folder, name):
    model, info = getattr(transformers, name).from_pretrained(folder, output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"] and not info["mismatched_keys"]
    return model


@pytest.mark.parametrize(
    ("family", "head", "tokenizer", "name"),
    [
        ("llama", "causal-lm", "decoder", "LlamaForCausalLM"),
        ("mt5", "seq2seq", "seq2seq", "MT5ForConditionalGeneration"),
        ("bert", "sequence-classification", "encoder", "BertForSequenceClassification"),
        ("modernbert", "masked-lm", "encoder", "ModernBertForMaskedLM"),
        ("bert", "", "encoder", "BertModel"),
    ],
)
def test_the_class_and_the_untrained_head_stay(family, head, tokenizer, name, tmp_path):
    base = tiny_models.save_model(tmp_path / "base", family, head, tokenizer=tokenizer)
    made = make("mnli+hellaswag", tmp_path / "out", base)
    before, after = load(base, name), load(made.folder, name)
    tops = [one for one in ("lm_head", "classifier", "head", "decoder") if hasattr(before, one) and family != "mt5"]
    tied = before.get_input_embeddings().weight
    for top in tops:
        pairs = zip(getattr(before, top).parameters(), getattr(after, top).parameters(), strict=True)
        assert all(torch.equal(one, other) for one, other in pairs if one is not tied)
    moved = [key for key, one in before.state_dict().items() if not torch.equal(one, after.state_dict()[key])]
    assert len(moved) > 5
    opened = tiny_models.opened(made.folder)
    assert (opened.kind, opened.architecture) == (tiny_models.opened(base).kind, tiny_models.opened(base).architecture)
    assert set(saved_heads(opened)) == {"mnli", "hellaswag"}


def test_a_transformer_in_a_folder_of_its_own(tmp_path):
    base = tiny_models.save_sentence_model(tmp_path / "base", style=2, transformer="0_Transformer", pooling="cls")
    made = make("qqp", tmp_path / "out", base)
    opened = tiny_models.opened(made.folder)
    assert (opened.kind, opened.sentence.pooling) == ("sentence-transformers", "cls")
    assert opened.path == made.folder / "0_Transformer"
    assert {path.name for path in made.folder.iterdir()} >= {"modules.json", "1_Pooling", "heads", "manifest.json"}
    assert list(saved_heads(opened)) == ["qqp"]
    assert opened.training_data == ("QQP",)


def test_an_adapter_is_merged_into_its_base(tmp_path):
    base = tiny_models.save_model(tmp_path / "base", "bert", "masked-lm")
    adapter = tiny_models.save_adapter(tmp_path / "adapter", base, target_modules=["query"], init_lora_weights=False)
    made = make("qqp", tmp_path / "out", adapter, freeze="encoder")
    merged = merge_adapter(load(base, "BertForMaskedLM").base_model, adapter)
    after = load(made.folder, "BertForMaskedLM")
    assert all(
        torch.equal(one, other) for one, other in zip(merged.parameters(), after.base_model.parameters(), strict=True)
    )
    assert tiny_models.opened(made.folder).adapter is None


def test_low_rank_updates_are_merged(tmp_path):
    base = tiny_models.save_model(tmp_path / "base", "bert", "masked-lm")
    made = make("qqp+ccg", tmp_path / "out", base, lora=2)
    before, after = load(base, "BertForMaskedLM").state_dict(), load(made.folder, "BertForMaskedLM").state_dict()
    moved = {key for key in before if not torch.equal(before[key], after[key])}
    assert moved and all(".layer." in key and key.endswith("weight") and "LayerNorm" not in key for key in moved)


def test_mixed_precision_leaves_full_weights(tmp_path):
    base = tiny_models.save_model(tmp_path / "base", "bert", "masked-lm")
    made = make("qqp+pairs", tmp_path / "out", base, dtype="bfloat16")
    assert {one.dtype for one in load(made.folder, "BertForMaskedLM").state_dict().values()} == {torch.float32}
    assert made.manifest["settings"]["dtype"] == "bfloat16"

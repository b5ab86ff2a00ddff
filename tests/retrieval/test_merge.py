"""An adapter is merged whatever class it was trained under, and never left out in silence."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import tiny_models as tiny
import torch

from harness.checkpoint import open_checkpoint
from harness.errors import HarnessError
from harness.retrieval.encoder import EncoderSettings, load_encoder
from harness.retrieval.tower import quiet

pytest.importorskip("peft")

IDS = torch.tensor([[7, 30, 41, 9, 12, 2]])
CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("bert", "", {}),
    ("bert", "sequence-classification", {"labels": ("a", "b", "c")}),
    ("llama", "causal-lm", {"target_modules": ["q_proj", "v_proj"]}),
]


def save_pair(root: Path, family: str, head: str, options: dict[str, Any]) -> tuple[Path, Path]:
    """(base, adapter with weights that are not zero)."""
    from safetensors.torch import load_file, save_file

    with quiet():
        base = tiny.save_model(root / "base", family, "causal-lm" if family == "llama" else "", layers=3)
        adapter = tiny.save_adapter(root / "adapter", base, head, **options)
    path = adapter / "adapter_model.safetensors"
    torch.manual_seed(3)
    tensors = load_file(path)
    save_file({name: torch.randn_like(tensor) for name, tensor in tensors.items()}, path, {"format": "pt"})
    return base, adapter


def state(model: Any) -> torch.Tensor:
    with torch.inference_mode():
        return model(input_ids=IDS)[0]


@pytest.mark.parametrize(("family", "head", "options"), CASES, ids=["bare", "classifier", "causal"])
def test_merged_state_is_pefts_own(family: str, head: str, options: dict[str, Any], tmp_path: Path) -> None:
    import transformers
    from peft import PeftModel

    base, adapter = save_pair(tmp_path, family, head, options)
    auto = {"": "AutoModel", "causal-lm": "AutoModelForCausalLM"}.get(head, "AutoModelForSequenceClassification")
    with quiet():
        extra = {"num_labels": 3} if options.get("labels") else {}
        whole = getattr(transformers, auto).from_pretrained(base, **extra)
        merged = PeftModel.from_pretrained(whole, adapter).merge_and_unload().base_model.eval()
    with torch.inference_mode():
        expected = merged(input_ids=IDS, output_hidden_states=True).hidden_states
    checkpoint = open_checkpoint(str(adapter))
    assert checkpoint.adapter is not None
    for layer in (2, 3):
        got = state(load_encoder(checkpoint, EncoderSettings(layer=layer)).model)
        assert torch.allclose(got, expected[layer], atol=1e-5)
    plain = load_encoder(dataclasses.replace(checkpoint, adapter=None), EncoderSettings(layer=3))
    assert (state(plain.model) - expected[3]).abs().max() > 0.1


def test_an_embedding_saved_with_the_adapter_counts(tmp_path: Path) -> None:
    options = {"modules_to_save": ["word_embeddings"]}
    _, adapter = save_pair(tmp_path, "bert", "", options)
    from safetensors.torch import load_file

    saved = {
        name: tensor for name, tensor in load_file(adapter / "adapter_model.safetensors").items() if "embed" in name
    }
    encoder = load_encoder(open_checkpoint(str(adapter)), EncoderSettings(layer=3))
    assert len(saved) == 1
    assert torch.equal(encoder.model.get_input_embeddings().weight, next(iter(saved.values())))


def test_an_adapter_that_fits_in_part_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    _, adapter = save_pair(tmp_path, "bert", "", {})
    checkpoint = open_checkpoint(str(adapter))
    path = adapter / "adapter_model.safetensors"
    kept = {name: tensor for name, tensor in load_file(path).items() if ".layer.1." not in name}
    save_file(kept, path, {"format": "pt"})
    with pytest.raises(HarnessError, match=r"lacks weights for 4 modules of its base, first .*layer\.1\."):
        load_encoder(checkpoint, EncoderSettings(layer=3))


def test_an_adapter_that_cannot_be_merged_is_refused(tmp_path: Path) -> None:
    _, adapter = save_pair(tmp_path, "bert", "", {})
    checkpoint = open_checkpoint(str(adapter))
    tiny.edit_json(adapter / "adapter_config.json", target_modules=["no_such_module"])
    with pytest.raises(HarnessError, match="cannot be merged"):
        load_encoder(checkpoint, EncoderSettings(layer=3))

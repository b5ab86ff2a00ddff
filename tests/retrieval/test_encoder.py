"""Layer k of an encoder is the whole model's hidden state k, for every architecture, with nothing above it
loaded."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import tiny_models as tiny
import torch

from harness.checkpoint import Checkpoint, open_checkpoint
from harness.errors import HarnessError
from harness.retrieval.encoder import EncoderSettings, load_encoder
from harness.retrieval.tower import quiet

LAYERS = 3
FAMILIES: dict[str, dict[str, Any]] = {
    "bert": {},
    "xlm-roberta": {"head": "masked-lm"},
    "modernbert": {"head": "masked-lm"},
    "distilbert": {},
    "eurobert": {},
    "llama": {"head": "causal-lm", "tokenizer": "decoder"},
    "qwen3": {"tokenizer": "decoder"},
    "gemma3_text": {"tokenizer": "decoder"},
    "t5": {"head": "seq2seq", "tokenizer": "seq2seq"},
    "mt5": {"tokenizer": "seq2seq"},
    "bart": {"head": "seq2seq"},
    "clip": {},
    "siglip": {},
    "llava": {},
}
# Below the last layer the final norm must be gone.
PRE_NORM = ("modernbert", "llama", "qwen3", "gemma3_text", "eurobert", "t5", "mt5", "clip", "siglip", "llava")


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Checkpoint]:
    root = tmp_path_factory.mktemp("families")
    with quiet():
        for family, options in FAMILIES.items():
            if family in ("clip", "siglip"):
                tiny.save_dual_encoder(root / family, family, layers=LAYERS)
            elif family == "llava":
                tiny.save_vision_language(root / family, layers=LAYERS)
            else:
                tiny.save_model(root / family, family, layers=LAYERS, **options)
    return {family: open_checkpoint(str(root / family)) for family in FAMILIES}


def whole_tower(folder: Path) -> Any:
    """The same part of the model by transformers' own class for the whole checkpoint."""
    from transformers import AutoModel

    with quiet():
        model = AutoModel.from_pretrained(folder, attn_implementation="sdpa").eval()
    attribute = {
        "t5": "encoder",
        "mt5": "encoder",
        "bart": "encoder",
        "clip": "text_model",
        "siglip": "text_model",
        "llava": "language_model",
    }.get(folder.name)
    return getattr(model, attribute) if attribute else model


def parameters(model: Any) -> int:
    return sum(tensor.numel() for tensor in model.parameters())


@pytest.mark.parametrize("family", FAMILIES)
def test_layer_is_the_whole_models_hidden_state(family: str, checkpoints: dict[str, Checkpoint]) -> None:
    checkpoint = checkpoints[family]
    assert checkpoint.layers == LAYERS
    tower = whole_tower(checkpoints[family].path)
    ids = torch.tensor([[7, 30, 41, 9, 12, 2], [300, 8, 8, 55, 100, 2]])
    with torch.inference_mode():
        whole = tower(input_ids=ids, output_hidden_states=True)
    for layer in range(1, LAYERS + 1):
        encoder = load_encoder(checkpoint, EncoderSettings(layer=layer))
        assert encoder.layers == (layer,)
        with torch.inference_mode():
            state = encoder.model(input_ids=ids)[0]
        expected = whole[0] if layer == LAYERS else whole.hidden_states[layer]
        # The encoder's packed products round otherwise than the plain ones.
        torch.testing.assert_close(state, expected, atol=1e-5, rtol=1e-5)
        assert (parameters(encoder.model) < parameters(tower)) == (layer < LAYERS)


@pytest.mark.parametrize("family", PRE_NORM)
def test_final_norm_matters_below_the_last_layer(family: str, checkpoints: dict[str, Checkpoint]) -> None:
    """So that the test above can fail: with the norm left in, the state is another one."""
    tower = whole_tower(checkpoints[family].path)
    encoder = load_encoder(checkpoints[family], EncoderSettings(layer=1))
    identities = [name for name, part in encoder.model.named_modules() if isinstance(part, torch.nn.Identity)]
    removed = [name for name in identities if not isinstance(tower.get_submodule(name), torch.nn.Identity)]
    assert len(removed) == 1
    ids = torch.tensor([[7, 30, 41, 9, 12, 2]])
    with torch.inference_mode():
        state = encoder.model(input_ids=ids)[0]
        assert (tower.get_submodule(removed[0])(state) - state).abs().max() > 0.01


@pytest.fixture(scope="module")
def bert(checkpoints: dict[str, Checkpoint]) -> Checkpoint:
    return checkpoints["bert"]


@pytest.mark.parametrize("layer", [0, -1, LAYERS + 1])
def test_layer_outside_the_model_is_refused(bert: Checkpoint, layer: int) -> None:
    with pytest.raises(HarnessError, match=f"layers 1 to {LAYERS}; {layer} is none"):
        load_encoder(bert, EncoderSettings(layer=layer))


def test_a_layer_and_all_layers_exclude_each_other(bert: Checkpoint) -> None:
    with pytest.raises(HarnessError, match="exclude"):
        load_encoder(bert, EncoderSettings(layer=2, all_layers=True))


def test_default_layer_is_the_checkpoints(bert: Checkpoint) -> None:
    assert load_encoder(bert, EncoderSettings()).layers == (bert.default_layer,)
    assert load_encoder(bert, EncoderSettings(all_layers=True)).layers == (1, 2, 3)


def test_missing_encoder_tensors_are_refused_by_name(tmp_path: Path) -> None:
    with quiet():
        folder = tiny.save_model(tmp_path / "broken", "bert", layers=LAYERS)
    checkpoint = open_checkpoint(str(folder))
    tiny.drop_tensors(folder, "encoder.layer.0.attention.self.query.weight")
    with pytest.raises(HarnessError, match=r"broken lacks .*encoder\.layer\.0\.attention\.self\.query\.weight"):
        load_encoder(checkpoint, EncoderSettings(layer=1))


def test_missing_pooler_and_layers_above_do_not_matter(tmp_path: Path) -> None:
    with quiet():
        folder = tiny.save_model(tmp_path / "model", "bert", layers=LAYERS)
    checkpoint = open_checkpoint(str(folder))
    tiny.drop_tensors(folder, "pooler.", "encoder.layer.2.")
    assert load_encoder(checkpoint, EncoderSettings(layer=1)).layers == (1,)
    with pytest.raises(HarnessError, match=r"encoder\.layer\.2\."):
        load_encoder(checkpoint, EncoderSettings(layer=3))


def test_weights_of_another_shape_are_one_sentence(tmp_path: Path) -> None:
    with quiet():
        folder = tiny.save_model(tmp_path / "model", "bert", layers=LAYERS)
    checkpoint = open_checkpoint(str(folder))
    tiny.edit_json(folder / "config.json", intermediate_size=48)
    with pytest.raises(HarnessError, match="could not be loaded as an encoder"):
        load_encoder(checkpoint, EncoderSettings(layer=3))


def test_loading_prints_nothing_and_restores_the_users_settings(
    checkpoints: dict[str, Checkpoint], capfd: pytest.CaptureFixture[str]
) -> None:
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.enable_progress_bar()
    logging.set_verbosity_info()
    try:
        load_encoder(checkpoints["xlm-roberta"], EncoderSettings(layer=2))
        assert logging.is_progress_bar_enabled()
        assert logging.get_verbosity() == 20
    finally:
        logging.set_verbosity(verbosity)
        if not bars:
            logging.disable_progress_bar()
    assert capfd.readouterr() == ("", "")


def test_roberta_positions_start_after_the_padding_index(tmp_path: Path) -> None:
    with quiet():
        folder = tiny.save_model(tmp_path / "roberta", "xlm-roberta", layers=1, max_position_embeddings=66)
    checkpoint = open_checkpoint(str(folder))
    assert load_encoder(checkpoint, EncoderSettings()).max_length == 64
    assert load_encoder(checkpoint, EncoderSettings(max_length=64)).max_length == 64
    for length in (65, 2):
        with pytest.raises(HarnessError, match=f"{length} tokens does not fit roberta: it takes 3 or more, at most 64"):
            load_encoder(checkpoint, EncoderSettings(max_length=length))


def test_maximum_length_by_pooling(minilm: Path, checkpoints: dict[str, Checkpoint]) -> None:
    checkpoint = open_checkpoint(str(minilm))
    assert load_encoder(checkpoint, EncoderSettings()).max_length == 512
    assert load_encoder(checkpoint, EncoderSettings(pooling="sentence-transformers")).max_length == 256
    assert load_encoder(checkpoints["t5"], EncoderSettings(layer=3)).max_length == 512
    assert load_encoder(checkpoints["clip"], EncoderSettings(layer=3)).max_length == 64


def test_sentence_transformers_modules_belong_to_the_last_layer(minilm: Path, bert: Checkpoint) -> None:
    checkpoint = open_checkpoint(str(minilm))
    for settings in (EncoderSettings(layer=4), EncoderSettings(all_layers=True)):
        with pytest.raises(HarnessError, match="belong to its last layer, 6"):
            load_encoder(checkpoint, dataclasses.replace(settings, pooling="sentence-transformers"))
    with pytest.raises(HarnessError, match="is no sentence-transformers folder"):
        load_encoder(bert, EncoderSettings(pooling="sentence-transformers"))


def test_names_that_do_not_exist_are_refused(bert: Checkpoint) -> None:
    with pytest.raises(HarnessError, match=r"Unknown pooling: 'maen' .*mean"):
        load_encoder(bert, EncoderSettings(pooling="maen"))
    with pytest.raises(HarnessError, match="Unknown dtype: 'float8'"):
        load_encoder(bert, EncoderSettings(dtype="float8"))
    with pytest.raises(HarnessError, match="'gpu' names no device"):
        load_encoder(bert, EncoderSettings(device="gpu"))
    with pytest.raises(HarnessError, match="CUDA devices"):
        load_encoder(bert, EncoderSettings(device="cuda:99"))


def test_a_folder_without_weights_or_tokenizer_is_one_sentence(bert: Checkpoint, tmp_path: Path) -> None:
    folder = tiny.copy(bert.path, tmp_path / "copy")
    (folder / "model.safetensors").unlink()
    with pytest.raises(HarnessError, match="could not be loaded as an encoder"):
        load_encoder(dataclasses.replace(bert, path=folder), EncoderSettings())
    (folder / "tokenizer.json").write_text("{", encoding="utf-8")
    with pytest.raises(HarnessError, match="tokenizer of bert could not be loaded"):
        load_encoder(dataclasses.replace(bert, path=folder, tokenizer=folder), EncoderSettings())


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_lower_precision_runs_and_is_near(bert: Checkpoint, dtype: str) -> None:
    encoder = load_encoder(bert, EncoderSettings(layer=2, dtype=dtype))
    whole = load_encoder(bert, EncoderSettings(layer=2))
    ids = torch.tensor([[7, 30, 41, 9, 12, 2]])
    with torch.inference_mode():
        state, expected = encoder.model(input_ids=ids)[0], whole.model(input_ids=ids)[0]
    assert state.dtype is getattr(torch, dtype)
    assert 0 < (state.float() - expected).norm() / expected.norm() < 0.02

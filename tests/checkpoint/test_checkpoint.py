"""What opening a checkpoint says of it: size, names, default layer; places that are none."""

import shutil
from pathlib import Path

import pytest
import tiny_models as tiny

from harness.checkpoint import open_checkpoint
from harness.errors import HarnessError


@pytest.fixture
def bert(tmp_path: Path) -> Path:
    return tiny.save_model(tmp_path / "bert", "bert", "masked-lm")


def test_the_text_tower_counts(tmp_path: Path) -> None:
    """Three text layers beside two of vision; config.json leaves out what equals the default."""
    clip = tiny.opened(tiny.save_dual_encoder(tmp_path / "clip", num_hidden_layers=3))
    llava = tiny.opened(tiny.save_vision_language(tmp_path / "llava", layers=3))
    assert (clip.layers, llava.layers) == (3, 3)
    assert (llava.kind, llava.backbone) == ("vision-language", "LlavaModel")


def test_encoder_layers_of_an_encoder_decoder(tmp_path: Path) -> None:
    checkpoint = tiny.opened(tiny.save_model(tmp_path / "c", "mbart", "seq2seq", encoder_layers=3, decoder_layers=1))
    assert checkpoint.layers == 3
    checkpoint = tiny.opened(tiny.save_model(tmp_path / "d", "mt5", "seq2seq", num_layers=3, num_decoder_layers=1))
    assert checkpoint.layers == 3


def test_default_layer(tmp_path: Path) -> None:
    for layers, expected in ((1, 1), (2, 1), (6, 4), (12, 8)):
        checkpoint = tiny.opened(tiny.save_model(tmp_path / str(layers), "bert", layers=layers))
        assert checkpoint.default_layer == expected
        assert checkpoint.layer_source == "two thirds of the depth"


def test_names(bert: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert tiny.opened(bert).name == "bert"
    assert open_checkpoint(f"{bert}/").name == "bert"
    monkeypatch.chdir(bert)
    assert open_checkpoint(".").name == "bert"


def test_minilm(minilm: Path) -> None:
    checkpoint = tiny.opened(minilm)
    assert checkpoint.kind == "sentence-transformers"
    assert (checkpoint.layers, checkpoint.width, checkpoint.vocabulary) == (6, 384, 30522)
    assert checkpoint.sentence is not None
    assert (checkpoint.sentence.pooling, checkpoint.sentence.normalise) == ("mean", True)
    assert checkpoint.sentence.max_length == 256
    assert checkpoint.max_positions == 512


def test_minilm_is_no_masked_language_model(minilm: Path, tmp_path: Path) -> None:
    """Its 6 missing tensors (traps) keep it from the protocols that need its head."""
    for name in ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(minilm / name, tmp_path / name)
        (tmp_path / name).chmod(0o644)
    assert tiny.opened(tmp_path).kind == "encoder"
    tiny.edit_json(tmp_path / "config.json", architectures=["BertForMaskedLM"])
    checkpoint = tiny.opened(tmp_path)
    assert checkpoint.kind == "encoder"
    assert "lacks 6 tensors (cls.predictions" in checkpoint.why


def test_no_such_place() -> None:
    text = tiny.mistake(Path("ckpt-that-is-not-there"))
    assert "neither a folder, nor a name of the zoo, nor a hub id" in text
    with pytest.raises(HarnessError, match="Did you mean xlm-r-base"):
        open_checkpoint("xlm-r-bas")
    with pytest.raises(HarnessError, match="neither a folder"):
        open_checkpoint("./org/name")
    with pytest.raises(HarnessError, match="neither a folder"):
        open_checkpoint("")


def test_a_file_is_no_folder(bert: Path) -> None:
    assert "is a file" in tiny.mistake(bert / "config.json")


def test_a_folder_that_is_no_checkpoint(tmp_path: Path, bert: Path) -> None:
    assert "it has no config.json" in tiny.mistake(tmp_path / "bert" / "..") or True
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "is no checkpoint: it has no config.json" in tiny.mistake(empty)
    run = tmp_path / "run"
    tiny.copy(bert, run / "checkpoint-500")
    assert "It holds checkpoint-500" in tiny.mistake(run)
    (bert / "model.safetensors").unlink()
    assert "it holds no weights" in tiny.mistake(bert)
    (bert / "tf_model.h5").write_bytes(b"")
    assert "tf_model.h5 but no PyTorch weights" in tiny.mistake(bert)


def test_importing_is_cheap() -> None:
    code = (
        "import sys, harness.checkpoint, harness.doctor; print('torch' in sys.modules, 'transformers' in sys.modules)"
    )
    assert tiny.run_python(code).split() == ["False", "False"]

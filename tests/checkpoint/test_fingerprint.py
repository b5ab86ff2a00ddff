"""The fingerprint: all that defines a model, and nothing else."""

import os
from pathlib import Path

import pytest
import tiny_models as tiny


@pytest.fixture
def bert(tmp_path: Path) -> Path:
    return tiny.save_model(tmp_path / "bert", "bert", "masked-lm")


def test_fingerprint_is_of_the_content(tmp_path: Path, bert: Path) -> None:
    first = tiny.opened(bert).fingerprint
    other = tiny.copy(bert, tmp_path / "elsewhere" / "other-name")
    os.utime(other / "model.safetensors", (1, 1))
    (other / "README.md").write_text("# a model")
    (other / "trainer_state.json").write_text("{}")
    (other / "optimizer.pt").write_bytes(b"state")
    tiny.edit_json(other / "config.json", transformers_version="4.0.0", _name_or_path="/tmp/x")
    assert tiny.opened(other).fingerprint == first
    assert len(first) == 64


@pytest.mark.parametrize("position", [-1, -5000])
def test_any_byte_of_the_weights_counts(bert: Path, position: int) -> None:
    first = tiny.opened(bert).fingerprint
    content = bytearray((bert / "model.safetensors").read_bytes())
    content[position] ^= 1
    (bert / "model.safetensors").write_bytes(content)
    assert tiny.opened(bert).fingerprint != first


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json"])
def test_configuration_and_tokenizer_count(bert: Path, name: str) -> None:
    first = tiny.opened(bert).fingerprint
    tiny.edit_json(bert / name, a_new_key=1)
    assert tiny.opened(bert).fingerprint != first


@pytest.mark.parametrize(
    "name", ["1_Pooling/config.json", "config_sentence_transformers.json", "2_Dense/model.safetensors"]
)
def test_sentence_modules_count(tmp_path: Path, name: str) -> None:
    folder = tiny.save_sentence_model(tmp_path / "s", dense=8, prompts={"q": "q: "})
    first = tiny.opened(folder).fingerprint
    if name.endswith(".json"):
        tiny.edit_json(folder / name, a_new_key=1)
    else:
        content = bytearray((folder / name).read_bytes())
        content[-1] ^= 1
        (folder / name).write_bytes(content)
    assert tiny.opened(folder).fingerprint != first


def test_weights_that_are_not_loaded_do_not_count(bert: Path) -> None:
    first = tiny.opened(bert).fingerprint
    (bert / "pytorch_model.bin").write_bytes(b"old")
    assert tiny.opened(bert).fingerprint == first

"""Weight files: whole, in shards, pickled, broken."""

import os
import pickle
from pathlib import Path
from typing import Any

import pytest
import tiny_models as tiny


@pytest.fixture
def bert(tmp_path: Path) -> Path:
    return tiny.save_model(tmp_path / "bert", "bert", "masked-lm")


def test_sharded_and_pickled_weights_are_the_same_kind(tmp_path: Path, bert: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    tensors = load_file(bert / "model.safetensors")
    pickled, shards = tiny.copy(bert, tmp_path / "pickled"), tiny.copy(bert, tmp_path / "shards")
    torch.save(tensors, pickled / "pytorch_model.bin")
    half = len(tensors) // 2
    parts = {"model-1.safetensors": list(tensors)[:half], "model-2.safetensors": list(tensors)[half:]}
    for name, keys in parts.items():
        save_file({key: tensors[key] for key in keys}, shards / name)
    weight_map = {key: name for name, keys in parts.items() for key in keys}
    tiny.write_json(shards / "model.safetensors.index.json", {"metadata": {}, "weight_map": weight_map})
    for folder in (pickled, shards):
        (folder / "model.safetensors").unlink()
    first, second, third = tiny.opened(bert), tiny.opened(pickled), tiny.opened(shards)
    assert first.kind == second.kind == third.kind == "encoder-mlm"
    assert "pytorch_model.bin" in second.why
    assert "index.json" in third.why


def test_truncated_weights(bert: Path) -> None:
    path = bert / "model.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    assert "is truncated: its header describes" in tiny.mistake(bert)
    path.write_bytes(whole[:50])
    assert "end inside its header" in tiny.mistake(bert)
    path.write_bytes(b"")
    assert "end inside its header" in tiny.mistake(bert)
    path.write_bytes(whole[:8] + b"x" + whole[9:])
    assert "is corrupt" in tiny.mistake(bert)
    path.write_bytes(whole + b"x")
    assert "is corrupt" in tiny.mistake(bert)
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n")
    assert "Git LFS pointer" in tiny.mistake(bert)


def test_missing_shard(bert: Path) -> None:
    (bert / "model.safetensors").rename(bert / "model-1.safetensors")
    weight_map = {"a": "model-1.safetensors", "b": "model-2.safetensors"}
    tiny.write_json(bert / "model.safetensors.index.json", {"weight_map": weight_map})
    assert "names 2 shards, of which 1 missing: model-2.safetensors" in tiny.mistake(bert)
    tiny.write_json(bert / "model.safetensors.index.json", {})
    assert "has no weight_map" in tiny.mistake(bert)


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (os.system, ("touch exploded",))


def test_a_pickle_that_could_run_code(bert: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import torch

    monkeypatch.chdir(tmp_path)
    (bert / "model.safetensors").unlink()
    torch.save({"weight": torch.zeros(1), "bomb": Bomb()}, bert / "pytorch_model.bin")
    assert "loading them could run code" in tiny.mistake(bert)
    (bert / "pytorch_model.bin").write_bytes(pickle.dumps(Bomb()))
    tiny.mistake(bert)
    assert not (tmp_path / "exploded").exists()
    (bert / "pytorch_model.bin").write_bytes(b"PK\x03\x04 no archive")
    assert "truncated or corrupt" in tiny.mistake(bert)


@pytest.mark.parametrize("zipped", [True, False])
def test_pickles_of_both_formats_and_of_half_precision(bert: Path, zipped: bool) -> None:
    import torch
    from safetensors.torch import load_file

    tensors = {name: tensor.bfloat16() for name, tensor in load_file(bert / "model.safetensors").items()}
    (bert / "model.safetensors").unlink()
    torch.save(tensors, bert / "pytorch_model.bin", _use_new_zipfile_serialization=zipped)
    assert tiny.opened(bert).kind == "encoder-mlm"

"""Poolings by hand and against sentence-transformers' own module."""

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from harness.errors import HarnessError
from harness.retrieval.pooling import POOLINGS, Dense, finish, load_dense, pool, resolve_pooling

# Two sentences of three tokens, width 2; ids 1 and 2 are special.
STATES = torch.tensor([[[1.0, -4.0], [3.0, 0.0], [8.0, 1.0]], [[0.0, 0.0], [0.0, 6.0], [-3.0, 0.0]]])
IDS = torch.tensor([[1, 50, 2], [1, 60, 70]])
SPECIALS = torch.tensor([1, 2])
CPU = torch.device("cpu")


def pooled(name: str, states: Tensor = STATES) -> Tensor:
    return pool(states, IDS, name, SPECIALS)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mean", [[4.0, -1.0], [-1.0, 2.0]]),
        ("mean_no_special", [[3.0, 0.0], [-1.5, 3.0]]),
        ("cls", [[1.0, -4.0], [0.0, 0.0]]),
        ("last", [[8.0, 1.0], [-3.0, 0.0]]),
        ("max", [[8.0, 1.0], [0.0, 6.0]]),
        ("mean_sqrt_len", [[12 / 3**0.5, -3 / 3**0.5], [-3 / 3**0.5, 6 / 3**0.5]]),
        ("weighted_mean", [[31 / 6, -1 / 6], [-9 / 6, 12 / 6]]),
    ],
)
def test_by_hand(name: str, expected: list[list[float]]) -> None:
    assert torch.allclose(pooled(name), torch.tensor(expected))


@pytest.mark.parametrize("name", [*POOLINGS, "mean_no_special"])
def test_one_token_is_itself_and_the_result_is_float32(name: str) -> None:
    states = STATES[:, 1:2].to(torch.bfloat16)
    vectors = pool(states, IDS[:, 1:2], name, SPECIALS)
    assert vectors.dtype is torch.float32
    assert torch.equal(vectors, states[:, 0].float())


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("mean", "mean"),
        ("cls", "cls"),
        ("max", "max"),
        ("last", "lasttoken"),
        ("mean_sqrt_len", "mean_sqrt_len_tokens"),
        ("weighted_mean", "weightedmean"),
    ],
)
def test_agrees_with_sentence_transformers(name: str, theirs: str) -> None:
    models = pytest.importorskip("sentence_transformers.models")
    generator = torch.Generator().manual_seed(0)
    states = torch.randn(5, 9, 16, generator=generator)
    features = {"token_embeddings": states, "attention_mask": torch.ones(5, 9, dtype=torch.long)}
    expected = models.Pooling(16, pooling_mode=theirs)(features)["sentence_embedding"]
    ids = torch.full((5, 9), 50)
    assert resolve_pooling(theirs) == name
    assert torch.allclose(pool(states, ids, name, SPECIALS), expected, atol=1e-6)


def test_unknown_pooling_names_the_nearest() -> None:
    with pytest.raises(HarnessError, match=r"'mena' \(Did you mean mean"):
        resolve_pooling("mena")


def dense(rows: int, columns: int) -> Dense:
    generator = torch.Generator().manual_seed(1)
    weight = torch.randn(rows, columns, generator=generator)
    return Dense(weight, torch.randn(rows, generator=generator), torch.nn.Tanh())


def test_finish_without_modules_changes_nothing() -> None:
    vectors = pooled("mean")
    assert torch.equal(finish(vectors, (), False), vectors)


def test_finish_gives_unit_length_last() -> None:
    vectors = finish(pooled("mean"), (dense(3, 2), dense(5, 3)), True)
    assert vectors.shape == (2, 5)
    assert torch.allclose(vectors.norm(dim=1), torch.ones(2))
    assert torch.allclose(finish(pooled("mean"), (), True)[0], torch.tensor([4.0, -1.0]) / 17**0.5)


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 7, 11, 63])
def test_dense_layers_give_a_row_the_same_bytes_in_any_company(rows: int) -> None:
    vectors = torch.randn(64, 384, generator=torch.Generator().manual_seed(2))
    layers = (dense(128, 384), dense(64, 128))
    assert torch.equal(finish(vectors[:rows], layers, True), finish(vectors, layers, True)[:rows])


def write_dense(folder: Path, **config: object) -> Path:
    from safetensors.torch import save_file

    folder.mkdir(exist_ok=True)
    stated = {"in_features": 2, "out_features": 3, "bias": True, **config}
    (folder / "config.json").write_text(json.dumps(stated), encoding="utf-8")
    save_file({"linear.weight": torch.ones(3, 2), "linear.bias": torch.zeros(3)}, folder / "model.safetensors")
    return folder


def test_dense_folder(tmp_path: Path) -> None:
    layer = load_dense(write_dense(tmp_path / "2_Dense"), CPU)
    assert layer.width == 3
    assert torch.allclose(finish(torch.tensor([[1.0, 0.5]]), (layer,), False), torch.full((1, 3), 1.5).tanh())
    plain = write_dense(tmp_path / "3_Dense", activation_function="torch.nn.modules.linear.Identity")
    assert torch.equal(finish(torch.tensor([[1.0, 0.5]]), (load_dense(plain, CPU),), False), torch.full((1, 3), 1.5))


def test_dense_folder_in_the_old_format(tmp_path: Path) -> None:
    folder = write_dense(tmp_path / "2_Dense", bias=False)
    (folder / "model.safetensors").unlink()
    torch.save({"linear.weight": torch.ones(3, 2)}, folder / "pytorch_model.bin")
    assert load_dense(folder, CPU).bias is None


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"use_residual": True}, "residual"),
        ({"module_input_name": "token_embeddings"}, "token_embeddings"),
        ({"activation_function": "mine.Activation"}, "none of torch's"),
        ({"activation_function": "torch.nn.modules.activation.Nothing"}, "none of torch's"),
        ({"bias": False}, "lacks weights|does not fit"),
    ],
)
def test_dense_modules_that_would_be_guessed_are_refused(
    tmp_path: Path, config: dict[str, object], message: str
) -> None:
    with pytest.raises(HarnessError, match=message):
        load_dense(write_dense(tmp_path / "2_Dense", **config), CPU)


def test_dense_folder_without_weights_is_refused(tmp_path: Path) -> None:
    folder = write_dense(tmp_path / "2_Dense")
    (folder / "model.safetensors").unlink()
    with pytest.raises(HarnessError, match="holds no weights"):
        load_dense(folder, CPU)

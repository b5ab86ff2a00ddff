"""sentence-transformers folders of every style."""

import json
from pathlib import Path

import pytest
import tiny_models as tiny


@pytest.mark.parametrize("style", [2, 6])
@pytest.mark.parametrize("pooling", ["mean", "cls", "max", "lasttoken"])
def test_sentence_folders_of_both_styles(tmp_path: Path, style: int, pooling: str) -> None:
    folder = tiny.save_sentence_model(
        tmp_path / "s", style=style, pooling=pooling, max_length=77, prompts={"query": "query: "}
    )
    checkpoint = tiny.opened(folder)
    sentence = checkpoint.sentence
    assert checkpoint.kind == "sentence-transformers"
    assert sentence is not None
    assert sentence.pooling == {"lasttoken": "last"}.get(pooling, pooling)
    assert sentence.normalise and sentence.max_length == 77 and not sentence.dense
    assert (sentence.prompts, sentence.default_prompt) == ({"query": "query: "}, "query")
    assert (checkpoint.default_layer, checkpoint.layer_source) == (2, "sentence-transformers pooling")
    assert f"pooling '{sentence.pooling}'" in checkpoint.why


def test_sentence_folder_with_a_dense_layer_and_a_transformer_of_its_own(tmp_path: Path) -> None:
    folder = tiny.save_sentence_model(tmp_path / "s", dense=8, normalise=False, transformer="0_Transformer")
    checkpoint = tiny.opened(folder)
    assert checkpoint.sentence is not None
    assert checkpoint.sentence.dense == (folder / "2_Dense",)
    assert checkpoint.path == checkpoint.sentence.transformer == folder / "0_Transformer"
    assert not checkpoint.sentence.normalise
    assert checkpoint.name == "s"
    (folder / "2_Dense/model.safetensors").unlink()
    assert "2_Dense" in tiny.mistake(folder)


def test_sentence_modules_that_are_not_supported(tmp_path: Path) -> None:
    folder = tiny.save_sentence_model(tmp_path / "s")
    entries = json.loads((folder / "modules.json").read_text())
    lstm = {"idx": 3, "name": "3", "path": "3_LSTM", "type": "sentence_transformers.models.LSTM"}
    tiny.write_json(folder / "modules.json", [*entries, lstm])
    assert "Transformer > Pooling > Normalize > LSTM are not supported" in tiny.mistake(folder)
    entries[0]["type"] = "custom_st.Transformer"
    tiny.write_json(folder / "modules.json", entries)
    assert "custom_st.Transformer" in tiny.mistake(folder)
    tiny.write_json(folder / "modules.json", {"0": "Transformer"})
    assert "not a JSON list" in tiny.mistake(folder)


def test_two_poolings_at_once_are_refused(tmp_path: Path) -> None:
    folder = tiny.save_sentence_model(tmp_path / "s")
    tiny.edit_json(folder / "1_Pooling/config.json", pooling_mode=["mean", "max"])
    assert "mean + max" in tiny.mistake(folder)


def test_what_sentence_transformers_itself_writes(tmp_path: Path) -> None:
    library = pytest.importorskip("sentence_transformers")
    models = pytest.importorskip("sentence_transformers.models")
    tiny.save_model(tmp_path / "bare", "bert")
    transformer = models.Transformer(str(tmp_path / "bare"), max_seq_length=33)
    chain = [transformer, models.Pooling(32, pooling_mode="cls"), models.Normalize()]
    library.SentenceTransformer(modules=chain, device="cpu", prompts={"q": "q: "}).save(str(tmp_path / "st"))
    sentence = tiny.opened(tmp_path / "st").sentence
    assert sentence is not None
    assert (sentence.pooling, sentence.normalise, sentence.max_length) == ("cls", True, 33)
    assert sentence.prompts["q"] == "q: "

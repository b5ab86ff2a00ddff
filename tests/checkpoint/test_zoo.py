"""The zoo's file: every entry valid, every mistake of a file named at once."""

import json
from pathlib import Path

import pytest
import tiny_models as tiny

from harness.checkpoint.kinds import KINDS
from harness.checkpoint.zoo import find_model, list_models, read_zoo, zoo_file
from harness.cli import main
from harness.errors import HarnessError
from harness.train.recipes import ALIASES, RECIPES

EXPECTED = {
    "mbert": "google-bert/bert-base-multilingual-cased",
    "xlm-r-base": "FacebookAI/xlm-roberta-base",
    "xlm-r-large": "FacebookAI/xlm-roberta-large",
    "xlm-100": "FacebookAI/xlm-mlm-100-1280",
    "mdeberta-v3-base": "microsoft/mdeberta-v3-base",
    "rembert": "google/rembert",
    "mt5-base": "google/mt5-base",
    "labse": "sentence-transformers/LaBSE",
    "multilingual-e5-base": "intfloat/multilingual-e5-base",
    "multilingual-e5-large": "intfloat/multilingual-e5-large",
    "minilm-l6": "sentence-transformers/all-MiniLM-L6-v2",
    "bge-m3": "BAAI/bge-m3",
    "mmbert-base": "jhu-clsp/mmBERT-base",
    "eurobert-210m": "EuroBERT/EuroBERT-210m",
    "glot500": "cis-lmu/glot500-base",
    "qwen3-0.6b": "Qwen/Qwen3-0.6B-Base",
    "gemma-3-1b": "google/gemma-3-1b-pt",
    "llama-3.2-1b": "meta-llama/Llama-3.2-1B",
    "bloom-560m": "bigscience/bloom-560m",
}


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_the_models_that_a_reader_expects() -> None:
    assert {entry.name: entry.hub for entry in list_models()} == EXPECTED
    assert all(entry.kind is None or entry.kind in KINDS for entry in list_models())


def test_layers_only_where_a_source_gives_them() -> None:
    """XTREME's scripts: hidden_states[8] of mBERT, [12] of XLM-100, [14] of XLM-R large; mean pooling."""
    layers = {entry.name: (entry.layer, entry.pooling) for entry in list_models() if entry.layer is not None}
    assert layers == {"mbert": (8, "mean"), "xlm-100": (12, "mean"), "xlm-r-large": (14, "mean")}


def test_found_by_name_and_by_id() -> None:
    assert find_model("mbert") == find_model("google-bert/bert-base-multilingual-cased")
    assert find_model("bert") is None


def test_it_lies_beside_the_package_or_inside() -> None:
    assert zoo_file().is_file()


def test_every_mistake_at_once(tmp_path: Path) -> None:
    path = write(
        tmp_path / "zoo.yaml",
        """
models:
  - {name: one, hub: org/one, training_data: unknown, layers: 3}
  - {name: two, hub: org/two, path: ckpt, kind: encodr, pooling: middle, layer: -1, training_data: [Wikipedia]}
  - {name: three, training_data: all of it}
  - {name: three, hub: three, revision: 7, training_data: [1]}
  - {hub: org/five@main, recipe: mnli, training_data: unknown}
  - six
""",
    )
    with pytest.raises(HarnessError) as caught:
        read_zoo(path)
    text = str(caught.value)
    for expected in (
        "one: unknown key 'layers'",
        "two: exactly one of hub and path is needed",
        "two: unknown kind 'encodr'",
        "two: unknown pooling 'middle'",
        "two: layer '-1' is no whole number",
        "three: exactly one of hub and path is needed",
        "three: training_data must be a list of names, or unknown",
        "three: the name occurs twice",
        "three: hub 'three' is not of the form org/name",
        "three: revision is no text",
        "entry 5: no name",
        "entry 5: hub 'org/five@main' is not of the form org/name",
        "entry 5: recipe and parent go together",
        "entry 6: it is no mapping",
    ):
        assert expected in text
    assert "unknown key 'layer'" not in text.replace("'layers'", "")


@pytest.mark.parametrize("text", ["", "models: 3", "models: []\nmore: 1", "- a", "models: [", "a: b: c"])
def test_files_that_are_no_zoo(tmp_path: Path, text: str) -> None:
    with pytest.raises(HarnessError):
        read_zoo(write(tmp_path / "zoo.yaml", text))


def test_entries_of_our_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder beside the file, with how it was made; its layer holds for the name and for the folder."""
    folder = tiny.save_model(tmp_path / "ckpt", "bert", layers=6)
    path = write(
        tmp_path / "zoo.yaml",
        """
models:
  - {name: ours, path: ckpt, layer: 5, recipe: mnli, parent: mbert, training_data: [Wikipedia, MNLI]}
  - {name: pinned, hub: org/name, revision: v2, training_data: unknown}
  - {name: gone, path: not-there, training_data: unknown}
  - {name: wrong, path: ckpt, layer: 7, training_data: unknown}
""",
    )
    entries = {entry.name: entry for entry in read_zoo(path)}
    assert entries["ours"].training_data == ("Wikipedia", "MNLI")
    assert (entries["ours"].recipe, entries["ours"].parent) == ("mnli", "mbert")
    assert entries["pinned"].source == "org/name@v2"
    assert entries["pinned"].training_data is None
    monkeypatch.setattr("harness.checkpoint.zoo.zoo_file", lambda: path)
    for model in (Path("ours"), folder):
        checkpoint = tiny.opened(model)
        assert (checkpoint.name, checkpoint.default_layer, checkpoint.layer_source) == ("ckpt", 5, "model zoo")
    assert "'gone' is" in tiny.mistake(Path("gone"))
    assert "gives layer 7 for ckpt, which has 6" in tiny.mistake(Path("wrong"))


def test_listing_is_cheap() -> None:
    code = (
        "import sys, harness.checkpoint.zoo as z; z.list_models();"
        "print(*(m in sys.modules for m in ('torch', 'transformers')))"
    )
    assert tiny.run_python(code).split() == ["False", "False"]


def test_what_nobody_says_is_listed_as_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    """Silence is not shown as clean."""
    assert main(["list", "models", "--format", "json"]) == 0
    rows = {row["name"]: row["training_data"] for row in json.loads(capsys.readouterr().out)}
    assert rows["rembert"] == rows["gemma-3-1b"] == "unknown"
    assert "MNLI" in rows["minilm-l6"]
    assert {recipe for entry in list_models() if (recipe := entry.recipe)} <= {*RECIPES, *ALIASES}

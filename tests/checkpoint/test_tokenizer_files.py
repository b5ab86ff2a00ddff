"""Tokenizers that are missing, broken, or bigger than the embedding."""

from pathlib import Path

import pytest
import tiny_models as tiny


@pytest.fixture
def bert(tmp_path: Path) -> Path:
    return tiny.save_model(tmp_path / "bert", "bert", "masked-lm")


def test_missing_tokenizer(tmp_path: Path) -> None:
    folder = tiny.save_model(tmp_path / "c", "bert", tokenizer=None)
    assert "has no tokenizer" in tiny.mistake(folder)
    tiny.write_json(folder / "tokenizer_config.json", {"tokenizer_class": "BertTokenizer"})
    assert "has no tokenizer" in tiny.mistake(folder)
    (folder / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n")
    assert tiny.opened(folder).kind == "encoder"


def test_tokenizer_bigger_than_the_embedding(tmp_path: Path) -> None:
    folder = tiny.save_model(tmp_path / "c", "bert")
    tokenizer = tiny.make_tokenizer()
    tokenizer.add_tokens(["<new>"])
    tokenizer.save_pretrained(folder)
    text = tiny.mistake(folder)
    assert f"ids go up to {tiny.VOCABULARY} ('<new>'), the embedding has {tiny.VOCABULARY} rows" in text
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").write_text("\n".join(f"w{n}" for n in range(401)))
    assert "ids go up to 400" in tiny.mistake(folder)


def test_placeholders_of_images_may_lie_beyond_the_embedding(tmp_path: Path) -> None:
    """As Gemma 3 1B's <image_soft_token> does; no text gives its id."""
    folder = tiny.save_model(tmp_path / "c", "bert")
    tokenizer = tiny.make_tokenizer()
    tokenizer.add_tokens(["<image_soft_token>"], special_tokens=True)
    tokenizer.save_pretrained(folder)
    assert tiny.opened(folder).kind == "encoder"


def test_broken_tokenizer(bert: Path) -> None:
    (bert / "tokenizer.json").write_text('{"version": "1.0"}')
    assert "tokenizer's files cannot be understood" in tiny.mistake(bert)
    (bert / "tokenizer.json").write_text("{")
    assert "tokenizer.json:1: no valid JSON" in tiny.mistake(bert)

"""Tiny language models of several architectures, each made once."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_models import opened, save_model

from harness.likelihood.language_model import LanguageModel, open_language_model

Made = Callable[[str], LanguageModel]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A tiny language model by the name of its architecture."""
    folder = tmp_path_factory.mktemp("language-models")
    known: dict[str, LanguageModel] = {}

    def make(family: str) -> LanguageModel:
        if family not in known:
            known[family] = open_language_model(opened(save_language_model(folder / family, family)), "float32", "cpu")
        return known[family]

    return make


def save_language_model(folder: Path, family: str) -> Path:
    """A tiny causal model or encoder-decoder."""
    if family in ("t5", "bart"):
        return save_model(folder, family, "seq2seq", tokenizer="seq2seq", decoder_start_token_id=1)
    return save_model(folder, family, "causal-lm", tokenizer="decoder")

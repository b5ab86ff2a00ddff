"""Sentences of several languages are embedded together; nothing else may come of that than time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import tiny_models

from harness import evaluate
from harness.protocols import retrieve
from harness.protocols.reader import Reader

LANGUAGES = {"de": "deu", "fr": "fra", "sw": "swh"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "tiny"
    tiny_models.save_model(folder, "bert")
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "tatoeba"
    folder.mkdir(parents=True)
    for code in LANGUAGES.values():
        (folder / f"tatoeba.{code}-eng.{code}").write_text("a\nb c\na b c\n", encoding="utf-8")
        (folder / f"tatoeba.{code}-eng.eng").write_text(f"a b\nb\n{code} c b\n", encoding="utf-8")
    return tmp_path / "data"


def stored(folder: Path) -> dict[str, bytes]:
    """Results and predictions."""
    paths = [path for path in folder.glob("[!.]*/**/*") if path.is_file() and ".run.json" not in path.name]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def test_company_moves_no_byte(model: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    keep = Reader.keep
    monkeypatch.setattr(Reader, "keep", lambda self, texts: (asked.append(len(texts)), keep(self, texts))[1])
    options = {"data": data, "languages": list(LANGUAGES), "layer": "all"}
    evaluate(str(model), "tatoeba", output=tmp_path / "together", **options)
    # The distinct sentences of all languages, once for both layers: five common ones and one of each language.
    assert asked == [5 + 3]
    asked.clear()
    monkeypatch.setattr(retrieve, "TOGETHER", 1)
    evaluate(str(model), "tatoeba", output=tmp_path / "alone", **options)
    # Three languages at two layers; the second layer finds everything kept.
    assert asked == [6] * 6
    together = stored(tmp_path / "together")
    assert len(together) >= 6
    assert together == stored(tmp_path / "alone")


def test_a_sentence_that_cannot_be_embedded_fails_its_own_language(minilm: Path, data: Path, tmp_path: Path) -> None:
    # A zero-width space is no blank line, and no token.
    (data / "tatoeba" / "tatoeba.fra-eng.fra").write_text("a\n\u200b\nb\n", encoding="utf-8")
    options = {"data": data, "languages": list(LANGUAGES), "pooling": "mean_no_special"}
    outcome = evaluate(str(minilm), "tatoeba", output=tmp_path / "results", **options).outcome
    assert outcome is not None
    assert [one.language for one in outcome.failed] == ["fr"]
    assert "no token to pool" in outcome.failed[0].reason
    assert {one.language for one in outcome.written} == {"de", "sw"}


def test_after_a_crash_over_several_languages_each_stands_alone(
    model: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One language at which a process dies must not take its neighbours along."""
    embed = Reader._embed

    def dies(self: Reader, texts: Sequence[str]) -> Any:
        if "fra c b" in texts:
            raise MemoryError
        return embed(self, texts)

    monkeypatch.setattr(Reader, "_embed", dies)
    options = {"data": data, "languages": list(LANGUAGES), "output": tmp_path / "results"}
    for _ in range(2):
        with pytest.raises(MemoryError):
            evaluate(str(model), "tatoeba", **options)
    # German comes before French, and was scored the second time.
    assert {path.name.partition(".")[0] for path in (tmp_path / "results").glob("*/*/*/*.seed0.json")} == {"de"}
    monkeypatch.setattr(Reader, "_embed", embed)
    evaluate(str(model), "tatoeba", **options)
    assert not list((tmp_path / "results" / ".cache" / "together").iterdir())

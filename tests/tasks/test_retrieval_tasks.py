"""Tatoeba, FLORES-200 and BUCC: counts and items 0, middle, last on the real files; damaged files on made ones."""

from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.examples import Mining, Pair
from harness.tasks import get_task
from harness.tasks.flores200 import accepts, sides
from harness.tasks.source import MissingDataError, Source

TATOEBA = {"ar": 1000, "zh": 1000, "de": 1000, "et": 1000, "eu": 1000, "fi": 1000, "fr": 1000, "it": 1000, "nl": 1000,
           "es": 1000, "sw": 390, "he": 1000}  # fmt: skip


def _pairs(task: str, root: Path, language: str, split: str = "test", limit: int | None = None) -> tuple[Pair, ...]:
    examples = get_task(task).load(Source(root), language, split, limit).examples
    assert isinstance(examples, tuple)
    return tuple(one for one in examples if isinstance(one, Pair))


def test_tatoeba_counts(shared: Path) -> None:
    assert {code: len(_pairs("tatoeba", shared / "data", code)) for code in TATOEBA} == TATOEBA


def test_tatoeba_is_in_the_official_order(shared: Path) -> None:
    """English sorted by Python string order; the row is the line in the original file."""
    pairs = _pairs("tatoeba", shared / "data", "de")
    lines = (shared / "data/tatoeba/tatoeba.deu-eng.eng").read_text("utf-8").split("\n")
    assert [pair.source for pair in pairs] == sorted(lines[:1000])
    assert all(lines[pair.row] == pair.source for pair in pairs)
    assert (pairs[0].row, pairs[500].row, pairs[999].row) == tuple(
        lines.index(sorted(lines[:1000])[at]) for at in (0, 500, 999)
    )


@pytest.mark.parametrize("language", TATOEBA)
def test_tatoeba_labels_are_the_official_ones(shared: Path, language: str) -> None:
    """The official mock labels are the first rows of the real ones."""
    labels = (shared / f"golden/xtreme_mock/labels/tatoeba/test-{language}.tsv").read_text("utf-8").split()
    assert [str(pair.row) for pair in _pairs("tatoeba", shared / "data", language)[: len(labels)]] == labels


def test_flores_is_parallel_and_in_file_order(shared: Path) -> None:
    pairs = _pairs("flores200", shared / "data", "de")
    assert len(pairs) == 1012
    assert [pair.row for pair in pairs] == list(range(1012))
    assert pairs[0].source.startswith('"We now have 4-month-old mice')
    assert len(_pairs("flores200", shared / "data", "zh", "validation")) == 997
    crossed = _pairs("flores200", shared / "data", "de-fr")
    assert crossed[0].source == pairs[0].target


@pytest.mark.parametrize(
    ("language", "expected"), [("de", ("en", "de")), ("de-fr", ("de", "fr")), ("zh-Hant", ("en", "zh-Hant"))]
)
def test_flores_sides(language: str, expected: tuple[str, str]) -> None:
    assert sides(language) == expected
    assert accepts(language)


def test_flores_refuses_a_language_against_itself() -> None:
    assert not accepts("de-de")
    assert not accepts("en")


def test_bucc_dev_of_zh(shared: Path) -> None:
    loaded = get_task("bucc2018").load(Source(shared / "data"), "zh", "validation", None)
    assert isinstance(loaded.examples, Mining)
    assert loaded.examples.test is None
    assert len(loaded.examples.tune.source.ids) == 4311
    assert len(loaded.examples.tune.target.ids) == 6794
    assert len(loaded.examples.tune.gold) == 128
    assert loaded.notes == {"threshold": "on the scored split"}


def test_bucc_test_needs_both_splits(shared: Path) -> None:
    with pytest.raises(MissingDataError, match="--split validation"):
        get_task("bucc2018").load(Source(shared / "data"), "zh", "test", None)
    loaded = get_task("bucc2018").load(Source(shared / "golden/retrieval"), "de", "test", None)
    assert loaded.count == 300
    assert loaded.notes == {"threshold": "dev"}


def _bucc(root: Path, source: str, target: str, gold: str) -> Source:
    folder = root / "bucc2018"
    folder.mkdir(parents=True)
    for suffix, text in (("de", source), ("en", target), ("gold", gold)):
        (folder / f"de-en.dev.{suffix}").write_text(text, encoding="utf-8")
    return Source(root)


@pytest.mark.parametrize(
    ("source", "gold", "message"),
    [
        ("d1\teins\nd1\tzwei\n", "d1\te1\n", r"de-en\.dev\.de, line 2: the id d1 stands twice"),
        ("d1\teins\nd2\t \n", "d1\te1\n", r"de-en\.dev\.de, line 2: an empty sentence"),
        ("d1\teins\n", "d1\te1\nd2\te1\n", r"de-en\.dev\.gold, line 2: the id d2 is not in de-en\.dev\.de"),
        ("d1 eins\n", "d1\te1\n", r"de-en\.dev\.de, line 1: 1 tab-separated fields instead of 2"),
    ],
)
def test_bucc_refuses_damaged_files(tmp_path: Path, source: str, gold: str, message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        get_task("bucc2018").load(_bucc(tmp_path, source, "e1\tone\n", gold), "de", "validation", None)


def test_bucc_limit_keeps_the_first_sources_and_their_pairs(tmp_path: Path) -> None:
    root = _bucc(tmp_path, "d1\teins\nd2\tzwei\n", "e1\tone\ne2\ttwo\n", "d1\te1\nd2\te2\n")
    examples = get_task("bucc2018").load(root, "de", "validation", 1).examples
    assert isinstance(examples, Mining)
    assert examples.tune.gold == (("d1", "e1"),)
    assert len(examples.tune.target.ids) == 2


def test_windows_line_ends_are_the_same_data(tmp_path: Path) -> None:
    loaded = []
    for name, end in (("lf", "\n"), ("crlf", "\r\n")):
        folder = tmp_path / name / "tatoeba"
        folder.mkdir(parents=True)
        for suffix in ("deu", "eng"):
            (folder / f"tatoeba.deu-eng.{suffix}").write_bytes(f"{suffix} a{end}{suffix} b{end}".encode())
        loaded.append(get_task("tatoeba").load(Source(tmp_path / name), "de", "test", None))
    assert loaded[0] == loaded[1]


def test_missing_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "tatoeba").mkdir()
    with pytest.raises(MissingDataError, match=r"tatoeba\.deu-eng\.deu, tatoeba\.deu-eng\.eng"):
        get_task("tatoeba").load(Source(tmp_path), "de", "test", None)

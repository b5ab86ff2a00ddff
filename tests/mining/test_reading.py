"""Text as it comes: plain, packed, damaged, in the wrong encoding."""

import gzip
import sys
from pathlib import Path

import numpy as np
import pytest

from harness.errors import HarnessError
from harness.mining.corpus import distinct, gather
from harness.mining.reading import count, lines

TEXT = "eins\nzwei\r\ndrei vier\n\nfünf\n"
LINES = ["eins", "zwei", "drei vier", "", "fünf"]


def packed(path: Path, text: bytes) -> Path:
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text[:7]) + gzip.compress(text[7:]))
    elif path.suffix == ".zst":
        zstandard = pytest.importorskip("zstandard")
        pack = zstandard.ZstdCompressor().compress
        path.write_bytes(pack(text[:7]) + pack(text[7:]))
    else:
        path.write_bytes(text)
    return path


@pytest.mark.parametrize("ending", [".txt", ".gz", ".zst"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_lines_are_the_same_however_packed(ending: str, mark: bytes, tmp_path: Path) -> None:
    path = packed(tmp_path / f"a{ending}", mark + TEXT.encode())
    assert list(lines(path)) == LINES
    counted = count(path)
    assert (counted.lines, counted.exact, counted.sample) == (5, True, ["eins", "zwei", "drei vier", "fünf"])


@pytest.mark.parametrize("ending", [".txt", ".gz", ".zst"])
def test_a_long_file_is_guessed_from_its_beginning(ending: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).bytes(16 * 200_000).hex()
    text = "\n".join(noise[at : at + 32] for at in range(0, len(noise), 32)).encode()
    counted = count(packed(tmp_path / f"a{ending}", text), seconds=0)
    assert not counted.exact
    assert counted.lines == pytest.approx(200_000, rel=0.2)
    assert counted.text / counted.lines == pytest.approx(32, rel=0.01)


def test_what_is_not_utf8_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "latin.txt"
    path.write_bytes("eins\nzwei\nfünf\n".encode("latin-1"))
    with pytest.raises(HarnessError, match=r"latin\.txt, line 3: not UTF-8.*iconv"):
        list(lines(path))


@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_a_damaged_file_is_named(ending: str, tmp_path: Path) -> None:
    text = np.random.default_rng(0).bytes(20_000).hex().encode()
    path = packed(tmp_path / f"a{ending}", text)
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(HarnessError, match="fetch it again"):
        list(lines(path))
    path.write_bytes(b"this is no packed file")
    with pytest.raises(HarnessError, match=rf"a\{ending}, after line 0"):
        list(lines(path))


def test_a_missing_zstandard_names_its_install_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = packed(tmp_path / "a.zst", b"eins\n")
    for module in ("zstandard", "compression", "compression.zstd"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(HarnessError, match=r"pip install 'zeroshot-harness\[zst\]'"):
        list(lines(path))


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"nowhere\.txt is not there"):
        list(lines(tmp_path / "nowhere.txt"))
    with pytest.raises(HarnessError, match="is a folder"):
        list(lines(tmp_path))


def test_each_sentence_is_found_once_where_it_first_stands(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("b\na\n\n  b  \nc\td\na\nc d\n", encoding="utf-8")
    corpus = gather(path, tmp_path, "source")
    assert corpus.read == 7
    assert corpus.rows.tolist() == [0, 1, 4]
    assert corpus.texts(0, 3) == ["b", "a", "c d"]
    assert corpus.pick([2, 0]) == ["c d", "b"]
    path.unlink()
    assert gather(path, tmp_path, "source").texts(1, 3) == ["a", "c d"], "what was read is kept"


def test_a_file_without_a_sentence_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    for text in ("", "\n  \n"):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(HarnessError, match=r"a\.txt holds no sentence"):
            gather(path, tmp_path, "source")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.txt"]


def test_distinct_keys_need_both_halves() -> None:
    keys = np.array([[1, 2], [1, 3], [0, 0], [1, 2], [2, 2], [1, 3]], np.uint64)
    assert distinct(keys).tolist() == [0, 1, 4]

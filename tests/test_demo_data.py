"""The bundled demo files keep the published formats and what harness/data/README.md promises of them."""

import unicodedata
from collections import Counter
from pathlib import Path

import pytest

import harness
from harness.languages import flores_code, normalise, tatoeba_code

DEMO = Path(harness.__file__).parent / "data" / "demo"
FLORES = ("ar", "de", "en", "es", "fr", "ru", "sw", "zh")
TATOEBA = ("ar", "de", "es", "fr", "ru", "sw", "zh")
BUCC = ("de", "fr", "ru", "zh")
# The Unicode name of a letter begins with its script.
SCRIPTS = {"ar": "ARABIC", "ru": "CYRILLIC", "zh": "CJK"}


def lines(path: Path) -> list[str]:
    """The lines of a UTF-8 file that ends in a line feed and holds no blank line and no carriage return."""
    text = path.read_bytes().decode("utf-8")
    assert text.endswith("\n")
    assert "\r" not in text
    assert "\ufeff" not in text
    found = text[:-1].split("\n")
    assert all(line == line.strip() != "" for line in found), path
    return found


def flores(split: str, code: str) -> list[str]:
    return lines(DEMO / "flores200" / split / f"{flores_code(code)}.{split}")


def bucc(code: str, split: str, side: str) -> dict[str, str]:
    rows = [line.split("\t") for line in lines(DEMO / "bucc2018" / f"{code}-en.{split}.{side}")]
    assert all(len(row) == 2 for row in rows)
    assert len({row[0] for row in rows}) == len(rows)
    return {row[0]: row[1] for row in rows}


def assert_script(code: str, sentences: list[str]) -> None:
    prefix = SCRIPTS.get(code, "LATIN")
    for sentence in sentences:
        letters = [unicodedata.name(char) for char in sentence if char.isalpha()]
        assert letters, sentence
        assert all(name.startswith(prefix) for name in letters), sentence


def translations() -> dict[str, dict[str, str]]:
    """Language -> its sentence -> the English one, over the FLORES and Tatoeba files."""
    pairs: dict[str, dict[str, str]] = {}
    for code in TATOEBA:
        name = tatoeba_code(code)
        stem = DEMO / "tatoeba" / f"tatoeba.{name}-eng"
        pairs[code] = dict(zip(lines(Path(f"{stem}.{name}")), lines(Path(f"{stem}.eng")), strict=True))
        for split in ("dev", "devtest"):
            pairs[code] |= dict(zip(flores(split, code), flores(split, "en"), strict=True))
    return pairs


def test_the_folder_holds_these_files_and_no_others() -> None:
    counts = {
        folder: len([p for p in (DEMO / folder).rglob("*") if p.is_file()])
        for folder in ("flores200", "tatoeba", "bucc2018")
    }
    assert counts == {"flores200": 2 * len(FLORES), "tatoeba": 2 * len(TATOEBA), "bucc2018": 6 * len(BUCC)}
    assert sorted(normalise(p.stem) for p in (DEMO / "flores200" / "dev").iterdir()) == sorted(FLORES)


@pytest.mark.parametrize(("split", "count"), [("dev", 24), ("devtest", 48)])
@pytest.mark.parametrize("code", FLORES)
def test_flores_is_parallel_and_in_its_script(split: str, count: int, code: str) -> None:
    sentences = flores(split, code)
    assert len(set(sentences)) == len(sentences) == count
    assert_script(code, sentences)
    if code != "en":
        assert not set(sentences) & set(flores(split, "en"))


@pytest.mark.parametrize("code", FLORES)
def test_flores_splits_share_nothing(code: str) -> None:
    assert not set(flores("dev", code)) & set(flores("devtest", code))


@pytest.mark.parametrize("code", TATOEBA)
def test_tatoeba_pairs(code: str) -> None:
    name = tatoeba_code(code)
    own = lines(DEMO / "tatoeba" / f"tatoeba.{name}-eng.{name}")
    english = lines(DEMO / "tatoeba" / f"tatoeba.{name}-eng.eng")
    assert len(own) == len(set(own)) == len(english) == len(set(english)) == 60
    assert sorted(english) != english  # sorting the English side, as XTREME does, must change something
    assert_script(code, own)
    assert_script("en", english)


@pytest.mark.parametrize(
    ("split", "sources", "targets", "gold"), [("dev", 60, 80, 25), ("test", 80, 100, 30)]
)
@pytest.mark.parametrize("code", BUCC)
def test_bucc(code: str, split: str, sources: int, targets: int, gold: int) -> None:
    source, target = bucc(code, split, code), bucc(code, split, "en")
    pairs = bucc(code, split, "gold")
    assert list(source) == [f"{code}-{row:09d}" for row in range(1, sources + 1)]
    assert list(target) == [f"en-{row:09d}" for row in range(1, targets + 1)]
    assert len(pairs) == len(set(pairs.values())) == gold
    assert pairs.keys() <= source.keys()
    assert set(pairs.values()) <= target.keys()
    assert_script(code, list(source.values()))
    assert_script("en", list(target.values()))
    for side, paired in ((source, set(pairs)), (target, set(pairs.values()))):
        repeated = [text for text, count in Counter(side.values()).items() if count > 1]
        assert len(repeated) == len(side) - len(set(side.values())) == 1
        assert not any(side[key] == repeated[0] for key in paired)


@pytest.mark.parametrize("split", ["dev", "test"])
@pytest.mark.parametrize("code", BUCC)
def test_bucc_gold_is_exactly_the_translations_present(code: str, split: str) -> None:
    english = translations()[code]
    source, target = bucc(code, split, code), bucc(code, split, "en")
    rows = {text: key for key, text in target.items()}
    present = {key: rows[english[text]] for key, text in source.items() if english.get(text) in rows}
    assert present == bucc(code, split, "gold")


@pytest.mark.parametrize("code", BUCC)
def test_bucc_splits_share_no_pair(code: str) -> None:
    texts = [{bucc(code, split, code)[key] for key in bucc(code, split, "gold")} for split in ("dev", "test")]
    assert not texts[0] & texts[1]


def test_languages_are_told_apart() -> None:
    for split in ("dev", "devtest"):
        sentences = [line for code in FLORES for line in flores(split, code)]
        assert len(set(sentences)) == len(sentences)

"""The bundled demo files keep the published formats and what harness/data/README.md promises of them.

The fine-tuning tasks are read by the tasks' own readers, so that what is tested is what is scored."""

import unicodedata
from collections import Counter
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

import harness
from harness.examples import Classify, Question, Span, Tag
from harness.languages import flores_code, normalise, tatoeba_code
from harness.tasks import get_task
from harness.tasks.overlap import contexts, evaluated_texts, normalised_hash, texts
from harness.tasks.source import MissingDataError, open_source
from harness.train.material import Wish
from harness.train.reading import read_materials
from harness.train.recipes import RECIPES, parse

DEMO = Path(harness.__file__).parent / "data" / "demo"
FLORES = ("ar", "de", "en", "es", "fr", "ru", "sw", "zh")
TATOEBA = ("ar", "de", "es", "fr", "ru", "sw", "zh")
BUCC = ("de", "fr", "ru", "zh")
# Task -> its languages, and how many items each has in dev and in test.
SCORED = {
    "xnli": ("ar de en es fr ru sw zh", 48, 48),
    "pawsx": ("de en es fr zh", 30, 30),
    "udpos": ("ar de en es fr ru sw zh", 30, 30),
    "panx": ("ar de en es fr ru sw zh", 30, 30),
    "xquad": ("ar de en es ru zh", 24, 24),
    "mlqa": ("ar de en es zh", 6, 12),
    "tydiqa": ("ar en ru sw", 16, 16),
}
# Task -> how many items its English training data and its selection set have.
TRAINED = {
    "xnli": (306, 48),
    "pawsx": (160, 30),
    "udpos": (150, 30),
    "panx": (150, 30),
    "xquad": (114, 18),
    "mlqa": (114, 18),
    "tydiqa": (59, 15),
}
SPLITS = ("validation", "test")
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
    files = [path for path in DEMO.rglob("*") if path.is_file()]
    assert Counter(path.relative_to(DEMO).parts[0] for path in files) == {
        **{"flores200": 2 * len(FLORES), "tatoeba": 2 * len(TATOEBA), "bucc2018": 6 * len(BUCC)},
        **{"xnli": 16, "mnli": 1, "pawsx": 11, "udpos": 17, "panx": 17},
        **{"xquad": 6, "squad": 4, "mlqa": 10, "tydiqa": 5, "mmlu": 12, "m_mmlu": 6},
        **{"anli": 2, "qqp": 2, "hellaswag": 2, "ccg": 2, "cosmosqa": 2, "commonsenseqa": 2},
        **{"text": 5, "pairs": 4, "lexicon": 4, "image_text": 65},
    }
    assert sum(path.stat().st_size for path in files) < 900_000
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


@pytest.mark.parametrize(("split", "sources", "targets", "gold"), [("dev", 60, 80, 25), ("test", 80, 100, 30)])
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


@cache
def read(task: str, language: str, split: str) -> tuple[Question, ...]:
    loaded = get_task(task).load(open_source("bundled"), language, split, None)
    assert not loaded.notes, (task, language, split)  # no answer moved or lost, no empty word or sentence
    return tuple(one for one in loaded.examples if isinstance(one, Classify | Tag | Span))


def every(task: str, split: str) -> dict[str, tuple[Question, ...]]:
    return {language: read(task, language, split) for language in SCORED[task][0].split()}


def words(text: str) -> set[str]:
    return {word.strip(".,") for word in text.lower().split()}


@pytest.mark.parametrize("folder", sorted(path.name for path in DEMO.iterdir()))
def test_files_are_utf8_with_line_feeds(folder: str) -> None:
    for path in (DEMO / folder).rglob("*.*"):
        if path.is_dir():
            continue
        if path.suffix == ".png":
            assert path.read_bytes()[:4] == b"\x89PNG"
            continue
        text = path.read_bytes().decode("utf-8")
        assert text.endswith("\n") and not text.endswith("\n\n"), path
        assert "\r" not in text and "\ufeff" not in text, path
        assert text == unicodedata.normalize("NFC", text), path


@pytest.mark.parametrize("task", SCORED)
def test_each_reader_sees_these_languages_and_counts(task: str) -> None:
    languages, *counts = SCORED[task]
    for split, count in zip(SPLITS, counts, strict=True):
        assert {len(items) for items in every(task, split).values()} == {count}
    for language in set(get_task(task).languages) - set(languages.split()):
        with pytest.raises(MissingDataError):
            get_task(task).load(open_source("bundled"), language, "test", None)


@pytest.mark.parametrize("task", SCORED)
@pytest.mark.parametrize("split", SPLITS)
def test_languages_keep_their_scripts_and_are_translated(task: str, split: str) -> None:
    seen = {code: [text for one in items for text in texts(one)] for code, items in every(task, split).items()}
    for code, rows in seen.items():
        assert_script(code, rows)
        if code != "en" and task != "panx":  # a PAN-X row may be two names that are the same in both
            assert not set(rows) & set(seen["en"])


@pytest.mark.parametrize("split", SPLITS)
def test_xnli_has_each_label_once_per_premise_in_parallel(split: str) -> None:
    labels = set()
    for items in every("xnli", split).values():
        labels.add(tuple(one.label for one in items if isinstance(one, Classify)))
        assert [one.cluster for one in items] == [str(row - row % 3) for row in range(48)]
        assert len({text for one in items for text in texts(one)}) == 16 + 48
    assert len(labels) == 1
    for row in labels:
        assert all(len(set(row[start : start + 3])) == 3 for start in range(0, 48, 3))


@pytest.mark.parametrize("split", SPLITS)
def test_pawsx_pairs_share_words_and_labels_are_parallel(split: str) -> None:
    labels = set()
    for language, items in every("pawsx", split).items():
        labels.add(tuple(one.label for one in items if isinstance(one, Classify)))
        for one in items:
            first, second = ({*text} if language == "zh" else words(text) for text in texts(one))
            assert texts(one)[0] != texts(one)[1]
            assert len(first & second) >= 0.4 * len(first), one
    assert len(labels) == 1
    assert Counter(labels.pop()) == {"0": 15, "1": 15}


@pytest.mark.parametrize("language", SCORED["udpos"][0].split())
def test_udpos_tags_the_tatoeba_sentences(language: str) -> None:
    english = sorted({text for pairs in translations().values() for text in pairs.values()})
    known = {normalised_hash(text) for text in (english if language == "en" else translations()[language])}
    items = [one for split in SPLITS for one in read("udpos", language, split)]
    assert contexts(items) <= known
    assert len(contexts(items)) == 60


@pytest.mark.parametrize("split", SPLITS)
def test_panx_names_the_same_entities_in_every_language(split: str) -> None:
    for row in zip(*every("panx", split).values(), strict=True):
        assert len({tuple(sorted(tag for tag in one.tags if tag[0] == "B")) for one in row}) == 1
        for one in row:
            assert all(tag[0] != "I" or before[1:] == tag[1:] for before, tag in pairwise(("O", *one.tags)))


@pytest.mark.parametrize(("task", "shared"), [("xquad", True), ("mlqa", True), ("tydiqa", False)])
def test_questions_and_passages(task: str, shared: bool) -> None:
    for split in SPLITS:
        languages = every(task, split)
        ids = [tuple(one.id for one in items) for items in languages.values()]
        assert len(set(ids)) == (1 if shared else len(ids))
        assert len({one for each in ids for one in each}) == len(ids[0]) * len(set(ids))
        clusters = {tuple(one.cluster for one in items) for items in languages.values()}
        assert len(clusters) == 1
        for items in languages.values():
            for one in items:
                assert isinstance(one, Span)
                assert one.question[-1] in "?？؟"
                assert len(one.answers) == 1
                assert one.context.startswith(one.answers[0], one.starts[0])
                assert one.answers[0] == one.answers[0].strip()


@pytest.mark.parametrize("task", TRAINED)
def test_training_data(task: str) -> None:
    reader = get_task(task).train
    assert reader is not None
    training = reader(open_source("bundled"), "en")
    assert (len(training.train), len(training.dev)) == TRAINED[task]
    absent = {"stand-in", "answers moved in training", "answers not found in training"}
    assert not absent & training.notes.keys()
    unique = {repr((texts(one), getattr(one, "question", ""))) for one in training.train}
    assert len(unique) == len(training.train)
    labels = Counter(one.label for one in training.train if isinstance(one, Classify))
    assert len(set(labels.values())) <= 1
    tags = {tag for one in training.train if isinstance(one, Tag) for tag in one.tags}
    assert {tag for one in read(task, "en", "test") if isinstance(one, Tag) for tag in one.tags} <= tags


def test_no_training_text_is_scored_in_any_task() -> None:
    source = open_source("bundled")
    scored = {normalised_hash(text) for pairs in translations().values() for row in pairs.items() for text in row}
    for task in SCORED:
        scored |= set[str]().union(*map(contexts, evaluated_texts(source, get_task(task))))
    assert len(scored) > 2000
    for task in TRAINED:
        reader = get_task(task).train
        assert reader is not None
        training = reader(source, "en")
        assert not contexts(training.train) & scored, task
        assert not contexts(training.train) & contexts(training.dev), task


@pytest.mark.parametrize("recipe", RECIPES)
def test_intermediate_tasks_read_nothing_that_is_scored(recipe: str) -> None:
    """Nor do their development sets share anything with their training sets."""
    materials = read_materials(parse(recipe), open_source("bundled"), Wish())[recipe]
    captions = {"de", "en", "es", "fr", "ru", "zh"}
    assert {one.language for one in materials} == {
        "mlm": captions if recipe == "mlm_captions" else {"de", "en", "es", "fr", "sw"},
        "contrast": {"en-de", "en-es", "en-fr", "en-sw"},
        "caption": {"-".join(sorted(captions))},
    }.get(RECIPES[recipe].form, {"en"})
    for one in materials:
        assert one.notes["overlap"].startswith(f"0 of {len(one.train)} training items and 0 of {len(one.dev)} dev")
        assert one.dev and not set(one.train) & set(one.dev)
        assert "stand-in" not in one.notes

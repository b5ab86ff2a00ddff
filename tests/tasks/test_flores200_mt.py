"""Translation into and out of English: directions, solved sentences, and sacreBLEU's settings for each language."""

from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.metrics import text
from harness.metrics.score import Item, evaluate
from harness.metrics.text import lacking, text_metric, text_signature, translation_metrics
from harness.plan import _wanted_languages
from harness.settings import Settings
from harness.tasks import catalogue, get_task
from harness.tasks.source import MissingDataError, Source, open_source

TASK = get_task("flores200_mt")


def test_directions() -> None:
    assert len(TASK.languages) == 2 * len(get_task("flores200").languages)
    assert {"en-de", "de-en", "en-zh-Hant", "zh-Hant-en"} <= set(TASK.languages)
    assert all(map(TASK.accepts, TASK.languages))
    assert not any(map(TASK.accepts, ("de", "en", "de-fr", "en-en", "en-xx")))
    wanted = _wanted_languages([TASK, get_task("flores200")], Settings(languages=("deu", "zh-en")))
    assert wanted["flores200_mt"] == ("en-de", "de-en", "zh-en")
    assert wanted["flores200"] == ("de", "zh-en")
    with pytest.raises(HarnessError, match="de-fr is in none"):
        _wanted_languages([TASK], Settings(languages=("de-fr",)))


def test_the_same_sentences_as_retrieval_and_shots_of_dev() -> None:
    source = open_source("bundled")
    loaded = TASK.load(source, "de-en", "test", None)
    assert loaded.examples == get_task("flores200").load(source, "de-en", "test", None).examples
    assert (loaded.count, loaded.split, len(loaded.shots)) == (48, "test", 24)
    assert loaded.shots == get_task("flores200").load(source, "de-en", "validation", None).examples
    # A set that is scored itself gives no solved sentences.
    assert TASK.load(source, "de-en", "validation", 3).shots == ()
    with pytest.raises(MissingDataError):
        TASK.load(source, "en-fi", "test", None)


def test_real_files(shared: Path) -> None:
    loaded = TASK.load(Source(shared / "data"), "en-zh", "test", None)
    assert (loaded.count, len(loaded.shots)) == (1012, 997)


def test_what_is_fetched_is_flores() -> None:
    files = [name for part in catalogue.evaluated(TASK, "de-en", "test") for name in part.files]
    assert files == ["flores200/devtest/deu_Latn.devtest", "flores200/devtest/eng_Latn.devtest"]
    assert "devtest alone" in catalogue.elsewhere(TASK)


def test_sacrebleus_settings_and_signatures_are_its_own() -> None:
    import sacrebleu

    note = TASK.load(open_source("bundled"), "en-de", "test", 2).notes["sacrebleu"]
    theirs = sacrebleu.CHRF(word_order=2)
    theirs.num_refs = 1
    assert f"chrf++[{theirs.get_signature().format()}]" in note
    assert "nw:2" in note
    assert "tok:13a" in note
    assert "tok:zh" in TASK.load(open_source("bundled"), "en-zh", "test", 2).notes["sacrebleu"]
    assert "asian:yes" in text_signature("ter", 1, "zh")
    assert "asian:no" in text_signature("ter", 1, "de")
    assert "tok:char" in text_signature("bleu", 1, "th")


def test_chrf_plus_plus_is_the_main_number() -> None:
    import sacrebleu

    items = [Item("0", "Der Hund schläft im Garten.", "Der Hund schläft.", "0"), Item("1", "Es regnet.", "", "1")]
    expected = sacrebleu.CHRF(word_order=2).corpus_score(["Der Hund schläft.", ""], [[one.gold for one in items]])
    first, *others = translation_metrics("de")
    assert first.name == "chrf++"
    assert evaluate(first, items) == pytest.approx(expected.score / 100, abs=1e-12)
    assert {one.name for one in others} >= {"bleu", "ter"}
    chinese = [Item("0", "狗在花园里睡觉。", "狗在睡觉。", "0")]
    theirs = sacrebleu.BLEU(tokenize="zh").corpus_score(["狗在睡觉。"], [["狗在花园里睡觉。"]]).score
    assert evaluate(text_metric("bleu", "zh"), chinese) == pytest.approx(theirs / 100)


def test_a_tokenizer_that_would_be_downloaded_is_named_and_never_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sacrebleu import utils
    from sacrebleu.tokenizers import tokenizer_spm

    monkeypatch.setattr(utils, "SACREBLEU_DIR", str(tmp_path))
    monkeypatch.setattr(tokenizer_spm, "download_file", lambda *given: pytest.fail("a download"))
    text._scorer.cache_clear()
    assert "`flores200` tokenizer needs a download" in lacking("spbleu", "de")
    assert "spbleu" not in {one.name for one in translation_metrics("de")}
    with pytest.raises(HarnessError, match="flores200"):
        text_metric("spbleu", "de")
    assert "no spbleu" in TASK.load(open_source("bundled"), "en-de", "test", 2).notes["sacrebleu"]
    model = tmp_path / "models" / "flores200sacrebleuspm"
    model.parent.mkdir()
    model.write_bytes(b"there")
    assert lacking("spbleu", "de") == ""


def test_japanese_without_mecab_has_no_bleu() -> None:
    import importlib.util

    there = importlib.util.find_spec("MeCab") is not None
    assert ("bleu" in {one.name for one in translation_metrics("ja")}) == there
    assert there or "needs MeCab" in lacking("bleu", "ja")

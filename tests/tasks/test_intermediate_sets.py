"""The readers of the intermediate tasks: counts and first items of the files at hand, and each format's traps."""

from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.examples import Tag
from harness.tasks.anli import train_anli
from harness.tasks.ccg import read_auto, train_ccg
from harness.tasks.cosmosqa import read_cosmosqa, train_cosmosqa
from harness.tasks.hellaswag import train_hellaswag
from harness.tasks.plain_text import read_corpora
from harness.tasks.qqp import read_qqp, train_qqp
from harness.tasks.source import MissingDataError, Source, open_source
from harness.tasks.supervised import train_commonsenseqa, train_mnli, train_squad_v1, train_squad_v2
from harness.tasks.translations import read_lexicon, read_translations

READERS = {
    train_anli: ("ANLI+MNLI", 5000, "a tenth held out by hash"),
    train_mnli: ("MNLI", 3000, "a tenth held out by hash"),
    train_qqp: ("QQP", 6000, "a tenth held out by hash"),
    train_squad_v1: ("SQuAD", 1910, "a tenth held out by hash"),
    train_squad_v2: ("SQuAD 2.0", 4065, "a tenth held out by hash"),
    train_hellaswag: ("HellaSwag", 1756, "hellaswag/hellaswag_val.jsonl"),
    train_ccg: ("PMB", 5174, "ccg_pmb/4.0.0/en/gold/dev.conll"),
    train_cosmosqa: ("CosmosQA", 2000, "a tenth held out by hash"),
    train_commonsenseqa: ("CommonsenseQA", 3600, "commonsenseqa/dev_rand_split.jsonl"),
}


@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
def test_what_is_at_hand(read, shared: Path) -> None:
    name, count, selected_on = READERS[read]
    found = read(open_source(shared / "data"), "en")
    assert (found.name, len(found.train) + len(found.dev), found.notes["selected_on"]) == (name, count, selected_on)
    with pytest.raises(MissingDataError):
        read(open_source(shared / "data"), "fr")


def test_first_items(shared: Path) -> None:
    source = open_source(shared / "data")
    scene = train_hellaswag(source, "en").train[0]
    assert scene.context.startswith("[header] How to organize papers [title] Purchase stackable")
    assert (len(scene.options), scene.question) == (4, "")
    sentence = train_ccg(source, "en").train[0]
    assert isinstance(sentence, Tag)
    assert sentence.words == ("A", "girl", "is", "styling", "her", "hair")
    assert sentence.tags[:3] == ("np/n", "n", "(s:dcl\\np)/(s:ng\\np)")
    assert not any("~" in word for one in train_ccg(source, "en").train for word in one.words)
    squad = [*train_squad_v2(source, "en").train, *train_squad_v2(source, "en").dev]
    assert sum(not one.answers for one in squad) == 4065 - 1910
    notes = train_anli(source, "en").notes
    assert (notes["SNLI"], "not at hand" in notes["stand-in"]) == ("not at hand", True)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def test_both_layouts_of_qqp(tmp_path: Path) -> None:
    header = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"
    glue = read_qqp(write(tmp_path / "train.tsv", f"{header}0\t1\t2\tWho?\tWho is it?\t1\n1\t3\t4\tWhat?\t\t0\n"))
    plain = read_qqp(write(tmp_path / "dev.tsv", "1\tWho?\tWho is it?\t7\n"))
    assert glue == plain
    with pytest.raises(HarnessError, match="line 1: unknown label '2'"):
        read_qqp(write(tmp_path / "bad.tsv", "2\tWho?\tWho is it?\t7\n"))


def test_ccgbank_in_its_own_files(tmp_path: Path) -> None:
    derivation = "(<T S[dcl] 0 2> (<L NP NNP NNP Mira NP>) (<L S[dcl]\\NP VBD VBD slept S[dcl]\\NP_1>) )"
    text = f"ID=wsj_0200.1 PARSER=GOLD NUMPARSE=1\n{derivation}\n"
    for section in ("00", "02", "21", "22"):
        write(tmp_path / "ccg" / "AUTO" / section / f"wsj_{section}01.auto", text)
    assert read_auto(tmp_path / "ccg/AUTO/00/wsj_0001.auto")[0].tags == ("NP", "S[dcl]\\NP")
    found = train_ccg(Source(tmp_path), "en")
    assert (found.name, len(found.train), len(found.dev)) == ("CCGbank", 2, 1)
    with pytest.raises(HarnessError, match="without leaves"):
        read_auto(write(tmp_path / "bad.auto", "(nothing)\n"))


def test_a_label_that_is_none_is_refused_with_its_line(tmp_path: Path) -> None:
    header = "id,context,question,answer0,answer1,answer2,answer3,label\n"
    with pytest.raises(HarnessError, match="row 2"):
        read_cosmosqa(write(tmp_path / "a.csv", f"{header}x,c,q,a,b,c,d,7\n"))
    with pytest.raises(HarnessError, match="no column label"):
        read_cosmosqa(write(tmp_path / "b.csv", "id,context,question,answer0,answer1,answer2,answer3\n"))
    with pytest.raises(HarnessError, match="row 2: 3 fields instead of 8"):
        read_cosmosqa(write(tmp_path / "c.csv", f"{header}x,c,q\n"))


def test_text_and_pairs_at_hand(shared: Path) -> None:
    source = open_source(shared / "data")
    corpora = read_corpora(source, None)
    assert {one.corpus for one in corpora} == {"flores200", "multi30k", "xtd10", "panx"}
    counts = {(one.corpus, one.language): len(one.lines) for one in corpora}
    assert (counts["flores200", "sw"], counts["multi30k", "cs"], counts["panx", "en"]) == (997, 1014, 6000)
    pairs = read_translations(source, None, ["de", "eu"])
    assert [(one.languages, len(one.rows)) for one in pairs] == [(("en", "de"), 997), (("en", "eu"), 997)]
    words = {one.languages: one.rows for one in read_lexicon(source, None)}
    assert ("mahjong red dragon", "Mahjong-Stein") in words["en", "de"]


@pytest.mark.parametrize(
    ("name", "text", "read", "message"),
    [
        ("pairs/en-de.tsv", "one\n", lambda source: read_translations(source, None, None), "line 1: 1 fields"),
        ("lexicon/en-de.txt", "a b c\n", lambda source: read_lexicon(source, None), "line 1: 3 fields"),
        ("pairs/en-de.tsv", "a\tb\n", lambda source: read_translations(source, None, ["fr"]), "among fr"),
        ("text/de.txt", "a\n", lambda source: read_corpora(source, None, ["fr"]), "no text of text in fr"),
        ("text/de.txt.gz", "a\n", lambda source: read_corpora(source, None), "cannot be read"),
    ],
)
def test_damaged_and_absent_text(name, text, read, message, tmp_path: Path) -> None:
    write(tmp_path / name, text)
    with pytest.raises(HarnessError, match=message):
        read(Source(tmp_path))

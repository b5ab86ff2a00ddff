"""Captions: counts on the real files, held-out images the same for every reader, damaged files named."""

import gzip
import json

import pytest

from harness.errors import HarnessError
from harness.tasks import get_task
from harness.tasks.captions import read_captions
from harness.tasks.scored_texts import item_texts
from harness.tasks.source import MissingDataError, Source, open_source
from harness.train.captions import caption_lines, captions, images_of
from harness.train.material import Wish


def test_the_emoji_have_names_in_seven_languages(shared):
    (found,) = read_captions(Source(shared / "data"))
    assert (found.corpus, len(found.images), len(found.held_out)) == ("emoji", 500, 100)
    assert {one.language for one in found.captions} == {"en", "ar", "de", "es", "fr", "sw", "zh"}
    assert all((shared / "data" / "image_text" / one).is_file() for one in found.images)
    first = found.captions[0]
    assert (first.image, first.language, first.text) == ("emoji/png72/emoji_u1f004.png", "en", "mahjong red dragon")


def test_multi30k_holds_its_test_split_out_and_xtd10_a_fifth(shared):
    multi, xtd = read_captions(Source(shared / "data"), ["multi30k", "xtd10"])
    assert (len(multi.images), len(multi.held_out), len(multi.captions)) == (2014, 1000, 8056)
    assert (len(xtd.images), len(xtd.held_out)) == (1000, 200)
    assert {one.language for one in xtd.captions} == {"en", "es", "zh", "de", "fr"}


def test_held_out_images_do_not_depend_on_languages():
    source = open_source("bundled")
    (all_,) = read_captions(source)
    (german,) = read_captions(source, None, ["de"])
    assert all_.held_out == german.held_out
    assert (len(all_.images), len(all_.held_out)) == (64, 13)


def test_every_reader_leaves_out_the_same_images():
    source, wish = open_source("bundled"), Wish()
    (pairs,), lines = captions(source, wish), caption_lines(source, wish)
    (corpus,) = read_captions(source)
    seen = set(images_of((*pairs.train, *pairs.dev)))
    assert seen == set(corpus.images) - set(corpus.held_out)
    assert not set(images_of(pairs.train)) & set(images_of(pairs.dev))
    assert {one.held_out for one in (pairs, *lines)} == {corpus.held_out}
    held = {one.text for one in corpus.captions if one.held}
    assert not held & {text for one in lines for text in (*one.train, *one.dev)}
    assert {text for one in lines for text in one.train} == {one.text for one in pairs.train}
    assert [one.language for one in lines] == ["en", "de", "es", "fr", "ru", "zh"]


def test_what_is_scored_are_the_held_out_captions_alone():
    loaded = get_task("image_text_retrieval").load(open_source("bundled"), "de", "test", None)
    assert loaded.count == 64 and len(item_texts(loaded.examples)) == 13
    small = get_task("image_text_retrieval").load(open_source("bundled"), "de", "test", 4)
    assert [one.held for one in small.examples] == [True] * 4 + [False] * 4


def test_words_are_held_back_as_the_recipe_holds_them_back():
    from harness.train.material import lexicon

    source = open_source("bundled")
    (own,) = lexicon(source, Wish(("de",)))
    words = get_task("lexical_alignment").load(source, "de", "test", None).examples
    assert {(one.source, one.target) for one in words if one.held} == set(own.dev)
    assert {(one.source, one.target) for one in words if not one.held} == set(own.train)
    with pytest.raises(MissingDataError, match="no word pairs"):
        get_task("lexical_alignment").load(source, "fi", "test", None)


def put(folder, name, text):
    path = folder / "image_text" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, "utf-8")


@pytest.mark.parametrize(
    ("files", "names", "message"),
    [
        ({}, None, "no captions of emoji"),
        ({}, ["emojis"], "Did you mean emoji"),
        ({"captions.jsonl": '{"image": "a.png", "text": "a"}\n'}, None, "line 1: no lang"),
        ({"captions.jsonl": '{"image": "a.png", "lang": "en", "text": " "}\n'}, None, "must be filled"),
        ({"captions.jsonl": '{"image": "a.png", "lang": "xx-yy-zz", "text": "a"}\n'}, None, "xx-yy-zz"),
        ({"emoji/names.tsv": "image\temoji\ten\na.png\ta\n"}, None, "line 2: 2 tab-separated fields instead of 3"),
        (
            {"xtd10/XTD10/test_image_names.txt": "a\nb\n", "xtd10/XTD10/test_1kcaptions_en.txt": "one\n"},
            ["xtd10"],
            "1 captions for 2 images",
        ),
    ],
)
def test_damaged_captions_are_named(files, names, message, tmp_path):
    for name, text in files.items():
        put(tmp_path, name, text)
    with pytest.raises(HarnessError, match=message):
        read_captions(Source(tmp_path), names)


def test_own_captions_win_and_features_choose_their_corpus(tmp_path):
    put(tmp_path, "multi30k/task1/image_splits/val.txt", "1.jpg\n2.jpg\n")
    put(tmp_path, "multi30k/task1/raw/val.de.gz", "eins\nzwei\n")
    put(tmp_path, "emoji/names.tsv", "image\temoji\ten\nx.png\tx\tan x\n")
    assert [one.corpus for one in read_captions(Source(tmp_path))] == ["emoji"]
    put(tmp_path, "multi30k/features.npy", "")
    assert [one.images for one in read_captions(Source(tmp_path))] == [("multi30k/1.jpg", "multi30k/2.jpg")]
    put(tmp_path, "captions.jsonl", json.dumps({"image": "a.png", "lang": "deu", "text": "ein a"}) + "\n")
    (own,) = read_captions(Source(tmp_path))
    assert [(one.image, one.language) for one in own.captions] == [("a.png", "de")]

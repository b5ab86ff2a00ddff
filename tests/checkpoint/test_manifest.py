"""What a checkpoint was trained on is found again: by name, by whole texts, by 13-grams, thinned out or not."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_models as tiny

from harness.checkpoint.contamination import Overlap, flagged, overlap, related
from harness.checkpoint.manifest import (
    HASHES,
    TrainingTexts,
    joined,
    read_manifest,
    read_texts,
    thinned,
    write_texts,
)
from harness.errors import HarnessError
from harness.examples import Classify, Comparable, Corpus, Mining, Pair
from harness.tasks import get_task
from harness.tasks.ngrams import distinct
from harness.tasks.overlap import normalised_hash
from harness.tasks.task import Loaded

LONG = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"


def hashes(*texts: str) -> TrainingTexts:
    exact = np.unique(np.array([int(normalised_hash(text), 16) for text in texts], np.uint64))
    return TrainingTexts(exact, distinct(texts))


def item(first: str, second: str = "") -> Classify:
    return Classify("0", first, second or None, "x", "0")


def manifest(folder: Path, **more: object) -> Path:
    record = {"schema": 1, "data": [{"name": "ANLI+MNLI"}], "parents": [], **more}
    tiny.write_json(folder / "manifest.json", record)
    return folder


def test_exact_and_13_grams() -> None:
    texts = hashes("A dog sleeps.", LONG)
    assert overlap((item("a dog SLEEPS"), item("a cat sleeps")), texts) == Overlap(2, 1, 0)
    assert overlap((item("x", f"He said {LONG} and left."),), texts) == Overlap(1, 0, 1)
    assert overlap((item("x", LONG),), texts) == Overlap(1, 1, 1)
    assert overlap((Pair(0, "A dog sleeps.", "Ein Hund schläft."),), texts) == Overlap(1, 1, 0)
    side = Comparable(Corpus(("a", "b"), ("x", "A dog sleeps.")), Corpus(("c",), ("y",)), ())
    assert overlap(Mining(side, None), texts) == Overlap(3, 1, 0)


def test_thinned_grams_are_a_part_and_still_found(tmp_path: Path) -> None:
    words = [f"w{number}" for number in range(4000)]
    texts = hashes(" ".join(words))
    thin = thinned(texts, most=1200)
    assert thin.modulus == 4 and 800 < len(thin.grams) <= 1200
    assert set(thin.grams.tolist()) < set(texts.grams.tolist())
    assert overlap((item(" ".join(words[100:300])), item("nothing of it")), thin) == Overlap(2, 0, 1)
    both = joined(thin, hashes("A dog sleeps.", LONG))
    assert both.modulus == 4 and len(both.exact) == 3
    assert set(thin.grams.tolist()) <= set(both.grams.tolist())
    write_texts(thin, tmp_path / HASHES)
    read = read_texts(read_manifest(manifest(tmp_path)))  # type: ignore[arg-type]
    assert np.array_equal(read.grams, thin.grams) and read.modulus == 4


def test_names_of_a_manifest_and_its_parents(tmp_path: Path) -> None:
    parents = [{"training_data": ["CC-100", "MNLI"]}]
    found = read_manifest(manifest(tmp_path, parents=parents))
    assert found is not None
    assert (found.names, found.unknown) == (("ANLI", "MNLI", "CC-100"), False)
    found = read_manifest(manifest(tmp_path, parents=[{"training_data": None}]) / "manifest.json")
    assert found is not None and found.unknown
    assert read_manifest(tmp_path / "nowhere") is None
    for broken in ({"schema": 2}, {"data": 3}):
        with pytest.raises(HarnessError, match="was not written by"):
            read_manifest(manifest(tmp_path, **broken))
    with pytest.raises(HarnessError, match="cannot be read"):
        read_texts(replace(found, path=tmp_path / "other" / "manifest.json"))


def test_related_names() -> None:
    assert related("xnli", ["CC-100", "mnli", "XNLI"]) == ("mnli", "XNLI")
    assert related("mlqa", ["SQuAD 2.0", "squad"]) == ("SQuAD 2.0", "squad")
    assert related("flores200", ["FLORES-200 dev"]) == ()
    assert related("mytask", ["MyTask", "other"]) == ("MyTask",)


def test_scores_are_flagged(tmp_path: Path) -> None:
    """By the manifest, by the zoo; not where nothing is known, and not in what was not read."""
    folder = tiny.save_model(tmp_path / "ckpt")
    bare = tiny.opened(folder)
    assert bare.training_data is None
    loaded = {"en": Loaded((item("A dog sleeps.", "x"), item("y", "z")), "test", "d", 2, {"a": "b"}), "de": "absent"}
    xnli, pawsx = get_task("xnli"), get_task("pawsx")
    assert flagged(bare, xnli, loaded) == loaded
    write_texts(hashes("a dog sleeps"), folder / HASHES)
    manifest(folder)
    known = tiny.opened(folder)
    assert known.fingerprint == bare.fingerprint
    noted = flagged(known, xnli, loaded)
    assert noted["de"] == "absent"
    assert noted["en"].notes == {"a": "b", "trained on": "MNLI; 1 of 2 items"}  # type: ignore[union-attr]
    assert flagged(known, pawsx, loaded)["en"].notes["trained on"] == "1 of 2 items"  # type: ignore[union-attr]
    zoo = replace(bare, folder=None, training_data=("Wikipedia", "SQuAD", "MNLI"))
    assert flagged(zoo, xnli, loaded)["en"].notes["trained on"] == "MNLI"  # type: ignore[union-attr]
    assert flagged(zoo, pawsx, loaded) == loaded


def test_the_manifest_is_json(tmp_path: Path) -> None:
    assert json.loads((manifest(tmp_path) / "manifest.json").read_text())["schema"] == 1

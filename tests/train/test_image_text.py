"""Training on images: what image_text learns of held-out images, and that its null does not."""

import json
from statistics import fmean

import numpy as np
import pytest
import tiny_models
import torch

import harness
from harness.checkpoint.manifest import read_manifest
from harness.errors import HarnessError
from harness.metrics.captions import chance
from harness.retrieval import frozen_vision
from harness.retrieval.image_tower import load_tower, read_config
from harness.retrieval.images import open_pixels
from harness.tasks.captions import read_captions
from harness.tasks.source import open_source
from harness.train.intermediate import survey
from harness.train.request import request_from

FAST = {
    "device": "cpu",
    "batch_size": 16,
    "max_length": 32,
    "max_steps": 160,
    "learning_rate": 2e-3,
    "image_size": 32,
    "projection": 32,
    "evaluate_every": 160,
    "length_pool": 1,
}
LANGUAGES = "en,de,es,fr,ru,zh"
HELD = 13


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    """A tiny BERT with its masked-language-model head, without dropout."""
    folder = tmp_path_factory.mktemp("bert") / "bert"
    return tiny_models.save_model(
        folder, "bert", "masked-lm", hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
    )


def make(recipe, output, base, **options):
    return harness.make_checkpoint(recipe, output, base=str(base), **{**FAST, "data": "bundled", **options})


def scores(folder, output, **options):
    """(language, metric) -> value, low, high."""
    found = harness.evaluate(
        str(folder),
        "image_text_retrieval",
        data=options.pop("data", "bundled"),
        output=output,
        languages=options.pop("languages", LANGUAGES),
        **options,
    )
    assert not found.outcome.failed
    return {(row.language, row.metric): row for row in found.rows}


@pytest.fixture(scope="module")
def made(bert, tmp_path_factory):
    """Checkpoints by recipe."""
    folder = tmp_path_factory.mktemp("made")
    return {
        recipe: make(recipe, folder / recipe, bert)
        for recipe in ("image_text", "image_text_shuffled", "image_text_random")
    }


def test_images_teach_what_wrong_images_do_not(made, tmp_path):
    """Held-out drawings join a colour and a shape that were each seen: true pairs teach them, wrong ones cannot."""
    found = {name: scores(one.folder, tmp_path / "results") for name, one in made.items()}
    losses = made["image_text"].manifest["training"]["losses"]
    assert fmean(losses[-20:]) < fmean(losses[:20]) / 2
    level = chance(HELD)

    def mean(name, metric):
        return fmean(found[name][code, metric].value for code in LANGUAGES.split(","))

    assert mean("image_text", "mrr") > 0.6 > 2 * level
    assert mean("image_text", "mrr_seen") > 0.6
    for null in ("image_text_shuffled", "image_text_random"):
        rows = [found[null][code, "mrr"] for code in LANGUAGES.split(",")]
        assert fmean(row.low for row in rows) < level
        assert fmean(row.value for row in rows) < level + 0.15
    # a random vector can be learnt by heart
    assert mean("image_text_random", "mrr_seen") > 2 * mean("image_text_shuffled", "mrr_seen")
    rows = [row for (_, metric), row in found["image_text"].items() if metric == "mrr"]
    assert all("candidates:13 held-out and 51 seen images" in row.signature for row in rows if row.language != "avg")


def test_a_training_on_few_images_is_scored_on_the_same_held_out_ones(bert, tmp_path):
    """20 that it trained on, 5 that it looked at; what it left over is no further candidate."""
    few = make("image_text", tmp_path / "few", bert, max_steps=2, limit=20)
    rows = scores(few.folder, tmp_path / "results")
    assert "candidates:13 held-out and 25 seen images" in rows["de", "mrr"].signature


def test_the_folder_holds_the_tower_and_the_manifest_the_held_out_images(made, bert):
    corpus = read_captions(open_source("bundled"))[0]
    for recipe, kind in (("image_text", "conv"), ("image_text_shuffled", "conv"), ("image_text_random", "random")):
        record = read_manifest(made[recipe].folder).record
        assert record["held_out_images"] == sorted(corpus.held_out)
        assert record["dual"]["captions"] == 2
        config = read_config(made[recipe].folder)
        assert (config.kind, config.layer, config.pooling) == (kind, record["vectors"]["layer"], "mean")
        loaded = load_tower(made[recipe].folder)
        assert loaded.seen == set(corpus.images) - set(corpus.held_out)
        before, after = (tiny_models.opened(one) for one in (bert, made[recipe].folder))
        assert (after.kind, after.architecture) == (before.kind, before.architecture)


def test_a_tower_reads_images_one_by_one_as_in_a_batch(made, tmp_path):
    tower = load_tower(made["image_text"].folder).tower
    corpus = read_captions(open_source("bundled"))[0]
    root = open_source("bundled").root / "image_text"
    images = open_pixels(root, corpus.images, 32, tmp_path / "pixels.npy")
    assert images.take(np.array([3])).shape == (1, 3, 32, 32)
    with torch.no_grad():
        together = tower.images(torch.from_numpy(images.take(np.arange(8))))
        alone = torch.cat([tower.images(torch.from_numpy(images.take(np.array([at])))) for at in range(8)])
    assert torch.allclose(together, alone, atol=1e-5)
    assert torch.allclose(together.norm(dim=1), torch.ones(8), atol=1e-5)


def test_a_checkpoint_without_a_tower_is_skipped_with_a_reason(bert, made, tmp_path):
    with pytest.raises(HarnessError, match="carries no image tower"):
        scores(bert, tmp_path / "results")
    trained = make("text_text", tmp_path / "text", bert, max_steps=2)
    found = harness.evaluate(
        [str(trained.folder), str(made["image_text"].folder)],
        "image_text_retrieval",
        data="bundled",
        output=tmp_path / "results",
        languages="de",
    )
    assert {row.checkpoint for row in found.rows if row.status == "scored"} == {"image_text"}


def test_a_mixture_trains_the_head_and_keeps_the_tower(bert, tmp_path):
    """`image_text+mlm_captions*0.5`, English captions alone, by SigLIP's loss, one caption a step."""
    result = make(
        "image_text+mlm_captions*0.5",
        tmp_path / "out",
        bert,
        contrast="siglip",
        train_languages=["en"],
        max_steps=12,
    )
    assert {one["recipe"]: one["language"] for one in result.manifest["data"]} == {
        "image_text": "en",
        "mlm_captions": "en",
    }
    assert load_tower(result.folder).tower.bias is not None
    before, after = (
        __import__("transformers").AutoModelForMaskedLM.from_pretrained(one) for one in (bert, result.folder)
    )
    heads = [name for name, _ in before.named_parameters() if name.startswith("cls.predictions.transform")]
    assert heads
    assert any(not torch.equal(before.state_dict()[name], after.state_dict()[name]) for name in heads)


def features(folder, ids, width=12):
    """A data folder with XTD10's captions and features of their images."""
    place = folder / "image_text" / "xtd10"
    (place / "XTD10").mkdir(parents=True)
    (place / "XTD10" / "test_image_names.txt").write_text("".join(f"{one}\n" for one in ids))
    for code, text in (("en", "picture number {}"), ("es", "imagen número {}")):
        lines = "".join(f"{text.format(at)}\n" for at in range(len(ids)))
        (place / "XTD10" / f"test_1kcaptions_{code}.txt").write_text(lines, "utf-8")
    random = np.random.default_rng(1)
    np.save(place / "features.npy", random.normal(size=(len(ids), width)).astype(np.float16))
    (place / "features.txt").write_text("".join(f"{one}\n" for one in ids))
    (place / "features.model").write_text("a model\n")
    return folder


def test_features_that_were_computed_before_are_read(bert, tmp_path):
    data = features(tmp_path / "data", [f"{at}.jpg" for at in range(30)])
    result = make("image_text", tmp_path / "out", bert, data=data, max_steps=4)
    config = read_config(result.folder)
    assert (config.kind, config.width, config.maker) == ("features", 12, "a model")
    found = scores(result.folder, tmp_path / "results", data=data, languages="en,es")
    assert found["es", "mrr"].n == 30 and found["es", "mrr_seen"].value > 0
    (data / "image_text" / "xtd10" / "features.model").write_text("another\n")
    again = harness.evaluate(
        str(result.folder), "image_text_retrieval", data=data, output=tmp_path / "other", languages="en"
    )
    assert again.outcome.failed


def test_a_frozen_vision_model_is_copied_and_read_again(bert, tmp_path):
    vision = tiny_models.save_model(tmp_path / "vision", "vit", "", tokenizer=None, image_size=32, patch_size=8)
    result = make("image_text", tmp_path / "out", bert, vision=str(vision), max_steps=4)
    config = read_config(result.folder)
    assert (config.kind, config.width) == ("model", 32)
    (vision / "config.json").unlink()
    found = scores(result.folder, tmp_path / "results", languages="en")
    assert 0 < found["en", "mrr"].value <= 1


def test_a_frozen_vision_model_reads_every_image_once(bert, tmp_path, monkeypatch):
    """Training and development images together; where a training is only looked at, one image."""
    vision = tiny_models.save_model(tmp_path / "vision", "vit", "", tokenizer=None, image_size=32, patch_size=8)
    read, real = [], frozen_vision._read

    def counted(tower, paths, how):
        read.extend(paths)
        return real(tower, paths, how)

    monkeypatch.setattr(frozen_vision, "_read", counted)
    options = {"vision": str(vision), "max_steps": 2, "train_languages": ["en"]}
    survey(request_from("image_text", tmp_path / "looked", str(bert), options), open_source("bundled"))
    assert len(read) == 1
    read.clear()
    make("image_text", tmp_path / "out", bert, **options)
    # The first one is also looked at for its width.
    assert len(read) == 1 + len(set(read)) == 1 + 64 - HELD


@pytest.mark.parametrize(
    ("recipe", "options", "message"),
    [
        ("image_text", {"vision": "nowhere"}, "is no folder"),
        ("image_text", {"data": "xtd10"}, "images are not in"),
        ("image_text", {"contrast": "hinge"}, "no contrast"),
        ("image_text", {"train_languages": ["fi"]}, "no captions"),
        ("image_text+image_text_random", {}, "one image tower"),
        ("text_text+lexical", {}, "different layers"),
        ("image_text", {"image_size": 8}, "image_size"),
    ],
)
def test_mistakes_are_one_sentence(recipe, options, message, bert, tmp_path):
    if options.get("data") == "xtd10":
        data = features(tmp_path / "data", ["a.jpg", "b.jpg", "c.jpg", "d.jpg", "e.jpg"])
        (data / "image_text" / "xtd10" / "features.npy").unlink()
        options = {"data": data, "corpora": ["xtd10"]}
    with pytest.raises(HarnessError, match=message):
        make(recipe, tmp_path / "out", bert, **options)


def test_the_recipe_for_one_more_language_is_another_training(bert, tmp_path):
    make("text_text", tmp_path / "out", bert, max_steps=2)
    assert make("text_text", tmp_path / "out", bert, max_steps=2).kept
    with pytest.raises(HarnessError, match="trained with other dual"):
        make("text_text", tmp_path / "out", bert, max_steps=2, captions=3)
    stated = json.loads((tmp_path / "out" / "manifest.json").read_text("utf-8"))
    assert stated["dual"]["contrast"] == "infonce" and not (tmp_path / "out" / "image_text").exists()

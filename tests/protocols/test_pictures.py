"""Ranks of captions and images against a table by hand; word pairs layer by layer against brute force."""

import json

import numpy as np
import pytest
import tiny_models

import harness
from harness.examples import Caption
from harness.metrics.captions import caption_metrics, chance, seen_metrics
from harness.metrics.score import evaluate
from harness.protocols.pictures import items, ranks


def test_ranks_count_wrong_candidates_and_half_of_equal_ones():
    scores = np.array([[0.9, 0.5, 0.5, 0.1], [0.2, 0.2, 0.2, 0.2], [0.1, 0.9, 0.8, 0.7]])
    right = np.array([[0, 1, 0, 0], [1, 0, 0, 0], [1, 0, 0, 1]], bool)
    assert ranks(scores, right).tolist() == [2.5, 2.5, 3.0]


def test_groups_are_searched_apart_and_equal_captions_are_right_for_both():
    """Images a, b are held out, c and d were seen; a and b have the same caption `x`, b a second one."""
    captions = [Caption(*one) for one in (("a", "en", "x"), ("b", "en", "X."), ("b", "en", "y"), ("c", "en", "z"))]
    captions.append(Caption("d", "en", "w"))
    scores = np.array(
        [
            # a    b    c    d
            [0.1, 0.5, 0.9, 0.9],
            [0.6, 0.2, 0.9, 0.9],
            [0.7, 0.3, 0.9, 0.9],
            [0.9, 0.9, 0.2, 0.4],
            [0.9, 0.9, 0.1, 0.8],
        ]
    )
    found = items(captions, ["a", "b", "c", "d"], np.array([True, True, False, False]), scores)
    readings = {one.id: (one.readings["image_to_text"], one.readings["text_to_image"]) for one in found}
    # a: best of its right captions (x, X.) is 0.6 below y's 0.7; y's own image b has 0.3 below a's 0.7
    assert readings == {"a": (2.0, [1.0]), "b": (1.0, [1.0, 2.0]), "c": (1.0, [2.0]), "d": (1.0, [1.0])}
    values = {one.name: evaluate(one, found) for one in (*caption_metrics("en"), *seen_metrics("en"))}
    assert values["mrr_image_to_text"] == pytest.approx(0.75)
    assert values["mrr_text_to_image"] == pytest.approx((1 + 1 + 0.5) / 3)
    assert values["mrr"] == pytest.approx((0.75 + 2.5 / 3) / 2)
    assert values["recall_at_1_text_to_image"] == pytest.approx(2 / 3)
    assert values["recall_at_10_text_to_image"] == 1
    assert (values["mrr_image_to_text_seen"], values["mrr_text_to_image_seen"]) == (1, 0.75)


def test_chance_is_the_mean_of_reciprocal_ranks():
    assert chance(3) == pytest.approx((1 + 1 / 2 + 1 / 3) / 3)


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    """A tiny BERT of three layers."""
    return tiny_models.save_model(tmp_path_factory.mktemp("words") / "bert", "bert", "masked-lm", layers=3)


def test_word_pairs_are_read_at_every_layer_as_by_brute_force(bert, tmp_path):
    import torch
    from transformers import AutoModel, AutoTokenizer

    found = harness.evaluate(str(bert), "lexical_alignment", data="bundled", output=tmp_path, languages="de")
    assert not found.outcome.failed
    folders = sorted(path.parent.name for path in tmp_path.rglob("de.seed0.json"))
    assert folders == ["retrieve", "retrieve@layer1", "retrieve@layer3"]
    from harness.tasks import get_task
    from harness.tasks.source import open_source

    words = get_task("lexical_alignment").load(open_source("bundled"), "de", "test", None).examples
    model, tokenizer = AutoModel.from_pretrained(bert).eval(), AutoTokenizer.from_pretrained(bert)

    def vector(word, first):
        with torch.no_grad():
            states = model(**tokenizer(word, return_tensors="pt"), output_hidden_states=True).hidden_states[3]
        return torch.nn.functional.normalize(states[0, first:].mean(dim=0), dim=0).double().numpy()

    stored = json.loads(next(tmp_path.rglob("retrieve@layer3/de.seed0.json")).read_text("utf-8"))
    values = {one["metric"]: one["value"] for one in stored["scores"]}
    for ending, first in (("", 0), ("_no_first", 1)):
        sides = [one.source for one in words], [one.target for one in words]
        sources, targets = (np.array([vector(word, first) for word in side]) for side in sides)
        similar = sources @ targets.T
        gap = [similar[at, at] - np.delete(similar[at], at).mean() for at in range(len(words))]
        for group, name in ((True, ""), (False, "_trained")):
            own = [at for at, one in enumerate(words) if one.held == group]
            right = [similar[at].argmax() == at for at in own]
            back = [similar[:, at].argmax() == at for at in own]
            assert values[f"precision_at_1{ending}{name}"] == pytest.approx(np.mean(right), abs=1e-6)
            assert values[f"precision_at_1_reverse{ending}{name}"] == pytest.approx(np.mean(back), abs=1e-6)
            assert values[f"cosine_gap{ending}{name}"] == pytest.approx(np.mean([gap[at] for at in own]), abs=1e-5)
    assert values["precision_at_1"] == next(one["value"] for one in stored["scores"] if one["main"])


def test_one_layer_is_read_where_one_is_asked_for(bert, tmp_path):
    harness.evaluate(str(bert), "lexical_alignment", data="bundled", output=tmp_path, languages="sw", layer=1)
    assert [path.parent.name for path in tmp_path.rglob("sw.seed0.json")] == ["retrieve@layer1"]

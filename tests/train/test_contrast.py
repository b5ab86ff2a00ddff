"""What a batch of pairs is made of."""

import numpy as np
import tiny_models

from harness.heads.tokeniser import open_tokeniser
from harness.train.contrast import contrast_component
from harness.train.material import Material
from harness.train.recipes import parse
from harness.train.settings import TrainSettings

PAIRS = (("der Hund", "the dog sleeps in the house"), ("ja", "yes"), ("eine Katze und ein Hund", "cat"))


def test_both_texts_of_a_pair_are_counted(tmp_path):
    """Budgets in tokens are sums of these lengths."""
    tokeniser = open_tokeniser(tiny_models.opened(tiny_models.save_model(tmp_path / "bert", "bert", "masked-lm")))
    (part,) = parse("pairs")
    material = Material(name="some", language="de", train=PAIRS, dev=(), files=(), notes={})
    component = contrast_component(part, material, tokeniser, TrainSettings())
    for at in range(len(PAIRS)):
        assert component.collate(np.array([at]))["attention_mask"].sum() == component.lengths[at]

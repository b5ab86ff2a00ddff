"""What a reader of the table must know: here of word pairs that were held back and yet read."""

import numpy as np
import pytest

from harness.checkpoint.manifest import TrainingTexts
from harness.study.budget import Budget, overlaps, refuse_overlap
from harness.study.notes import notes_on
from harness.study.readout import Settled
from harness.study.request import Request
from harness.tasks import get_task
from harness.tasks.overlap import normalised_hash
from harness.tasks.source import open_source


def texts(*every):
    exact = np.unique(np.array([int(normalised_hash(one), 16) for one in every], np.uint64))
    return TrainingTexts(exact, np.zeros(0, np.uint64))


@pytest.mark.parametrize(("sides", "held", "known"), [(2, True, 3), (1, True, 0), (2, False, 0)])
def test_held_back_pairs_that_captions_teach_are_counted(sides, held, known):
    """Captions name what lexicons translate: a recipe of captions reads both words of pairs that `lexical` holds
    back. One word alone, and pairs that are there to be trained on, tell nothing."""
    loaded = get_task("lexical_alignment").load(open_source("bundled"), "de", "test", None)
    unlike = [one for one in loaded.examples if normalised_hash(one.source) != normalised_hash(one.target)]
    pairs = [one for one in unlike if one.held == held][:3]
    read = texts(*(text for one in pairs for text in (one.source, one.target)[:sides]))
    found = overlaps(read, {"lexical_alignment": {"de": loaded}})
    budgets = {"mlm_captions": Budget(10, 10, 8, 1.0, (), found)}
    refuse_overlap(budgets)
    said = notes_on(Request("base", (), ()), budgets, Settled((), (), {}, {}, {}))
    note = f"mlm_captions has held-back word pairs in its training or development set: lexical_alignment {known}"
    assert said == ([note] if known else [])

"""The published numbers, as read in the sources that the presets name."""

import pytest

from harness.errors import HarnessError
from harness.tasks import get_task
from harness.train.presets import PRESETS, preset

# task -> learning rate, epochs, length, batch, warm-up, decay, selection, judged every
XTREME = {
    "xnli": (2e-5, 5, 128, 32, 0, 0.0, "best", 100),
    "pawsx": (2e-5, 5, 128, 32, 0, 0.0, "best", 200),
    "udpos": (2e-5, 10, 128, 32, 0, 0.0, "best", 500),
    "panx": (2e-5, 10, 128, 32, 0, 0.0, "best", 1000),
    "xquad": (3e-5, 3, 384, 32, 500, 1e-4, "last", None),
    "mlqa": (3e-5, 3, 384, 32, 500, 1e-4, "last", None),
    "tydiqa": (3e-5, 3, 384, 32, 500, 1e-4, "last", None),
    "xcopa": (2e-5, 5, 128, 32, 0, 0.0, "last", None),
}
STILTS = {
    "xnli": (1e-5, 2, 256, 32, 0.1, 0.01, "best", 1000),
    "pawsx": (1e-5, 5, 256, 32, 0.1, 0.01, "best", 1000),
    "udpos": (1e-5, 10, 256, 32, 0.1, 0.01, "best", 1000),
    "panx": (1e-5, 10, 256, 32, 0.1, 0.01, "best", 1000),
    "xquad": (1e-5, 2, 384, 16, 0.1, 0.01, "best", 1000),
    "mlqa": (1e-5, 2, 384, 16, 0.1, 0.01, "best", 1000),
    "tydiqa": (1e-5, 2, 384, 16, 0.1, 0.01, "last", None),
}


@pytest.mark.parametrize(("name", "table"), [("xtreme", XTREME), ("stilts", STILTS)])
def test_the_published_numbers(name, table):
    # Exams have settings of our own in the default preset; no paper is followed there.
    exams = {task for task in PRESETS[name].tasks if get_task(task).form == "choice" and task != "xcopa"}
    assert set(PRESETS[name].tasks) - exams == set(table)
    assert bool(exams) == (name == "xtreme")
    for task, expected in table.items():
        one = preset(name, task)
        found = (one.learning_rate, one.epochs, one.max_length, one.batch_size, one.warmup, one.weight_decay)
        assert (*found, one.selection, one.evaluate_every) == expected, task
        assert (one.clip, one.epsilon) == (1.0, 1e-8)
    assert preset("stilts", "xnli").patience == 30
    assert preset("stilts", "xnli").dev_limit == 500


def test_large_models_learn_xnli_faster():
    assert preset("xtreme", "xnli", large=True).learning_rate == 3e-5
    assert preset("xtreme", "pawsx", large=True).learning_rate == 2e-5
    assert preset("xtreme", "xnli", {"learning_rate": 1e-4}, large=True).learning_rate == 1e-4


def test_overrides_and_what_is_unknown():
    assert preset("xtreme", "xquad", {"warmup": 0.1, "epochs": 1}).warmup == 0.1
    with pytest.raises(HarnessError, match="learning_rate"):
        preset("xtreme", "xquad", {"learning_rat": 1})
    with pytest.raises(HarnessError, match="stilts"):
        preset("stilt", "xquad")
    with pytest.raises(HarnessError, match="xcopa"):
        preset("stilts", "xcopa")

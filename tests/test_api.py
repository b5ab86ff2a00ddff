"""What the command line refuses by itself, `harness.evaluate` refuses too."""

from pathlib import Path
from typing import Any

import pytest
from tiny_models import save_model

from harness import evaluate
from harness.errors import HarnessError


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"split": "dev"}, "split"),
        ({"limit": 0}, "limit is 0"),
        ({"limit": -1}, "limit is -1"),
        ({"max_length": 2.5}, "max_length is 2.5"),
        ({"seeds": ["one"]}, "seed 'one' is no whole number"),
    ],
)
def test_wrong_values_are_refused(wrong: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=said):
        evaluate("ckpt", "xnli", data="bundled", output=tmp_path / "results", **wrong)
    assert not (tmp_path / "results").exists()


def test_a_path_and_one_seed_are_taken(tmp_path: Path) -> None:
    model = save_model(tmp_path / "tiny", "bert")
    options: dict[str, Any] = {"data": "bundled", "languages": "de", "seeds": 3, "dry_run": True}
    assert evaluate(model, "tatoeba", output=tmp_path / "results", **options).estimates

"""The folder beside the output: what a second run may take from it, and what it leaves alone."""

from pathlib import Path

import numpy as np
import pytest

import harness.mining
from harness.errors import HarnessError


@pytest.fixture
def sides(tmp_path: Path) -> tuple[Path, Path]:
    """Two files of vectors that are not of length one, so that copies are made in the folder."""
    random = np.random.default_rng(0)
    places = tmp_path / "a.npy", tmp_path / "b.npy"
    for place in places:
        np.save(place, random.standard_normal((60, 8), dtype=np.float32))
    return places


def die(label: str, done: int, total: int) -> None:
    if label.startswith("searching"):
        raise KeyboardInterrupt


def test_swapped_sides_are_another_run(sides: tuple[Path, Path], tmp_path: Path) -> None:
    output = tmp_path / "pairs.tsv"
    with pytest.raises(KeyboardInterrupt):
        harness.mining.mine(vectors=sides, output=output, progress=die)
    with pytest.raises(HarnessError, match="unfinished run with other files"):
        harness.mining.mine(vectors=sides[::-1], output=output)

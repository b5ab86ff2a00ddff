"""One undisturbed evaluation in one process, which every executor must equal byte by byte."""

from pathlib import Path

import pytest
from executors import make_model, run_to_the_end


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny encoder."""
    return make_model(tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="session")
def calm(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of its evaluation by one process."""
    found = run_to_the_end(tiny, tmp_path_factory.mktemp("local") / "results")
    assert "tiny/bucc2018/retrieve/avg.seed0.json" in found
    assert {name.split("/")[1] for name in found} == {"xnli", "udpos", "tatoeba", "bucc2018"}
    return found

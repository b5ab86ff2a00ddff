"""Which layer to take, where several were scored: never by the score on the pair that is reported.

For each language the layer is the one with the best mean over the task's other languages; what it scores on the
language itself is then a fair number, and the best layer in hindsight stands beside it as what it is, an oracle."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from harness.report.leaderboard import Row
from harness.store import AVERAGE


@dataclass(frozen=True)
class Choice:
    """The layer chosen for a language on the others, its score there, and the best layer in hindsight."""

    checkpoint: str
    task: str
    language: str
    layer: int
    value: float
    oracle_layer: int
    oracle_value: float


def choose_layers(rows: Sequence[Row]) -> list[Choice]:
    """Choices for every (checkpoint, task) with at least two layers and three languages scored alike."""
    groups: dict[tuple[str, ...], dict[int, dict[str, float]]] = {}
    for row in rows:
        if row.main and row.value is not None and row.language != AVERAGE and "layer" in row.settings:
            others = {key: value for key, value in row.settings.items() if key != "layer"}
            key = (row.checkpoint, row.task, row.split, repr(sorted(others.items())))
            groups.setdefault(key, {}).setdefault(int(row.settings["layer"]), {})[row.language] = row.value
    return [choice for (name, task, *_), layers in groups.items() for choice in _choices(name, task, layers)]


def _choices(checkpoint: str, task: str, layers: dict[int, dict[str, float]]) -> list[Choice]:
    languages = sorted(set.intersection(*(set(scores) for scores in layers.values())))
    if len(layers) < 2 or len(languages) < 3:
        return []
    out = []
    for language in languages:
        elsewhere = {
            layer: fmean(scores[other] for other in languages if other != language) for layer, scores in layers.items()
        }
        layer = max(sorted(elsewhere), key=elsewhere.__getitem__)
        oracle = max(sorted(layers), key=lambda one: layers[one][language])
        value, best = layers[layer][language], layers[oracle][language]
        out.append(Choice(checkpoint, task, language, layer, value, oracle, best))
    return out

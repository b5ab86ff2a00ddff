"""What a number owes to training: results of different protocols or supervision never share a rank or an average."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Marks of a settings folder that take a result out of every ranking.
UNRANKED = ("contaminated", "shuffled")


@dataclass(frozen=True)
class Supervision:
    """`label` heads a table of its own."""

    protocol: str
    label: str


def supervision(protocol: str, settings: Mapping[str, Any], split: str) -> Supervision:
    """The kind of supervision that a result's settings tell of."""
    label = _label(protocol, settings)
    return Supervision(protocol, label if split == "test" else f"{label}, {split} split")


def _label(protocol: str, settings: Mapping[str, Any]) -> str:
    if protocol == "transfer":
        source = str(settings.get("source_language", "en"))
        kind = "probe: the encoder stays frozen" if settings.get("freeze") == "encoder" else "zero-shot transfer"
        return f"{kind}, trained on {source}"
    if protocol == "prompt":
        shots = int(settings.get("shots") or 0)
        return f"prompt, {shots}-shot" if shots else "prompt, zero-shot"
    return {"retrieve": "frozen sentence vectors", "head": "a head that the checkpoint carries"}.get(protocol, protocol)


def ranked(folder: str, settings: Mapping[str, Any]) -> bool:
    """Whether a complete result may be ranked: not with --limit, not contaminated, not the control."""
    return "limit" not in settings and not set(folder.split("@")) & set(UNRANKED)

"""Checkpoints known by a short name, from model_zoo.yaml: where they are and what is known about them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.checkpoint.hub import is_hub_id
from harness.checkpoint.kinds import KINDS
from harness.errors import HarnessError
from harness.languages import normalise_all

FILE = "model_zoo.yaml"
POOLINGS = ("mean", "mean_no_special", "cls", "last", "max", "mean_sqrt_len", "weighted_mean")
UNKNOWN = "unknown"


@dataclass(frozen=True)
class ZooEntry:
    """One of `hub` (an id without revision) and `path` (a folder) is given. `layer` counts from 1. `training_data` is
    None where nobody says what the model has read; `seen` are the languages of its pretraining as the shortest codes,
    None where no list was found."""

    name: str
    hub: str | None = None
    path: Path | None = None
    revision: str | None = None
    kind: str | None = None
    pooling: str | None = None
    layer: int | None = None
    recipe: str | None = None
    parent: str | None = None
    training_data: tuple[str, ...] | None = None
    languages: str | None = None
    seen: tuple[str, ...] | None = None

    @property
    def source(self) -> str:
        """What `--model` would take in place of the name: a folder, or a hub id with its revision."""
        if self.path is not None:
            return str(self.path)
        return f"{self.hub}@{self.revision}" if self.revision else str(self.hub)


KEYS = tuple(ZooEntry.__dataclass_fields__)


def list_models() -> tuple[ZooEntry, ...]:
    """All entries of the zoo that travels with the package, in the file's order."""
    return read_zoo(zoo_file())


def zoo_file() -> Path:
    """In an installed package inside it, in a checkout beside it."""
    inside = Path(__file__).parents[1] / FILE
    return inside if inside.is_file() else Path(__file__).parents[2] / FILE


def find_model(model: str) -> ZooEntry | None:
    """The entry of that name, or the one that stands for that hub id or folder."""
    entries = list_models()
    by_name = next((entry for entry in entries if entry.name == model), None)
    return by_name or next((entry for entry in entries if model in (entry.hub, entry.source)), None)


def read_zoo(path: Path) -> tuple[ZooEntry, ...]:
    """The entries of a file; one HarnessError with every problem, each under its entry's name."""
    import yaml

    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise HarnessError(f"{path} cannot be read: {error}", "Mend it, or install the package again.") from error
    models = data.get("models") if isinstance(data, dict) else None
    if not isinstance(models, list) or set(data) != {"models"}:
        raise HarnessError(f"{path}: one key `models` with a list is expected.", "See the comment at its top.")
    problems: list[str] = []
    seen: set[str] = set()
    for position, raw in enumerate(models, 1):
        name = str(raw.get("name") or f"entry {position}") if isinstance(raw, dict) else f"entry {position}"
        found = _problems(raw) if isinstance(raw, dict) else ["it is no mapping"]
        if name in seen:
            found.append("the name occurs twice")
        seen.add(name)
        problems += [f"{name}: {problem}" for problem in found]
    if problems:
        raise HarnessError(f"{path}: " + "; ".join(problems) + ".", f"Keys: {', '.join(KEYS)}.")
    return tuple(_entry(raw, path.parent) for raw in models)


def _problems(raw: dict[str, Any]) -> list[str]:
    found = [f"unknown key '{key}'" for key in raw if key not in KEYS]
    found += ["no name"] if not raw.get("name") else []
    texts = ("name", "hub", "path", "revision", "kind", "pooling", "recipe", "parent")
    found += [f"{key} is no text" for key in texts if key in raw and not isinstance(raw[key], str)]
    if ("hub" in raw) == ("path" in raw):
        found.append("exactly one of hub and path is needed")
    if isinstance(raw.get("hub"), str) and (not is_hub_id(raw["hub"]) or "@" in raw["hub"]):
        found.append(f"hub '{raw['hub']}' is not of the form org/name")
    if "revision" in raw and "hub" not in raw:
        found.append("a revision needs a hub")
    if "kind" in raw and raw["kind"] not in KINDS:
        found.append(f"unknown kind '{raw['kind']}'")
    if "pooling" in raw and raw["pooling"] not in POOLINGS:
        found.append(f"unknown pooling '{raw['pooling']}'")
    layer = raw.get("layer", 1)
    if isinstance(layer, bool) or not isinstance(layer, int) or layer < 1:
        found.append(f"layer '{layer}' is no whole number from 1 on")
    if ("recipe" in raw) != ("parent" in raw):
        found.append("recipe and parent go together")
    return found + _data_problems(raw) + _seen_problems(raw)


def _data_problems(raw: dict[str, Any]) -> list[str]:
    """Silence about training data could be read as 'none': it must be said, if only as `unknown`."""
    data = raw.get("training_data")
    if data == UNKNOWN or (isinstance(data, list) and all(isinstance(item, str) for item in data)):
        return []
    return [f"training_data must be a list of names, or {UNKNOWN}"]


def _seen_problems(raw: dict[str, Any]) -> list[str]:
    if "seen" not in raw:
        return []
    try:
        codes = normalise_all(str(raw["seen"]).split())
    except HarnessError as error:
        return [f"seen: {error.problem}"]
    return [] if codes else ["seen names no language"]


def _entry(raw: dict[str, Any], folder: Path) -> ZooEntry:
    values = {key: raw[key] for key in KEYS if key in raw}
    if "path" in values:
        values["path"] = folder / values["path"]
    if "languages" in values:
        values["languages"] = str(values["languages"])
    if "seen" in values:
        values["seen"] = normalise_all(str(values["seen"]).split())
    data = raw["training_data"]
    values["training_data"] = None if data == UNKNOWN else tuple(data)
    return ZooEntry(**values)

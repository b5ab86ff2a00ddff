"""What `harness train` is asked for, and how its flags become that."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from harness.errors import unknown_names
from harness.languages import normalise_all
from harness.train.dual_settings import DualSettings
from harness.train.material import Wish
from harness.train.mixture import Mixing
from harness.train.scratch import Sizes
from harness.train.settings import TrainSettings

# Flags that are no fields of `TrainSettings` or `Sizes`.
MIXING = {"mixing": "how", "cap": "cap", "temperature": "temperature"}
PLAIN = ("limit", "allow_contaminated", "layer", "trust_remote_code")
OWN = (*MIXING, *PLAIN, "train_languages", "corpora", "tensorboard")


@dataclass(frozen=True)
class Request:
    """What is to be made. `overrides` are fields of `TrainSettings`; `limit` cuts each data set for a trial; `layer` is
    for `pairs`, `lexical` and captions, `dual` for captions, `sizes` for `mlm_scratch`, which has no `base`."""

    recipe: str
    output: Path
    base: str | None = None
    wish: Wish = field(default_factory=Wish)
    mixing: Mixing = field(default_factory=Mixing)
    overrides: Mapping[str, Any] = field(default_factory=dict)
    limit: int | None = None
    allow_contaminated: bool = False
    layer: int | None = None
    sizes: Sizes = field(default_factory=Sizes)
    dual: DualSettings = field(default_factory=DualSettings)
    board: Path | None = None
    trust_remote_code: bool = False

    @property
    def state(self) -> Path:
        """Where an unfinished training is kept."""
        return self.output.with_name(f"{self.output.name}.state")


def request_from(recipe: str, output: Path, base: str | None, options: Mapping[str, Any]) -> Request:
    """The request of some flags; what is None was not given. HarnessError for unknown names, languages and values."""
    given = {name: value for name, value in options.items() if value is not None}
    settings, sizes, dual = _names(TrainSettings), _names(Sizes), _names(DualSettings)
    known = {*settings, *sizes, *dual, *OWN}
    unknown = [name for name in given if name not in known]
    if unknown:
        raise unknown_names("setting", unknown, known, f"Known: {', '.join(sorted(known))}.")
    languages = given.get("train_languages")
    corpora = given.get("corpora")
    mixing = {field_: given[name] for name, field_ in MIXING.items() if name in given}
    return Request(
        recipe=recipe,
        output=output,
        base=base,
        wish=Wish(normalise_all(languages) if languages else None, tuple(corpora) if corpora else None),
        mixing=Mixing(**mixing),
        overrides={name: given[name] for name in settings if name in given},
        sizes=Sizes(**{name: given[name] for name in sizes if name in given}),
        dual=DualSettings(**{name: given[name] for name in dual if name in given}),
        board=Path(given["tensorboard"]) if "tensorboard" in given else None,
        **{name: given[name] for name in PLAIN if name in given},
    )


def _names(kind: Any) -> list[str]:
    return [one.name for one in fields(kind)]

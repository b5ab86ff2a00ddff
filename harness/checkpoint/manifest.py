"""What a checkpoint was trained on, as `harness train` writes it beside the weights and an evaluation reads it.

`manifest.json` is for readers; `training.npz` holds hashes of the training texts and of their 13-grams, so that an
overlap with an evaluated set is found without the training data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from harness.checkpoint.json_file import read_object
from harness.errors import HarnessError

FILE = "manifest.json"
HASHES = "training.npz"
SCHEMA = 1
# More 13-grams than this are thinned out by their hash: 32 MB, and texts that share several are still found.
MOST_GRAMS = 4_000_000

Hashes = NDArray[np.uint64]


@dataclass(frozen=True)
class Manifest:
    """`names` are the data sets of this training and of all its ancestors; `unknown` says that an ancestor's training
    data are not known. `record` is the whole file."""

    path: Path
    names: tuple[str, ...]
    unknown: bool
    record: Mapping[str, Any] = field(repr=False, default_factory=dict)


@dataclass(frozen=True, eq=False)
class TrainingTexts:
    """Sorted 64-bit hashes: `exact` of whole texts (`overlap.normalised_hash`), `grams` of their 13-grams, of which
    those divisible by `modulus` are kept."""

    exact: Hashes
    grams: Hashes
    modulus: int = 1


def read_manifest(place: Path) -> Manifest | None:
    """The manifest of a checkpoint's folder, or that file itself; None where a folder has none. HarnessError for a
    manifest that this program did not write."""
    path = place / FILE if place.is_dir() else place
    if not path.is_file():
        return None
    record = read_object(path)
    data, parents = record.get("data"), record.get("parents")
    if record.get("schema") != SCHEMA or not isinstance(data, list) or not isinstance(parents, list):
        raise HarnessError(f"{path} was not written by `harness train` of this version.", "Move it elsewhere.")
    return Manifest(path, *trained_on(record), record)


def trained_on(record: Mapping[str, Any]) -> tuple[tuple[str, ...], bool]:
    """(names of all data sets in a manifest and its parents, whether some are not known)."""
    names = [part for one in record["data"] for part in str(one["name"]).split("+")]
    unknown = False
    for parent in record["parents"]:
        known = parent.get("training_data")
        names += known or []
        unknown |= known is None
    return tuple(dict.fromkeys(names)), unknown


def texts_of(manifest: Manifest | None) -> TrainingTexts | None:
    """The hashes beside a manifest, None where there are none (a folder that was copied without them)."""
    if manifest is None or not manifest.path.with_name(HASHES).is_file():
        return None
    return read_texts(manifest)


def read_texts(manifest: Manifest) -> TrainingTexts:
    """The hashes beside a manifest; HarnessError where they are absent or damaged."""
    path = manifest.path.with_name(HASHES)
    try:
        with np.load(path) as arrays:
            return TrainingTexts(arrays["exact"], arrays["grams"], int(arrays["modulus"]))
    except (OSError, KeyError, ValueError, BadZipFile) as error:
        raise HarnessError(f"{path} cannot be read: {error}.", "Copy it from where the model was trained.") from error


def write_texts(texts: TrainingTexts, path: Path) -> None:
    """Keeps the hashes; too many 13-grams are thinned out."""
    thin = thinned(texts)
    np.savez_compressed(path, exact=thin.exact, grams=thin.grams, modulus=np.int64(thin.modulus))


def thinned(texts: TrainingTexts, most: int = MOST_GRAMS) -> TrainingTexts:
    """At most about `most` 13-grams: a half, a quarter ... of them, chosen by their hash."""
    modulus, grams = texts.modulus, texts.grams
    while len(grams) > most:
        modulus *= 2
        grams = grams[grams % np.uint64(modulus) == 0]
    return TrainingTexts(texts.exact, grams, modulus)


def joined(one: TrainingTexts, other: TrainingTexts) -> TrainingTexts:
    """All texts of both, thinned as the thinner of the two."""
    modulus = max(one.modulus, other.modulus)
    grams = np.union1d(one.grams, other.grams)
    return TrainingTexts(np.union1d(one.exact, other.exact), grams[grams % np.uint64(modulus) == 0], modulus)

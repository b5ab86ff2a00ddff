"""Images as arrays, one row an image: pixels of drawings and photographs, or features that were computed before.

What is computed is written once and read through a memory map, so that more images than fit into memory can be used."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError

FEATURES, IDS, MODEL = "features.npy", "features.txt", "features.model"
WHITE = (255, 255, 255, 255)

Integers = NDArray[np.int64]
Array = NDArray[np.generic]


class Gives(Protocol):
    """What images are taken from."""

    def take(self, units: Integers) -> Array:
        """The images of these numbers."""


@dataclass(frozen=True, eq=False)
class Images:
    """`array` (m, ...) holds an image in each row, `rows` (n,) the row of each image that was asked for; `maker` says
    what made features ("" for pixels)."""

    array: Array
    rows: Integers
    maker: str = ""

    def take(self, units: Integers) -> Array:
        """The images of these numbers, float32 for features and uint8 for pixels."""
        found = self.array[self.rows[units]]
        return np.ascontiguousarray(found, np.uint8 if found.dtype == np.uint8 else np.float32)

    @property
    def width(self) -> int:
        """Numbers of a feature vector."""
        return int(self.array.shape[1])


@dataclass(frozen=True, eq=False)
class Later:
    """Some of the images that `whole` opens, which is asked when the first are taken: a training that is only looked at
    computes none. `rows` (n,) are their numbers among those."""

    whole: Callable[[], Images]
    rows: Integers

    def take(self, units: Integers) -> Array:
        """The images of these numbers."""
        return self.whole().take(self.rows[units])


def has_features(folder: Path) -> bool:
    """Whether features of the corpus in this folder are there."""
    return (folder / FEATURES).is_file()


def open_features(folder: Path, prefix: str, ids: Sequence[str]) -> Images:
    """`features.npy` (m, width), whose row i is the image that line i of `features.txt` names (an id, or an id without
    the corpus's `prefix`). `features.model` says what made them, where it is there. HarnessError: files that do not fit
    together, images without features (all named at once, by number)."""
    names = folder / IDS
    if not names.is_file():
        raise HarnessError(
            f"There is no {names} beside {FEATURES}.", "Write one image a line, in the order of the rows."
        )
    try:
        array = np.load(folder / FEATURES, mmap_mode="r")
    except (OSError, ValueError) as error:
        raise HarnessError(f"{folder / FEATURES} cannot be read: {error}.", "Write it with numpy.save.") from error
    lines = names.read_text("utf-8").splitlines()
    if array.ndim != 2 or len(array) != len(lines) or not np.issubdtype(array.dtype, np.floating):
        raise HarnessError(
            f"{folder / FEATURES} is {array.dtype} of shape {array.shape}, and {IDS} has {len(lines)} lines.",
            "It must hold one row of floats for each line.",
        )
    place = {name: at for at, line in enumerate(lines) for name in (line, f"{prefix}{line}")}
    missing = [one for one in ids if one not in place]
    if missing:
        raise HarnessError(
            f"{len(missing)} of {len(ids)} images have no features in {names}: {', '.join(missing[:3])} ...",
            "Compute those of all images that have captions.",
        )
    maker = folder / MODEL
    made = maker.read_text("utf-8").strip() if maker.is_file() else f"{array.shape[1]} numbers, maker not stated"
    return Images(array, np.array([place[one] for one in ids], np.int64), made)


def open_pixels(root: Path, ids: Sequence[str], size: int, file: Path) -> Images:
    """The images below `root`, (n, 3, size, size) in uint8, drawn on white; `file` keeps them. HarnessError names
    images that are absent (by number) or that are none."""
    missing = [one for one in ids if not (root / one).is_file()]
    if missing:
        raise HarnessError(
            f"{len(missing)} of {len(ids)} images are not in {root}: {', '.join(missing[:3])} ...",
            f"Put the image files there, or their {FEATURES} and {IDS}.",
        )
    if not file.is_file():
        with written(file, np.uint8, (len(ids), 3, size, size)) as array:
            for at, one in enumerate(ids):
                array[at] = read_image(root / one, size).transpose(2, 0, 1)
    return Images(np.load(file, mmap_mode="r"), np.arange(len(ids)))


@contextmanager
def written(file: Path, kind: Any, shape: tuple[int, ...]) -> Iterator[Any]:
    """An array on disk that appears under its name when the block has filled it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    array = np.lib.format.open_memmap(part, "w+", kind, shape)
    yield array
    array.flush()
    del array
    part.rename(file)


def read_image(path: Path, size: int) -> NDArray[np.uint8]:
    """(size, size, 3): the whole image, drawn on white where it is transparent. HarnessError: no image."""
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise HarnessError("Images need the package pillow.", "pip install 'zeroshot-harness[images]'") from error
    try:
        with Image.open(path) as opened:
            drawn = opened.convert("RGBA")
    except (OSError, UnidentifiedImageError) as error:
        raise HarnessError(f"{path} is no image that can be read: {error}.", "Fetch or save it again.") from error
    ground = Image.new("RGBA", drawn.size, WHITE)
    flat = Image.alpha_composite(ground, drawn).convert("RGB")
    return np.asarray(flat.resize((size, size), Image.Resampling.BICUBIC), np.uint8)


def random_images(ids: Sequence[str], width: int, seed: int) -> Images:
    """A fixed vector of normal draws for each image, (n, width): it follows from the id and the seed alone."""
    found = np.empty((len(ids), width), np.float32)
    for at, one in enumerate(ids):
        number = int.from_bytes(blake2b(one.encode(), digest_size=8).digest(), "big")
        found[at] = np.random.default_rng((number, seed)).standard_normal(width, np.float32)
    return Images(found, np.arange(len(ids)), f"random vectors, seed {seed}")

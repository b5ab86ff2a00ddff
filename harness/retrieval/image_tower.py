"""What a checkpoint that was trained on images carries beside its text encoder: an image tower and two projections.

`image_text/` in the checkpoint's folder; an evaluation finds it there."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path

import torch
from torch import Tensor, nn

from harness.errors import HarnessError
from harness.retrieval.images import Images, open_features, open_pixels, random_images
from harness.tasks.captions import CORPORA, FOLDER, OWN

CONFIG, WEIGHTS, IMAGES, VISION = "tower.json", "tower.safetensors", "images.json", "vision"
# Numbers that the small tower makes of an image, and those of a random vector.
WIDTH = 256


@dataclass(frozen=True)
class TowerConfig:
    """`kind`: `conv` (trained on pixels, `size` a side), `features` (computed before, by `maker`), `model` (a frozen
    vision model), `random`, or `none` (texts alone). Texts are read at `layer` through `pooling`. `width` numbers of an
    image and `text_width` of a text are both projected to `projection`. `contrast` is the loss, `seed` that of random
    vectors."""

    kind: str
    width: int
    text_width: int
    projection: int
    layer: int
    pooling: str
    contrast: str
    size: int = 64
    maker: str = ""
    seed: int = 0


class SmallTower(nn.Module):
    """Pixels (b, 3, s, s) of any type, 0 to 255 -> (b, width): convolutions of stride 2 down to 4 a side, the mean of
    what is left. Small enough to be trained from scratch on some hundred drawings."""

    def __init__(self, size: int, width: int = WIDTH) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        before, channels = 3, 32
        while size > 4:
            stages += [nn.Conv2d(before, channels, 3, stride=2, padding=1), nn.GroupNorm(8, channels), nn.GELU()]
            before, channels, size = channels, min(2 * channels, width), (size + 1) // 2
        self.convolutions = nn.Sequential(*stages)
        self.widen = nn.Linear(2 * before, width)

    def forward(self, pixels: Tensor) -> Tensor:
        """The image's features: the mean and the maximum of the last convolution, widened."""
        states = self.convolutions(pixels.float() / 127.5 - 1).flatten(2)
        widened: Tensor = self.widen(torch.cat([states.mean(2), states.amax(2)], dim=1))
        return widened


class ImageTower(nn.Module):
    """Projections of texts and images into one space, the images' own tower where it has one, and the temperature."""

    def __init__(self, config: TowerConfig) -> None:
        super().__init__()
        self.config = config
        self.tower = SmallTower(config.size, config.width) if config.kind == "conv" else nn.Identity()
        self.of_texts = nn.Linear(config.text_width, config.projection, bias=False)
        self.of_images = nn.Linear(config.width, config.projection, bias=False) if config.kind != "none" else None
        # CLIP's start (Radford et al. 2021), SigLIP's (Zhai et al. 2023).
        sigmoid = config.contrast == "siglip"
        self.scale = nn.Parameter(torch.tensor([10.0 if sigmoid else 1 / 0.07]).log())
        self.bias = nn.Parameter(torch.tensor([-10.0])) if sigmoid else None

    def texts(self, vectors: Tensor) -> Tensor:
        """Unit sentence vectors (b, text_width) -> unit vectors (b, projection). There is no bias, so that the length
        of a vector does not matter."""
        return nn.functional.normalize(self.of_texts(vectors), dim=-1)

    def images(self, images: Tensor) -> Tensor:
        """Pixels or features (b, ...) -> unit vectors (b, projection)."""
        features = self.tower(images) if self.config.kind == "conv" else images
        assert self.of_images is not None, "a tower of texts alone is given no images"
        return nn.functional.normalize(self.of_images(features.float()).float(), dim=-1)


def has_tower(folder: Path | None) -> bool:
    """Whether a checkpoint's folder carries an image tower."""
    return folder is not None and (folder / FOLDER / CONFIG).is_file()


def save_tower(tower: ImageTower, seen: Sequence[str], folder: Path, vision: str | None) -> None:
    """Writes the tower into `folder`/image_text, the ids of all images it was trained or selected on among it; a frozen
    vision model is copied whole."""
    from safetensors.torch import save_file

    place = folder / FOLDER
    place.mkdir(parents=True)
    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in tower.state_dict().items()}
    save_file(weights, place / WEIGHTS)
    (place / CONFIG).write_text(json.dumps(asdict(tower.config), indent=1) + "\n", "utf-8")
    (place / IMAGES).write_text(json.dumps({"seen": list(seen)}, ensure_ascii=False, indent=0) + "\n", "utf-8")
    if vision is not None:
        copy_vision(vision, place / VISION)


def copy_vision(model: str, place: Path) -> None:
    """The frozen model's own files, so that the checkpoint can be moved alone."""
    from harness.retrieval.frozen_vision import open_vision
    from harness.retrieval.tower import quiet

    with quiet():
        open_vision(model).save_pretrained(place)
    stated = Path(model) / "preprocessor_config.json"
    if stated.is_file():
        shutil.copy2(stated, place / stated.name)


@dataclass(frozen=True, eq=False)
class LoadedTower:
    """A tower in evaluation mode and the images that it has seen."""

    tower: ImageTower
    seen: frozenset[str]


def read_config(folder: Path) -> TowerConfig:
    """The configuration of a checkpoint's tower; HarnessError where it is damaged."""
    path = folder / FOLDER / CONFIG
    try:
        return TowerConfig(**json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise HarnessError(f"{path} cannot be read: {error}.", "Copy the checkpoint again.") from error


def tower_hash(folder: Path) -> str:
    """16 hex digits over configuration and weights: two checkpoints may differ in their towers alone."""
    place = folder / FOLDER
    return sha256((place / CONFIG).read_bytes() + (place / WEIGHTS).read_bytes()).hexdigest()[:16]


def seen_images(folder: Path) -> frozenset[str]:
    """Ids of the images that a tower was trained or selected on; HarnessError where the list is damaged."""
    path = folder / FOLDER / IMAGES
    try:
        return frozenset(json.loads(path.read_text("utf-8"))["seen"])
    except (OSError, ValueError, KeyError) as error:
        raise HarnessError(f"{path} cannot be read: {error}.", "Copy the checkpoint again.") from error


def load_tower(folder: Path) -> LoadedTower:
    """The tower of a checkpoint's folder; HarnessError where weights are absent or of other shapes."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    place, config = folder / FOLDER, read_config(folder)
    tower = ImageTower(config)
    try:
        tower.load_state_dict(load_file(place / WEIGHTS))
    except (OSError, RuntimeError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise HarnessError(f"{place} does not hold a whole image tower: {reason}", "Copy it again.") from error
    return LoadedTower(tower.eval(), seen_images(folder))


def open_images(config: TowerConfig, root: Path, ids: Sequence[str], file: Path, vision: str = "") -> Images:
    """What the tower reads of these images: from below `root` (the data folder's `image_text`) or computed into `file`.
    All ids belong to one corpus. HarnessError: absent images or features, features of another width or maker."""
    if config.kind == "random":
        return random_images(ids, config.width, config.seed)
    if config.kind == "conv":
        return open_pixels(root, ids, config.size, file)
    if config.kind == "model":
        from harness.retrieval.frozen_vision import vision_features

        return replace(vision_features(vision, root, ids, file), maker=config.maker)
    folder, prefix = features_folder(root, ids)
    found = open_features(folder, prefix, ids)
    if config.width not in (0, found.width) or config.maker not in ("", found.maker):
        raise HarnessError(
            f"{folder} holds features of {found.width} numbers by '{found.maker}'; the tower was trained on "
            f"{config.width} by '{config.maker}'.",
            "Give features that the same vision model made.",
        )
    return found


def features_folder(root: Path, ids: Sequence[str]) -> tuple[Path, str]:
    """(folder, prefix of its ids) in which features of these images lie: the corpus's own, else `root`."""
    corpus = ids[0].partition("/")[0] if ids else ""
    if corpus in CORPORA and corpus != OWN:
        return root / corpus, f"{corpus}/"
    return root, ""

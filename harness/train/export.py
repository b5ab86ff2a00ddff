"""What a training leaves: an ordinary Hugging Face folder in the base's own class, with all that made it what it was.

The tokenizer's files and those of sentence-transformers are copied byte for byte, so that kind and pooling stay."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.checkpoint.fingerprint import DEFINING, DEFINING_SUFFIXES
from harness.checkpoint.json_file import read_object
from harness.checkpoint.sentence_modules import is_sentence_folder, modules
from harness.heads.saved import FOLDER, save_head
from harness.retrieval.image_tower import save_tower
from harness.retrieval.tower import quiet
from harness.train.assemble import TrainedHead
from harness.train.captions import images_of
from harness.train.dual import DualEncoder
from harness.train.dual_settings import DualSettings
from harness.train.material import Material
from harness.train.shared_encoder import Base

if TYPE_CHECKING:
    from harness.checkpoint import Checkpoint

# The model itself writes these.
WRITTEN = ("config.json", "generation_config.json", "adapter_config.json")
# Settings that loading changes and that no training does.
KEPT = ("use_cache", "reference_compile")


def export(checkpoint: "Checkpoint", base: Base, heads: Mapping[str, TrainedHead], folder: Path) -> None:
    """Writes the base with its new weights, and the heads of its tasks beside it."""
    top = checkpoint.folder or checkpoint.path
    inside = _place(checkpoint, top)
    target = folder / inside
    target.mkdir(parents=True, exist_ok=True)
    _restore(base.carrier.config, checkpoint.path)
    with quiet():
        base.carrier.save_pretrained(target)
    for source, place in _carried(checkpoint, top, inside).items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, folder / place)
    for task, head in heads.items():
        save_head(head.model, head.form, folder / FOLDER / task, head.place.pooler)


def export_towers(
    duals: Mapping[str, DualEncoder], materials: Sequence[Material], folder: Path, settings: DualSettings
) -> None:
    """Writes the image tower and the projections beside the encoder, where there are any."""
    seen = images_of([example for one in materials for example in (*one.train, *one.dev)])
    for one in duals.values():
        if one.beside.config.kind != "none":
            vision = settings.vision if one.beside.config.kind == "model" else None
            save_tower(one.beside, seen, folder, vision)


def _place(checkpoint: "Checkpoint", top: Path) -> Path:
    """Where in the folder the transformer lies; an adapter's base lies elsewhere and is merged into the folder."""
    if checkpoint.adapter is not None or not checkpoint.path.is_relative_to(top):
        return Path()
    return checkpoint.path.relative_to(top)


def _restore(config: Any, path: Path) -> None:
    stated = read_object(path / "config.json")
    for name in KEPT:
        if hasattr(config, name):
            if name in stated:
                setattr(config, name, stated[name])
            else:
                vars(config).pop(name, None)


def _carried(checkpoint: "Checkpoint", top: Path, inside: Path) -> dict[Path, Path]:
    """File -> its place in the new folder."""
    found: dict[Path, Path] = {}
    chain = next((one for one in (top, checkpoint.path) if is_sentence_folder(one)), None)
    if chain is not None:
        found |= {path: path.relative_to(chain) for path in _defining(chain)}
        for _, part in modules(chain):
            if part not in (chain, checkpoint.path) and part.is_dir():
                found |= {path: path.relative_to(chain) for path in part.rglob("*") if path.is_file()}
    places = dict.fromkeys((checkpoint.path, checkpoint.tokenizer or checkpoint.path))
    for place in places:
        found |= {path: inside / path.name for path in _defining(place)}
    return found


def _defining(folder: Path) -> list[Path]:
    """Files that define a tokenizer or sentence vectors, and the model's own code."""
    found = [path for path in folder.iterdir() if path.name in DEFINING or path.suffix in (*DEFINING_SUFFIXES, ".py")]
    found += folder.glob("sentence_*_config.json")
    return [path for path in found if path.is_file() and path.name not in WRITTEN]

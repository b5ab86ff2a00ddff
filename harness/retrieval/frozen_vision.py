"""Features of images by a pretrained vision model of transformers that is never trained (LiT: Zhai et al. 2022).

Trap: poolers of such checkpoints may be absent and then drawn at random, so the mean of the last hidden states is
taken, which every vision model has."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.checkpoint.hub import is_hub_id
from harness.errors import HarnessError
from harness.retrieval.images import Images, read_image, written
from harness.retrieval.tower import quiet

BATCH = 16
# What most vision transformers of transformers expect, where a folder does not say.
MEAN, DEVIATION, SIZE = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), 224


def vision_features(model: str, root: Path, ids: Sequence[str], file: Path) -> Images:
    """(n, width) float32 of the images below `root`; `file` keeps them. HarnessError: no vision model, lacking
    weights, absent images."""
    refuse_absent(root, ids)
    if not file.is_file():
        tower = open_vision(model)
        how = _preprocessing(model, tower.config)
        first = _read(tower, [root / one for one in ids[:BATCH]], how)
        with written(file, np.float32, (len(ids), first.shape[1])) as array:
            array[:BATCH] = first
            for start in range(BATCH, len(ids), BATCH):
                array[start : start + BATCH] = _read(tower, [root / one for one in ids[start : start + BATCH]], how)
    return Images(np.load(file, mmap_mode="r"), np.arange(len(ids)), Path(model).name)


def refuse_absent(root: Path, ids: Sequence[str]) -> None:
    """HarnessError: images that are not below `root`."""
    missing = [one for one in ids if not (root / one).is_file()]
    if missing:
        raise HarnessError(f"{len(missing)} images are not in {root}: {', '.join(missing[:3])} ...", "Put them there.")


def _read(tower: Any, paths: Sequence[Path], how: tuple[int, Any, Any]) -> Any:
    import torch

    size, mean, deviation = how
    pixels = np.stack([read_image(path, size) for path in paths])
    given = ((pixels / 255.0 - mean) / deviation).transpose(0, 3, 1, 2).astype(np.float32)
    with torch.no_grad():
        states = tower(pixel_values=torch.from_numpy(given)).last_hidden_state.float()
    return (states.flatten(2).mean(2) if states.dim() == 4 else states.mean(1)).numpy()


def open_vision(model: str) -> Any:
    """The vision model of a folder or hub id (of CLIP and its kin the vision half). HarnessError: there is none, or its
    weights are not all there (a pooler may be missing, as it is not read)."""
    from transformers import AutoModel

    if not Path(model).is_dir() and not is_hub_id(model):
        raise HarnessError(f"--vision {model} is no folder.", "Give a vision model's folder or hub id, or conv.")
    try:
        with quiet():
            found, info = AutoModel.from_pretrained(model, output_loading_info=True)
    except (OSError, ValueError, ImportError) as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise HarnessError(f"--vision {model} cannot be opened: {reason}", "Give a vision model's folder.") from error
    tower = getattr(found, "vision_model", found)
    missing = [name for name in info["missing_keys"] if "pooler" not in name.split(".") and "text" not in name]
    if getattr(tower, "main_input_name", "") != "pixel_values" or missing:
        lacking = f"lacks {', '.join(missing[:3])}" if missing else "reads no images"
        raise HarnessError(f"--vision {model} {lacking}.", "Give a vision model such as google/vit-base-patch16-224.")
    return tower.eval().requires_grad_(False)


def _preprocessing(model: str, config: Any) -> tuple[int, Any, Any]:
    """(pixels a side, mean, standard deviation) as the folder says."""
    from transformers.utils import cached_file

    found = cached_file(model, "preprocessor_config.json", _raise_exceptions_for_missing_entries=False)
    stated = json.loads(Path(found).read_text("utf-8")) if found else {}
    size = getattr(config, "image_size", SIZE)
    mean, deviation = stated.get("image_mean", MEAN), stated.get("image_std", DEVIATION)
    return (size if isinstance(size, int) else size[0]), np.asarray(mean), np.asarray(deviation)

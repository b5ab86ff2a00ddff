"""Which weight files a folder holds, and the names and shapes of their tensors, without loading them.

A safetensors file says all of it in its header (8 bytes of length, then JSON); a pickle is opened by torch
with `weights_only` onto the meta device, so that nothing in it can run and nothing is read into memory."""

import json
import struct
from dataclasses import dataclass
from pathlib import Path

from harness.checkpoint.json_file import INCOMPLETE, read_object
from harness.errors import HarnessError

SINGLE = ("model.safetensors", "pytorch_model.bin")
INDEX = {name: f"{name}.index.json" for name in SINGLE}
ADAPTER = ("adapter_model.safetensors", "adapter_model.bin")
FOREIGN = ("tf_model.h5", "flax_model.msgpack", "model.ckpt.index", "model.onnx")
HEADER_LIMIT = 100_000_000  # the format's own limit on the header's length

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Weights:
    """`files` are what from_pretrained would read (an index counts as one of them); `shapes` is tensor name
    -> shape."""

    files: tuple[Path, ...]
    shapes: Shapes

    @property
    def named(self) -> str:
        """The file that a sentence names: the only one, or the index of several."""
        return self.files[0].name


def find_weights(folder: Path, single: tuple[str, ...] = SINGLE) -> Weights:
    """The weights that transformers would load from a folder: safetensors before pickle, one file before
    shards."""
    for name in single:
        if (folder / name).is_file():
            return Weights((folder / name,), shapes_of(folder / name))
        index = folder / INDEX.get(name, name)
        if index.is_file():
            return _sharded(folder, index)
    foreign = [name for name in FOREIGN if (folder / name).is_file()]
    if foreign:
        raise HarnessError(
            f"{folder} holds {foreign[0]} but no PyTorch weights.",
            "Save it with save_pretrained from PyTorch.",
        )
    raise HarnessError(
        f"{folder} is no checkpoint: it holds no weights (none of {', '.join(single)}, whole or in shards).",
        "Name the folder that save_pretrained wrote.",
    )


def shapes_of(path: Path) -> Shapes:
    """Tensor name -> shape of one weight file."""
    return _safetensors(path) if path.suffix == ".safetensors" else _pickle(path)


def _sharded(folder: Path, index: Path) -> Weights:
    weight_map = read_object(index).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise HarnessError(f"{index} has no weight_map.", INCOMPLETE)
    names = sorted({str(name) for name in weight_map.values()})
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise HarnessError(
            f"{index} names {len(names)} shards, of which {len(missing)} missing: {', '.join(missing)}.",
            INCOMPLETE,
        )
    shapes: Shapes = {}
    for name in names:
        shapes.update(shapes_of(folder / name))
    return Weights((index, *(folder / name for name in names)), shapes)


def _safetensors(path: Path) -> Shapes:
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        if start.startswith(b"version "):
            raise HarnessError(f"{path} is a Git LFS pointer, not the weights.", "Fetch it with: git lfs pull")
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else HEADER_LIMIT + 1
        if length > HEADER_LIMIT or 8 + length > size:
            raise HarnessError(
                f"{path} is no whole safetensors file: {size:,} bytes end inside its header.", INCOMPLETE
            )
        header = file.read(length)
    try:
        entries = json.loads(header)
        entries.pop("__metadata__", None)
        shapes = {str(name): tuple(int(n) for n in entry["shape"]) for name, entry in entries.items()}
        end = max((int(entry["data_offsets"][1]) for entry in entries.values()), default=0)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise HarnessError(f"{path} is corrupt: its safetensors header cannot be read.", INCOMPLETE) from error
    if 8 + length + end != size:
        word = "truncated" if 8 + length + end > size else "corrupt"
        raise HarnessError(
            f"{path} is {word}: its header describes {8 + length + end:,} bytes, the file has {size:,}.",
            INCOMPLETE,
        )
    return shapes


def _pickle(path: Path) -> Shapes:
    import pickle

    import torch

    try:
        tensors = torch.load(path, map_location="meta", weights_only=True)
    except pickle.UnpicklingError as error:
        raise HarnessError(
            f"{path} holds Python objects beside tensors, and loading them could run code.",
            "Where you trust it, convert it to safetensors first (safetensors.torch.save_file).",
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, UnicodeDecodeError) as error:
        raise HarnessError(f"{path} is truncated or corrupt: torch cannot read it.", INCOMPLETE) from error
    if not isinstance(tensors, dict):
        raise HarnessError(f"{path} holds a {type(tensors).__name__}, not named tensors.", INCOMPLETE)
    return {str(name): tuple(value.shape) for name, value in tensors.items() if isinstance(value, torch.Tensor)}

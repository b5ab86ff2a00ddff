"""Heads of intermediate tasks beside a checkpoint, `heads/<task>/`: what a task added to the encoder, without it.

`harness train` writes them; `--protocol head` and a multiple-choice readout put one of them back on the encoder."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from harness.checkpoint.json_file import read_object
from harness.errors import HarnessError, unknown_names
from harness.heads.head import Head
from harness.heads.labels import match_labels
from harness.heads.model import Model, describe, load_base, load_native
from harness.heads.own import POOLINGS, OwnHead, tower_name

if TYPE_CHECKING:
    from harness.checkpoint import Checkpoint
    from harness.heads.trained import Wanted

FOLDER = "heads"
RECORD = "head.json"
WEIGHTS = "head.safetensors"
REMEDY = "Train the checkpoint again with harness train."


@dataclass(frozen=True)
class SavedHead:
    """One head: the form it answers, its columns, what it stands on, and a hash of its weights. `pooling` is that of
    our own head, "" where transformers has a class."""

    name: str
    folder: Path
    form: str
    labels: tuple[str, ...]
    pooling: str
    digest: str


def saved_heads(checkpoint: "Checkpoint") -> Mapping[str, SavedHead]:
    """The heads beside a checkpoint, by name."""
    place = (checkpoint.folder or checkpoint.path) / FOLDER
    folders = sorted(path.parent for path in place.glob(f"*/{RECORD}"))
    return {folder.name: _read(folder) for folder in folders}


def _read(folder: Path) -> SavedHead:
    record = read_object(folder / RECORD)
    labels, pooling = record.get("labels"), record.get("pooling", "")
    if record.get("schema") != 1 or not isinstance(labels, list) or pooling not in ("", *POOLINGS):
        raise HarnessError(f"{folder / RECORD} was not written by this program.", REMEDY)
    try:
        digest = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise HarnessError(f"{folder / WEIGHTS} cannot be read: {error.strerror}.", REMEDY) from error
    return SavedHead(folder.name, folder, str(record.get("form")), tuple(map(str, labels)), pooling, digest)


def fitting(checkpoint: "Checkpoint", form: str, wanted: "Wanted") -> tuple[SavedHead, ...]:
    """The saved heads that answer a form and have a column for each of the task's labels."""
    return tuple(one for one in saved_heads(checkpoint).values() if one.form == form and _matches(one, wanted))


def choose(checkpoint: "Checkpoint", form: str, wanted: "Wanted", name: str | None) -> SavedHead:
    """The head called `name`, or the only one that fits. HarnessError: none or several fit, no such name."""
    known = saved_heads(checkpoint)
    if name is not None:
        if name not in known:
            raise unknown_names("head", [name], known, f"{checkpoint.name} has {', '.join(known) or 'none'}.")
        if known[name].form != form or not _matches(known[name], wanted):
            raise HarnessError(f"The head {name} does not answer this task.", "Leave --head out, or choose another.")
        return known[name]
    found = fitting(checkpoint, form, wanted)
    if len(found) != 1:
        names = ", ".join(one.name for one in found)
        raise HarnessError(
            f"{checkpoint.name} has {'several heads' if found else 'no head'} for this task: {names or 'none'}.",
            "Name one with --head." if found else "Fine-tune it: --protocol transfer.",
        )
    return found[0]


def _matches(one: SavedHead, wanted: "Wanted") -> bool:
    if not wanted.labels:
        return True
    try:
        match_labels(one.labels, wanted.labels, wanted.order, wanted.required)
    except HarnessError:
        return False
    return True


def save_head(model: Model, form: str, folder: Path, pooler: torch.nn.Module | None = None) -> None:
    """Writes what a task added: all weights of its model that are not the encoder's. `pooler` is the task's own,
    which stands in the encoder's place for one."""
    from safetensors.torch import save_file

    module: Any = model.module
    inside = {id(weight) for weight in module.base_model.parameters()}
    tensors = {name: weight for name, weight in module.named_parameters() if id(weight) not in inside}
    prefix = "" if isinstance(module, OwnHead) else f"{module.base_model_prefix}."
    for name, weight in pooler.named_parameters() if pooler is not None else ():
        tensors[f"{prefix}pooler.{name}"] = weight
    folder.mkdir(parents=True)
    plain = {name: weight.detach().float().cpu().contiguous() for name, weight in tensors.items()}
    save_file(plain, folder / WEIGHTS, metadata={"format": "pt"})
    pooling = module.pooling if isinstance(module, OwnHead) else ""
    record = {"schema": 1, "form": form, "pooling": pooling, "labels": list(model.labels)}
    (folder / RECORD).write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", "utf-8")


def load_saved(
    checkpoint: "Checkpoint", saved: SavedHead, head: Head, wanted: "Wanted", dtype: torch.dtype = torch.float32
) -> Model:
    """The checkpoint with a saved head on it, its columns named as the task names them. HarnessError: the head's
    weights do not fit, or leave a part of the model random."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    labels = match_labels(saved.labels, wanted.labels, wanted.order, wanted.required) if wanted.labels else ()
    try:
        tensors = load_file(saved.folder / WEIGHTS)
        if saved.pooling:
            base = load_base(checkpoint, dtype)
            module: Any = OwnHead(base, tower_name(base), head.outputs(saved.labels), saved.pooling).to(dtype)
            lacking = {name for name, _ in module.named_parameters() if name.startswith("head.")}
        else:
            module, info = load_native(checkpoint, head, saved.labels, dtype)
            lacking = {*info["missing_keys"], *(name for name, *_ in info["mismatched_keys"])}
        strange = module.load_state_dict(tensors, strict=False).unexpected_keys
    except (OSError, RuntimeError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise HarnessError(f"{saved.folder / WEIGHTS} does not fit {checkpoint.name}: {reason}", REMEDY) from error
    absent = sorted(name for name in lacking - tensors.keys() if name in dict(module.named_parameters()))
    if strange or absent:
        raise HarnessError(
            f"{saved.folder / WEIGHTS} does not fit {checkpoint.name}: {', '.join([*strange, *absent][:3])}.", REMEDY
        )
    return describe(module, labels)

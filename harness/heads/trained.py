"""A model that already has its head: saved by us, or by anyone as one of transformers' classes.

A newly initialised head is never scored as if it were trained: a checkpoint that lacks a tensor of its head, or
whose class answers another form, is refused."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from harness.checkpoint import kinds
from harness.checkpoint.json_file import read_object
from harness.errors import HarnessError, missing_package
from harness.heads.head import Head
from harness.heads.labels import match_labels
from harness.heads.model import Model, describe, load_base, load_native
from harness.heads.own import POOLINGS, OwnHead, tower_name
from harness.heads.tokeniser import Tokeniser
from harness.retrieval.tower import quiet

if TYPE_CHECKING:
    from harness.checkpoint import Checkpoint

RECORD = "head.json"
WEIGHTS = "head.safetensors"
NO_TOKEN = -1
REMEDY = "Fine-tune it first: --protocol transfer."


@dataclass(frozen=True)
class Wanted:
    """What a trained head is asked for: the task's `labels`; those of them that must have a column (None: all
    of them); `order`, the user's names for the columns of a head that has none."""

    labels: tuple[str, ...] = ()
    required: tuple[str, ...] | None = None
    order: tuple[str, ...] | None = None


def save(model: Model, tokeniser: Tokeniser, head: Head, folder: Path) -> None:
    """An ordinary transformers folder with its tokenizer; our own head lies beside the base in `head.safetensors`,
    described by `head.json`."""
    from safetensors.torch import save_file

    module: Any = model.module
    own = isinstance(module, OwnHead)
    folder.mkdir(parents=True, exist_ok=True)
    with quiet():
        (module.base if own else module).save_pretrained(folder)
    tokeniser.tokenizer.save_pretrained(folder)
    if own:
        tensors = {name: weight.detach().cpu().contiguous() for name, weight in module.head.state_dict().items()}
        save_file(tensors, folder / WEIGHTS, metadata={"format": "pt"})
        record = {"schema": 1, "form": head.form, "pooling": module.pooling, "labels": list(model.labels)}
        (folder / RECORD).write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", "utf-8")


def trained_form(checkpoint: "Checkpoint") -> str:
    """The form (`Task.form`) that the checkpoint's trained head answers, "" where it has none."""
    if (checkpoint.path / RECORD).is_file():
        return str(read_object(checkpoint.path / RECORD).get("form", ""))
    forms = {kinds.SEQUENCE: "classify", kinds.TOKEN: "tag", kinds.QUESTION: "span", kinds.CHOICE: "choice"}
    return forms.get(checkpoint.kind, "")


def load_trained(checkpoint: "Checkpoint", head: Head, wanted: Wanted, dtype: torch.dtype = torch.float32) -> Model:
    """The checkpoint with its own head, `labels` naming its columns as the task does. HarnessError: it has no
    trained head of this form, or one with other labels."""
    form = trained_form(checkpoint)
    if form != head.form:
        has = f"a trained head for '{form}'" if form else "no trained head"
        raise HarnessError(f"{checkpoint.name} ({checkpoint.kind}) has {has}; '{head.form}' is asked for.", REMEDY)
    if (checkpoint.path / RECORD).is_file():
        return _own(checkpoint, head, wanted, dtype)
    own = checkpoint.labels if wanted.labels else ()
    labels = _columns(own, wanted)
    model, info = load_native(checkpoint, head, own, dtype)
    _fill(model, info, checkpoint)
    text = model.config.get_text_config()
    if text.pad_token_id is None:
        # transformers' causal classes look for the last token that is no padding; rows of one length have none.
        text.pad_token_id = NO_TOKEN
    return describe(_with_adapter(model, checkpoint), labels)


def _own(checkpoint: "Checkpoint", head: Head, wanted: Wanted, dtype: torch.dtype) -> Model:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    record = read_object(checkpoint.path / RECORD)
    own, pooling = record.get("labels"), record.get("pooling")
    if record.get("schema") != 1 or not isinstance(own, list) or pooling not in POOLINGS:
        raise HarnessError(f"{checkpoint.path / RECORD} was not written by this program.", REMEDY)
    labels = _columns(tuple(map(str, own)), wanted)
    base = load_base(checkpoint, dtype)
    module = OwnHead(base, tower_name(base), head.outputs(labels), pooling).to(dtype)
    try:
        module.head.load_state_dict(load_file(checkpoint.path / WEIGHTS))
    except (OSError, RuntimeError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise HarnessError(f"{checkpoint.path / WEIGHTS} does not fit {RECORD}: {reason}", REMEDY) from error
    return describe(module, labels)


def _columns(own: Sequence[str], wanted: Wanted) -> tuple[str, ...]:
    return match_labels(own, wanted.labels, wanted.order, wanted.required) if wanted.labels else ()


def _fill(model: Any, info: dict[str, Any], checkpoint: "Checkpoint") -> None:
    """Refuses tensors that neither the checkpoint nor its adapter holds."""
    lacking = sorted({*info["missing_keys"], *(name for name, *_ in info["mismatched_keys"])})
    if checkpoint.adapter is not None:
        from harness.checkpoint.adapter import PREFIX, read_adapter

        held = {name.removeprefix(PREFIX) for name in read_adapter(checkpoint.adapter).weights.shapes}
        lacking = [name for name in lacking if name not in held]
    if lacking:
        raise HarnessError(
            f"{checkpoint.name} lacks {', '.join(lacking[:3])}{' and more' if len(lacking) > 3 else ''} of "
            f"{type(model).__name__}: that part would be random.",
            REMEDY,
        )


def _with_adapter(model: Any, checkpoint: "Checkpoint") -> Any:
    if checkpoint.adapter is None:
        return model
    try:
        from peft import PeftModel
    except ImportError as error:
        raise missing_package("peft", "'zeroshot-harness[peft]'") from error
    return PeftModel.from_pretrained(model, str(checkpoint.adapter)).merge_and_unload()

"""One encoder under several heads: the base in its own class, whose encoder every task's model is given.

What is exported is that base, so that its own class, and a head that no task trains, survive as they were."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from harness.checkpoint import kinds
from harness.checkpoint.verdict import TABLES
from harness.errors import HarnessError
from harness.heads.model import Model, initialise, load, load_base
from harness.heads.own import OwnHead, pool
from harness.heads.projection import logits_at
from harness.retrieval.merge import merge_adapter

if TYPE_CHECKING:
    from harness.checkpoint import Checkpoint

POOLER = "pooler"
PLACING = Lock()


@dataclass(frozen=True, eq=False)
class Base:
    """`carrier` is the checkpoint in its own class, `encoder` the part of it below its head."""

    carrier: Any
    encoder: Any

    @property
    def own_head(self) -> dict[str, nn.Parameter]:
        """Weights of the carrier above its encoder, by name; tied ones count as the encoder's."""
        inside = {id(weight) for weight in self.encoder.parameters()}
        return {name: weight for name, weight in self.carrier.named_parameters() if id(weight) not in inside}


class TaskModel(nn.Module):
    """A task's model on the shared encoder. A pooler that the base has not belongs to the task."""

    def __init__(self, module: Any, encoder: Any, pooler: nn.Module | None) -> None:
        super().__init__()
        self.module = module
        self.encoder = encoder
        self.pooler = pooler
        self.inside = 0

    def forward(self, **inputs: Any) -> Any:
        """The module's own answer."""
        if self.pooler is None:
            return self.module(**inputs)
        # Predictions run on several threads: the last one to leave takes the pooler out.
        with PLACING:
            self.inside += 1
            self.encoder.pooler = self.pooler
        try:
            return self.module(**inputs)
        finally:
            with PLACING:
                self.inside -= 1
                if not self.inside:
                    self.encoder.pooler = None


class MaskedTokens(nn.Module):
    """The carrier's own answer about hidden tokens. The vocabulary is most of a small encoder, and 15% of the tokens
    are asked for: it sees those alone."""

    def __init__(self, carrier: Any) -> None:
        super().__init__()
        self.carrier = carrier

    def forward(self, asked: Tensor, **inputs: Any) -> Tensor:
        """(n, vocabulary) logits where `asked` (b, t) is true, row by row."""
        return logits_at(self.carrier, *asked.nonzero(as_tuple=True), **inputs)


class SentenceVectors(nn.Module):
    """Unit vectors (b, width) of sentences: the pooled hidden state of a layer, for contrastive losses."""

    def __init__(self, tower: Any, layer: int, pooling: str) -> None:
        super().__init__()
        self.tower = tower
        self.layer = layer
        self.pooling = pooling

    def forward(self, **inputs: Any) -> Tensor:
        """`input_ids` (b, t) and what goes with them."""
        states = self.tower(**inputs, output_hidden_states=True).hidden_states[self.layer]
        return nn.functional.normalize(pool_states(states, inputs.get("attention_mask"), self.pooling).float(), dim=-1)


class Shared(nn.Module):
    """The base, and the models of all tasks by name. The base comes first, so that weights bear its names."""

    def __init__(self, base: Base, tasks: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.carrier = base.carrier
        self.tasks = nn.ModuleDict(tasks)

    def forward(self, task: str, **inputs: Any) -> Any:
        """The answer of a task's model."""
        return self.tasks[task](**inputs)


def load_carrier(checkpoint: "Checkpoint", seed: int) -> Base:
    """The base in the class it was saved as, in float32; a pooler that it lacks is drawn from the seed. HarnessError:
    quantised or incomplete weights."""
    model = _own_class(checkpoint)
    if model is None:
        model = load_base(checkpoint, torch.float32)
        return Base(model, model)
    encoder = model.base_model
    if checkpoint.adapter is not None:
        merged = merge_adapter(encoder, checkpoint.adapter)
        if encoder is model:
            return Base(merged, merged)
        setattr(model, model.base_model_prefix, merged)
        encoder = merged
    fresh = {name: weight for name, weight in model.named_parameters() if POOLER in name.split(".")}
    lacking = set(fresh) - _held(checkpoint, model)
    initialise({name: fresh[name] for name in lacking}, model, seed)
    return Base(model, encoder)


def _own_class(checkpoint: "Checkpoint") -> Any | None:
    """The class that config.json names, where the folder holds all of its weights (a pooler may be missing)."""
    import transformers

    named = getattr(transformers, checkpoint.architecture, None)
    auto = getattr(transformers, TABLES[checkpoint.kind][1]) if checkpoint.kind in TABLES else None
    for one in (auto, None if checkpoint.trust_remote_code else named):
        if one is None:
            continue
        with suppress(HarnessError):
            model, info = load(checkpoint, one, torch.float32, {})
            lacking = [*info["missing_keys"], *(name for name, *_ in info["mismatched_keys"])]
            if all(POOLER in name.split(".") for name in lacking):
                return model
    return None


def _held(checkpoint: "Checkpoint", model: Any) -> set[str]:
    """Names of the model's weights that the folder holds; a name may lack the prefix of the model's base."""
    from harness.checkpoint.weights import find_weights

    stored = set(find_weights(checkpoint.path).shapes)
    names = {name for name, _ in model.named_parameters()}
    prefix = f"{model.base_model_prefix}."
    return {name for name in names if {name, f"{prefix}{name}", name.removeprefix(prefix)} & stored}


def share(base: Base, model: Model) -> TaskModel:
    """The task's model on the base's encoder in place of its own copy; where the two are of different classes (of an
    encoder-decoder a task may take the encoder alone) on the same weights. HarnessError: it has others."""
    module: Any = model.module
    own = module.base_model
    if type(own) is not type(base.encoder):
        _tie(own, base.carrier)
        return TaskModel(module, own, None)
    pooler = None
    if getattr(base.encoder, POOLER, None) is None:
        pooler = getattr(own, POOLER, None)
    setattr(module, "base" if isinstance(module, OwnHead) else module.base_model_prefix, base.encoder)
    return TaskModel(module, base.encoder, pooler)


def _tie(own: Any, carrier: Any) -> None:
    """Gives every weight of a task's encoder the base's weight of the same name."""
    known = dict(carrier.named_parameters(remove_duplicate=False))
    names = [name for name, _ in own.named_parameters(remove_duplicate=False)]
    strange = [name for name in names if name not in known]
    if strange:
        raise HarnessError(
            f"{type(own).__name__} has weights that {type(carrier).__name__} has not: {', '.join(strange[:3])}.",
            "Train this task on another kind of checkpoint.",
        )
    for name in names:
        place, _, last = name.rpartition(".")
        setattr(own.get_submodule(place), last, known[name])


def pool_states(states: Tensor, mask: Tensor | None, pooling: str) -> Tensor:
    """Hidden states (b, t, width), mask (b, t) with padding on the right -> (b, width)."""
    if pooling == "cls":
        return states[:, 0]
    if pooling == "max":
        return (states if mask is None else states.masked_fill(mask[..., None] == 0, -torch.inf)).amax(dim=1)
    return pool(states, mask, pooling)


def needs_mlm(checkpoint: "Checkpoint", recipe: str) -> None:
    """Refuses a base without a masked-language-model head."""
    if checkpoint.kind != kinds.MLM:
        raise HarnessError(
            f"The recipe {recipe} trains a masked-language-model head; {checkpoint.name} has none: {checkpoint.why}",
            "Give an encoder that was saved with its head, or make one with --recipe mlm_scratch.",
        )

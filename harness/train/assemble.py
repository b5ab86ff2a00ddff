"""From recipes and their data to one training problem: one shared encoder, a head for each task."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from harness.errors import HarnessError
from harness.heads import HEADS
from harness.heads.model import Model, NewHead, build
from harness.heads.own import tower_name
from harness.heads.tokeniser import Tokeniser
from harness.train.captioned import caption_component
from harness.train.component import Component
from harness.train.contrast import contrast_component
from harness.train.dual import DualEncoder
from harness.train.gallery import Gallery, build_dual
from harness.train.masked import masked_component
from harness.train.material import Material
from harness.train.mixture import Mixing, quotas
from harness.train.problem import Batch, Problem
from harness.train.questions import labels_of, question_component
from harness.train.recipes import EARLY_LAYER, Part
from harness.train.settings import TrainSettings
from harness.train.shared_encoder import Base, MaskedTokens, SentenceVectors, Shared, TaskModel, share

if TYPE_CHECKING:
    from harness.checkpoint import Checkpoint

POOLINGS = ("mean", "cls", "max", "last")
COMPONENT = "component"


@dataclass(frozen=True, eq=False)
class Bench:
    """What all tasks stand on. `layer` is the user's wish for contrastive recipes, `gallery` where images are."""

    checkpoint: "Checkpoint"
    tokeniser: Tokeniser
    base: Base
    seed: int
    layer: int | None = None
    gallery: Gallery | None = None


@dataclass(frozen=True, eq=False)
class TrainedHead:
    """A task's head: the form it answers, its model, and where that stands on the shared encoder."""

    form: str
    model: Model
    place: TaskModel


@dataclass(frozen=True, eq=False)
class Assembled:
    """A problem and what it was made of; `drawn` are the features of each component in an epoch, `vectors` the layer
    and pooling that a contrastive loss reads (empty: there is none)."""

    problem: Problem
    components: tuple[Component, ...]
    heads: Mapping[str, TrainedHead]
    drawn: tuple[int, ...]
    vectors: Mapping[str, Any]

    @property
    def duals(self) -> dict[str, DualEncoder]:
        """The modules of the recipes that read captions."""
        tasks = self.problem.model.tasks
        assert isinstance(tasks, torch.nn.ModuleDict), "the model is `Shared`"
        return {name: one for name, one in tasks.items() if isinstance(one, DualEncoder)}


def assemble(
    bench: Bench,
    parts: Sequence[Part],
    materials: Mapping[str, Sequence[Material]],
    settings: Mapping[str, TrainSettings],
    mixing: Mixing,
) -> Assembled:
    """The problem of a mixture; `settings` by recipe say how its inputs are cut and what of dev is judged."""
    tasks: dict[str, torch.nn.Module] = {}
    heads: dict[str, TrainedHead] = {}
    components: list[Component] = []
    for part in parts:
        name, own = part.recipe.name, settings[part.recipe.name]
        if part.recipe.asks:
            labels = labels_of(part, materials[name])
            heads[name] = _head(bench, part, labels)
            tasks[name] = heads[name].place
            components += [question_component(part, one, labels, bench.tokeniser, own) for one in materials[name]]
        elif part.recipe.form == "mlm":
            tasks[name] = MaskedTokens(bench.base.carrier)
            components += [masked_component(part, one, bench.tokeniser, own) for one in materials[name]]
        elif part.recipe.form == "caption":
            tasks[name], made = _captioned(bench, part, materials[name], own)
            components += made
        else:
            tasks[name] = _vectors(bench, part.recipe.name == "lexical")
            components += [contrast_component(part, one, bench.tokeniser, own) for one in materials[name]]
    _freeze_own_head(bench.base, any(part.recipe.form == "mlm" for part in parts))
    problem, drawn = _problem(bench, tasks, components, mixing)
    vectors = [one for one in map(_vectors_of, tasks.values()) if one is not None]
    said = {"layer": vectors[0].layer, "pooling": vectors[0].pooling} if vectors else {}
    return Assembled(problem, tuple(components), heads, drawn, said)


def _head(bench: Bench, part: Part, labels: tuple[str, ...]) -> TrainedHead:
    new = NewHead(HEADS[part.recipe.form], labels, bench.seed)
    model = build(bench.checkpoint, bench.tokeniser, new)
    return TrainedHead(part.recipe.form, model, share(bench.base, model))


def _freeze_own_head(base: Base, trains: bool) -> None:
    """The base's own head stays as it is, bit by bit, unless a recipe trains it."""
    for weight in base.own_head.values():
        weight.requires_grad_(trains)


def _problem(
    bench: Bench, tasks: Mapping[str, torch.nn.Module], components: Sequence[Component], mixing: Mixing
) -> tuple[Problem, tuple[int, ...]]:
    sizes = [len(one.lengths) for one in components]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    groups = np.repeat(np.arange(len(sizes)), sizes)
    drawn = quotas(sizes, _weights(components, mixing), mixing)

    def collate(units: Sequence[int]) -> Batch:
        chosen = np.asarray(units, np.int64)
        number = int(groups[chosen[0]])
        return {**components[number].collate(chosen - starts[number]), COMPONENT: torch.tensor(number)}

    def loss(module: torch.nn.Module, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        one = components[int(batch[COMPONENT])]
        return one.loss(module, {name: tensor for name, tensor in batch.items() if name != COMPONENT})

    problem = Problem(
        model=Shared(bench.base, tasks),
        lengths=np.concatenate([one.lengths for one in components]),
        collate=collate,
        loss=loss,
        evaluate=_evaluate(components),
        groups=groups,
        whole=tuple(one.whole for one in components),
        encoder=bench.base.encoder,
        quotas=drawn,
        depth=_depth(tasks.values()),
        rates=_rates(tasks, bench.gallery),
    )
    return problem, tuple(drawn.tolist())


def _depth(tasks: Iterable[torch.nn.Module]) -> int | None:
    """Layers above the one that every task reads are left out."""
    layers = [one.layer if one is not None else None for one in map(_vectors_of, tasks)]
    known = [layer for layer in layers if layer is not None]
    return max(known) if known and len(known) == len(layers) else None


def _vectors_of(task: torch.nn.Module) -> SentenceVectors | None:
    """The sentence vectors that a contrastive task trains."""
    if isinstance(task, DualEncoder):
        return task.vectors
    return task if isinstance(task, SentenceVectors) else None


def _rates(tasks: Mapping[str, torch.nn.Module], gallery: Gallery | None) -> dict[str, float]:
    """What stands beside the encoder is new and learns at a rate of its own."""
    new = [name for name, one in tasks.items() if isinstance(one, DualEncoder)]
    return {f"tasks.{name}.beside.": gallery.settings.new_rate for name in new if gallery is not None}


def _captioned(
    bench: Bench, part: Part, materials: Sequence[Material], settings: TrainSettings
) -> tuple[DualEncoder, list[Component]]:
    assert bench.gallery is not None, "recipes of captions are given a gallery"
    vectors = _vectors(bench, lexical=False)
    encoder, images = build_dual(vectors, bench.checkpoint.width, part, materials, bench.gallery, bench.seed)
    dual = bench.gallery.settings
    return encoder, [caption_component(part, one, bench.tokeniser, settings, dual, images) for one in materials]


def _weights(components: Sequence[Component], mixing: Mixing) -> list[float]:
    """A task's weight is shared out among its languages where weights alone decide."""
    if mixing.how != "weights":
        return [one.weight for one in components]
    tasks = [one.task for one in components]
    return [one.weight / tasks.count(one.task) for one in components]


def _evaluate(components: Sequence[Component]) -> Callable[[Any], float] | None:
    """The mean over tasks of the mean over languages; None where a task has no development data at all."""
    by_task: dict[str, list[Callable[[Any], float]]] = {one.task: [] for one in components}
    for one in components:
        if one.judge is not None:
            by_task[one.task].append(one.judge)
    if not all(by_task.values()):
        return None
    return lambda model: fmean(fmean(judge(model) for judge in each) for each in by_task.values())


def dev_scores(components: Sequence[Component], model: Any) -> dict[str, dict[str, dict[str, Any]]]:
    """Task -> language -> its metric and score on development data."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    model.eval()
    with torch.no_grad():
        for one in components:
            if one.judge is not None:
                score = {"metric": one.metric, "score": round(one.judge(model), 6)}
                found.setdefault(one.task, {})[one.material.language] = score
    return found


def _vectors(bench: Bench, lexical: bool) -> SentenceVectors:
    """The sentence vectors that a contrastive recipe trains: by the folder's own pooling, else the mean, of the layer
    that retrieval reads; of an early layer for `lexical`. HarnessError: no such layer, a pooling with dense layers."""
    checkpoint, encoder = bench.checkpoint, bench.base.encoder
    sentence = checkpoint.sentence
    pooling = sentence.pooling if sentence is not None else "mean"
    dense = ", then dense layers" if sentence is not None and sentence.dense else ""
    if pooling not in POOLINGS or dense:
        raise HarnessError(
            f"{checkpoint.name} makes sentence vectors by '{pooling}'{dense}: pairs are not trained through that.",
            "Give the folder of its transformer.",
        )
    early = min(EARLY_LAYER, checkpoint.layers)
    chosen = bench.layer or (early if lexical else checkpoint.default_layer)
    if chosen > checkpoint.layers:
        raise HarnessError(f"--layer {chosen}: {checkpoint.name} has {checkpoint.layers} layers.", "Choose another.")
    return SentenceVectors(encoder.get_submodule(tower_name(encoder)), chosen, pooling)

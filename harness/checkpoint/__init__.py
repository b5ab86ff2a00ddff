"""What a checkpoint is, found from its files alone: its kind and why, its size, its pooling, its fingerprint.

A folder, a name of the zoo or a hub id goes in; no weight is loaded. Every mistake in the files is one
sentence here, so that what comes after may rely on a whole, readable model that reads text."""

from dataclasses import dataclass
from pathlib import Path

from harness.checkpoint import kinds
from harness.checkpoint.fingerprint import fingerprint
from harness.checkpoint.json_file import read_object
from harness.checkpoint.manifest import read_manifest
from harness.checkpoint.model_config import ModelConfig, load_config
from harness.checkpoint.parts import Parts, defining, locate, read_parts
from harness.checkpoint.sentence_modules import SentenceModules
from harness.checkpoint.tokenizer_files import check_tokenizer
from harness.checkpoint.verdict import Evidence, Verdict, judge
from harness.checkpoint.weights import Weights, find_weights
from harness.checkpoint.zoo import ZooEntry
from harness.errors import HarnessError

__all__ = ["Checkpoint", "SentenceModules", "open_checkpoint"]


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint. `path` is the local folder with config.json and weights (a PEFT adapter's base, a
    sentence-transformers folder's transformer); `layers` and `width` are the text tower's; `max_positions`
    counts tokens, special ones included; `labels` are a trained head's classes; `fingerprint` is hex over all
    that defines the model. `trust_remote_code` is True only where transformers has no class of its own.
    `backbone` names the transformers class that gives hidden states with no tensor missing ("": none does);
    `tokenizer` is the folder to load the tokenizer from (None: `path`). `folder` is what was given, around `path`;
    `training_data` names the data sets that it was trained on, by its manifest or the zoo (None: unknown)."""

    name: str
    path: Path
    kind: str
    why: str
    architecture: str
    model_type: str
    layers: int
    width: int
    vocabulary: int
    max_positions: int | None
    labels: tuple[str, ...]
    sentence: SentenceModules | None
    adapter: Path | None
    fingerprint: str
    trust_remote_code: bool
    default_layer: int
    layer_source: str
    backbone: str = ""
    tokenizer: Path | None = None
    folder: Path | None = None
    training_data: tuple[str, ...] | None = None


def open_checkpoint(model: str, trust_remote_code: bool = False) -> Checkpoint:
    """A folder (which wins over the rest), a name of the zoo, or a hub id `org/name[@revision]`, downloaded
    once. HarnessError: no such place, not a whole checkpoint, own code without trust, no tokenizer that
    fits."""
    located = locate(model, trust_remote_code)
    parts = read_parts(located.folder, trust_remote_code)
    config = load_config(parts.model, trust_remote_code)
    weights = find_weights(parts.model)
    evidence = _evidence(parts, config, weights)
    verdict = judge(evidence)
    check_tokenizer(parts.tokenizer, max(config.vocabulary, parts.adapter.embedding_rows if parts.adapter else 0))
    kind = kinds.SENTENCE if parts.sentence else verdict.kind
    layer, source = _default_layer(located.name, config.layers, parts.sentence, located.entry)
    return Checkpoint(
        name=located.name,
        path=parts.model,
        kind=kind,
        why=_why(parts, verdict),
        architecture=evidence.architecture,
        model_type=str(config.config.model_type),
        layers=config.layers,
        width=config.width,
        vocabulary=config.vocabulary,
        max_positions=config.max_positions,
        labels=config.labels if kind in (kinds.SEQUENCE, kinds.TOKEN) else (),
        sentence=parts.sentence,
        adapter=parts.adapter.folder if parts.adapter else None,
        fingerprint=fingerprint(defining(parts, weights, config.code)),
        trust_remote_code=config.code,
        default_layer=layer,
        layer_source=source,
        backbone=verdict.backbone,
        tokenizer=parts.tokenizer,
        folder=parts.folder,
        training_data=_training_data(parts, located.entry),
    )


def _training_data(parts: Parts, entry: ZooEntry | None) -> tuple[str, ...] | None:
    """Data sets by the manifest, else the zoo. What an ancestor of unknown training adds is not known: what is known
    is given all the same, since it is what a score is flagged for."""
    manifest = read_manifest(parts.folder)
    if manifest is not None:
        return manifest.names
    return entry.training_data if entry is not None else None


def _evidence(parts: Parts, config: ModelConfig, weights: Weights) -> Evidence:
    """A head that an adapter holds counts as part of the weights; its own config.json, if any, names the
    class."""
    code = str(parts.model) if config.code else ""
    if parts.adapter is None:
        return Evidence(config.config, weights, code=code)
    head = parts.adapter.new_modules(weights.shapes)
    own = parts.adapter.folder / "config.json"
    stated = read_object(own) if own.is_file() else {}
    if stated.get("architectures"):
        config.config.architectures = stated["architectures"]
    if isinstance(stated.get("id2label"), dict):
        config.config.id2label = {int(number): name for number, name in stated["id2label"].items()}
    elif parts.adapter.declared in (kinds.SEQUENCE, kinds.TOKEN) and head:
        # The last layer of a head is its narrowest, one row a class.
        config.config.num_labels = min(shape[0] for shape in head.values() if shape)
    whole = Weights(weights.files, {**weights.shapes, **head})
    beside = parts.adapter.weights.named if head else ""
    return Evidence(config.config, whole, parts.adapter.declared, code, beside)


def _why(parts: Parts, verdict: Verdict) -> str:
    """The verdict's sentence, with what sentence-transformers or PEFT put around the model."""
    sentence, adapter = parts.sentence, parts.adapter
    if sentence is not None:
        steps = [f"pooling '{sentence.pooling}'", *["a dense layer"] * len(sentence.dense)]
        steps += ["normalisation"] if sentence.normalise else []
        why = f"modules.json makes sentence vectors: a transformer, {', '.join(steps)}."
    else:
        why = verdict.why
    return f"{adapter.method} adapter on {adapter.base}: {why}" if adapter else why


def _default_layer(name: str, layers: int, sentence: SentenceModules | None, entry: ZooEntry | None) -> tuple[int, str]:
    """(hidden state that gives sentence vectors, why that one)."""
    if sentence is not None:
        return layers, "sentence-transformers pooling"
    if entry is not None and entry.layer is not None:
        if entry.layer > layers:
            raise HarnessError(f"The zoo gives layer {entry.layer} for {name}, which has {layers}.", "Mend the zoo.")
        return entry.layer, "model zoo"
    return max(1, round(2 * layers / 3)), "two thirds of the depth"

"""The protocol `retrieve`: frozen sentence vectors, nearest neighbours, no training.

Yields (job, items) as soon as a language is done; every further reading comes from the same vectors."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness.checkpoint import Checkpoint
from harness.errors import HarnessError, unknown_names
from harness.examples import Comparable, Mining, Pair
from harness.metrics.score import Item
from harness.plan import Answer, Job, Progress, Protocol, Resolved, Settings
from harness.retrieval.vectors import Matrix, Vectors
from harness.tasks.source import Source
from harness.tasks.task import Task

if TYPE_CHECKING:
    from harness.retrieval.neighbours import Both

NO_LENGTH = 1_000_000
POOLINGS = ("mean", "mean_no_special", "cls", "last", "max", "sentence-transformers")

# LASER's and XTREME's neighbourhood for margins; CSLS is conventionally over ten (Lample et al. 2018).
MARGIN_NEIGHBOURS = 4
CSLS_NEIGHBOURS = 10


def variants(checkpoint: Checkpoint, settings: Settings) -> Sequence[Settings]:
    """`--layer all` is every layer, all with the one pooling that every layer has."""
    if settings.layer != "all":
        return (settings,)
    pooling = settings.pooling or "mean"
    return [replace(settings, layer=layer, pooling=pooling) for layer in range(1, checkpoint.layers + 1)]


def resolve(checkpoint: Checkpoint, task: Task, settings: Settings, source: Source) -> Resolved:
    """Layer, pooling, length: those asked for, or the checkpoint's own."""
    layer = checkpoint.default_layer if settings.layer is None else int(settings.layer)
    if not 1 <= layer <= checkpoint.layers:
        raise HarnessError(
            f"{checkpoint.name} has {checkpoint.layers} layers, --layer {settings.layer} is none of them.",
            f"Choose 1 to {checkpoint.layers}.",
        )
    own = "sentence-transformers" if checkpoint.sentence else "mean"
    pooling = settings.pooling or (own if layer == checkpoint.layers else "mean")
    if pooling not in POOLINGS:
        raise unknown_names("pooling", [pooling], POOLINGS, f"Choose one of {', '.join(POOLINGS)}.")
    if pooling == "sentence-transformers" and not checkpoint.sentence:
        raise HarnessError(
            f"{checkpoint.name} is no sentence-transformers folder and has no pooling of its own.",
            "Choose --pooling mean, cls, mean_no_special, last or max.",
        )
    resolved = {
        "layer": layer,
        "pooling": pooling,
        "max_length": max_length(checkpoint, pooling, settings.max_length),
        "dtype": settings.dtype,
        "engine": settings.engine,
    }
    marks = [f"layer{layer}"] if layer != checkpoint.default_layer else []
    marks += [pooling] if pooling != own else []
    marks += [f"length{settings.max_length}"] if settings.max_length else []
    marks += [settings.dtype] if settings.dtype != "float32" else []
    marks += [settings.engine] if settings.engine == "ivf" else []
    return Resolved(resolved, tuple(marks))


def max_length(checkpoint: Checkpoint, pooling: str, asked: int | None) -> int:
    """Tokens, special ones included: as asked; else the folder's own limit for its own pooling, else XTREME's 512;
    never more than the model has positions for or its tokenizer allows."""
    own = checkpoint.sentence.max_length if pooling == "sentence-transformers" and checkpoint.sentence else None
    stated = (checkpoint.tokenizer or checkpoint.path) / "tokenizer_config.json"
    allowed = json.loads(stated.read_text("utf-8")).get("model_max_length") if stated.is_file() else None
    limits = [asked or own or 512, checkpoint.max_positions, allowed]
    # transformers writes 1e30 where a tokenizer states no length.
    return int(min(one for one in limits if one is not None and one < NO_LENGTH))


def run(jobs: Sequence[Job], cache: Path, progress: Progress) -> Iterator[tuple[Job, Answer]]:
    """Answers all retrieval jobs of one checkpoint. Jobs that differ in the layer alone share one forward pass."""
    layers: dict[tuple[Any, ...], set[int]] = {}
    for job in jobs:
        layers.setdefault(kind_of(job), set()).add(int(job.settings["layer"]))
    readers: dict[tuple[Any, ...], Reader] = {}
    for job in jobs:
        kind = kind_of(job)
        reader = readers.setdefault(kind, Reader(job, tuple(sorted(layers[kind])), cache, progress))
        try:
            yield job, answer(job, AtLayer(reader, int(job.settings["layer"])))
        except HarnessError as error:
            yield job, error


def kind_of(job: Job) -> tuple[Any, ...]:
    """What two jobs must share to be read together."""
    return tuple(job.settings[name] for name in ("pooling", "max_length", "dtype"))


class Reader:
    """Reads sentences for one checkpoint and pooling, at one layer or at several in one pass; loads the encoder when
    the first unseen sentence comes."""

    def __init__(self, job: Job, layers: tuple[int, ...], cache: Path, progress: Progress) -> None:
        self._job = job
        self._layers = layers
        self._progress = progress
        settings = job.settings
        name = f"{job.checkpoint.fingerprint[:16]}-{settings['pooling']}-{settings['max_length']}-{settings['dtype']}"
        folders = {layer: cache / "vectors" / name / f"layer{layer}" for layer in layers}
        self._vectors = Vectors(folders, self._embed)

    @cached_property
    def encoder(self) -> Any:
        """The checkpoint, loaded up to the layer that is asked for."""
        from harness.retrieval.encoder import EncoderSettings, load_encoder

        settings = self._job.settings
        encoder = load_encoder(
            self._job.checkpoint,
            EncoderSettings(
                layer=None if len(self._layers) > 1 else self._layers[0],
                all_layers=len(self._layers) > 1,
                pooling=settings["pooling"],
                dtype=settings["dtype"],
                device=self._job.device,
                max_length=settings["max_length"],
            ),
        )
        assert encoder.max_length == settings["max_length"], "the plan and the encoder read other limits"
        return encoder

    def unit_vectors(self, texts: Sequence[str], layer: int) -> Matrix:
        """(n, d) float32 of length one: inner products are cosines."""
        vectors = self._vectors.get(texts, layer)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.all(np.isfinite(lengths)) or np.any(lengths == 0):
            raise HarnessError(
                f"{self._job.name} gives vectors that are zero or not finite at layer {layer}.",
                "Try --dtype float32 or another --layer; the weights may be damaged.",
            )
        return np.asarray(vectors / lengths, np.float32)

    def tokens(self, texts: Sequence[str]) -> list[dict[str, int]]:
        """What the tokenizer made of each text: tokens, unknown ones, words, whether it was cut."""
        from harness.retrieval.embed import token_statistics

        found = token_statistics(self.encoder, texts)
        columns = zip(found.tokens, found.unknown, found.words, found.truncated, strict=True)
        names = ("tokens", "unk", "words", "truncated")
        return [dict(zip(names, map(int, row), strict=True)) for row in columns]

    def _embed(self, texts: Sequence[str]) -> Iterator[tuple[NDArray[np.int64], Matrix]]:
        from harness.retrieval.embed import embed_batches, tokenise

        label, done = f"{self._job.name}: embedding {self._job.task.name}", 0
        kept = [layer - 1 for layer in self._layers]
        for positions, vectors in embed_batches(self.encoder, tokenise(self.encoder, texts)):
            yield positions, vectors[kept] if len(kept) > 1 else vectors[None]
            done += len(positions)
            self._progress(label, done, len(texts))


@dataclass(frozen=True)
class AtLayer:
    """A reader at one layer."""

    reader: Reader
    layer: int

    def unit_vectors(self, texts: Sequence[str]) -> Matrix:
        """(n, d) float32 of length one."""
        return self.reader.unit_vectors(texts, self.layer)

    def tokens(self, texts: Sequence[str]) -> list[dict[str, int]]:
        """What the tokenizer made of each text."""
        return self.reader.tokens(texts)


def answer(job: Job, reader: AtLayer) -> tuple[Item, ...]:
    """Items of one language, in the benchmark's official order."""
    examples = job.loaded.examples
    engine = job.settings["engine"]
    if isinstance(examples, Mining):
        items = mine(examples.tune, reader, "dev", engine)
        return items if examples.test is None else (*items, *mine(examples.test, reader, "test", engine))
    pairs = [one for one in examples if isinstance(one, Pair)]
    return retrieve(pairs, reader, engine)


def retrieve(pairs: Sequence[Pair], reader: AtLayer, engine: str) -> tuple[Item, ...]:
    """For each pair the row found in the official direction, and by every further reading."""
    queries = reader.unit_vectors([pair.source for pair in pairs])
    targets = reader.unit_vectors([pair.target for pair in pairs])
    from harness.retrieval.neighbours import search_both

    both = search_both(queries, targets, min(CSLS_NEIGHBOURS, len(pairs)), engine=engine)
    rows = np.array([pair.row for pair in pairs])
    readings = {name: rows[found] for name, found in further(queries, targets, both, engine).items()}
    tokens = reader.tokens([pair.target for pair in pairs])
    return tuple(
        Item(
            id=str(pair.row),
            gold=pair.row,
            output=int(rows[both.forward_index[at, 0]]),
            cluster=str(pair.row),
            readings={**{name: int(found[at]) for name, found in readings.items()}, **tokens[at]},
        )
        for at, pair in enumerate(pairs)
    )


def further(queries: Matrix, targets: Matrix, both: "Both", engine: str) -> dict[str, NDArray[np.int64]]:
    """Positions found by the further readings, each (n,): the other direction, CSLS, centred vectors, ratio margin."""
    from harness.retrieval.margin import centre, csls, margins
    from harness.retrieval.neighbours import search_both

    forward, backward = csls(queries, targets, both)
    centred = search_both(centre(queries), centre(targets), 1, engine=engine)
    scores = margins(both, "ratio", MARGIN_NEIGHBOURS)
    best = np.take_along_axis(both.forward_index, scores.argmax(axis=1)[:, None], axis=1)[:, 0]
    return {
        "accuracy_reverse": both.backward_index[:, 0],
        "csls": forward,
        "csls_reverse": backward,
        "accuracy_centred": centred.forward_index[:, 0],
        "accuracy_margin": best,
    }


def mine(corpora: Comparable, reader: AtLayer, split: str, engine: str) -> tuple[Item, ...]:
    """One item for each source sentence that has a gold pair or a candidate, ids marked with the split."""
    from harness.retrieval.mine import mine_corpora, unambiguous

    texts = corpora.source.texts, corpora.target.texts
    vectors = reader.unit_vectors(texts[0]), reader.unit_vectors(texts[1])
    found = unambiguous(mine_corpora(texts, vectors, MARGIN_NEIGHBOURS, engine), texts)
    gold: dict[str, list[str]] = {}
    for source_id, target_id in corpora.gold:
        gold.setdefault(source_id, []).append(target_id)
    candidates = {
        corpora.source.ids[row]: {"target": corpora.target.ids[column], "score": float(score)}
        for row, column, score in zip(found.source, found.target, found.score, strict=True)
    }
    named = dict.fromkeys([*gold, *candidates])
    return tuple(Item(f"{split}/{one}", gold.get(one, []), candidates.get(one), f"{split}/{one}") for one in named)


PROTOCOL = Protocol("retrieve", lambda checkpoint, task: "", resolve, run, seedless=True, variants=variants)

"""Sentences to vectors for one checkpoint, from the cache on disk or from the encoder."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError
from harness.plan import Job, Progress
from harness.protocols.loaded import loaded
from harness.retrieval.vectors import Matrix, Vectors


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
        wanted = EncoderSettings(
            layer=None if len(self._layers) > 1 else self._layers[0],
            all_layers=len(self._layers) > 1,
            pooling=settings["pooling"],
            dtype=settings["dtype"],
            device=self._job.device,
            max_length=settings["max_length"],
        )
        checkpoint = self._job.checkpoint
        encoder = loaded((checkpoint.fingerprint, wanted), lambda: load_encoder(checkpoint, wanted))
        assert encoder.max_length == settings["max_length"], "the plan and the encoder read other limits"
        return encoder

    def keep(self, texts: Sequence[str]) -> None:
        """Embeds what no run has kept yet."""
        self._vectors.keep(texts)

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


class Readers:
    """The readers of a checkpoint's jobs: those that differ in the layer alone share one and a forward pass."""

    def __init__(self, jobs: Sequence[Job], cache: Path, progress: Progress) -> None:
        self._cache = cache
        self._progress = progress
        self._layers: dict[tuple[Any, ...], set[int]] = {}
        self._readers: dict[tuple[Any, ...], Reader] = {}
        for job in jobs:
            self._layers.setdefault(kind_of(job), set()).add(int(job.settings["layer"]))

    def of(self, job: Job, pooling: str | None = None) -> AtLayer:
        """The job's reader at its layer, or one with another pooling."""
        layers = tuple(sorted(self._layers[kind_of(job)]))
        own = job if pooling is None else replace(job, settings={**job.settings, "pooling": pooling})
        kind = kind_of(own)
        if kind not in self._readers:
            self._readers[kind] = Reader(own, layers, self._cache, self._progress)
        return AtLayer(self._readers[kind], int(job.settings["layer"]))


def kind_of(job: Job) -> tuple[Any, ...]:
    """What two jobs must share to be read together. Words are read at every layer, which sentences need not be."""
    return *(job.settings[name] for name in ("pooling", "max_length", "dtype")), job.task.form == "words"

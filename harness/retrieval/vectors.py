"""Sentence vectors of one checkpoint: each distinct sentence is embedded once and kept on disk.

A vector is a pure function of (weights, layer, pooling, sentence): sentences run in batches of equal token length,
without padding, so neither its neighbours nor an interruption can move it by a bit (docs/decisions.md). That is why
a cache by sentence, shared over tasks and runs, cannot change a result. Shards are written under a temporary name
and renamed, keys last; a killed run goes on from its last shard."""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.whole_file import whole_file

Matrix = NDArray[np.float32]
# Distinct sentences -> batches of (their positions, vectors (layers, batch, width)).
EmbedBatches = Callable[[Sequence[str]], Iterator[tuple[NDArray[np.int64], Matrix]]]

FLUSH_SECONDS = 20.0
FLUSH_ROWS = 65536


class Vectors:
    """Vectors for one or several layers; `folders` gives each layer's place on disk."""

    def __init__(self, folders: dict[int, Path], embed: EmbedBatches) -> None:
        self._folders = folders
        self._embed = embed
        self._shards: list[str] = []
        self._rows: dict[bytes, tuple[int, int]] = {}
        self._load()

    def keep(self, texts: Sequence[str]) -> None:
        """Embeds what is not on disk yet, for all layers at once."""
        self._keep([_key(text) for text in texts], texts)

    def get(self, texts: Sequence[str], layer: int) -> Matrix:
        """(len(texts), width) float32; what is not on disk yet is embedded first."""
        keys = [_key(text) for text in texts]
        self._keep(keys, texts)
        places = np.array([self._rows[key] for key in keys]).reshape(-1, 2)
        out: Matrix | None = None
        for shard in np.unique(places[:, 0]):
            vectors = np.load(self._file(layer, self._shards[shard], "npy"), mmap_mode="r")
            where = places[:, 0] == shard
            if out is None:
                out = np.empty((len(texts), vectors.shape[1]), np.float32)
            out[where] = vectors[places[where, 1]]
        assert out is not None, "the caller asks for at least one text"
        return out

    def _keep(self, keys: Sequence[bytes], texts: Sequence[str]) -> None:
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._rows}
        if new:
            self._add(list(new), list(new.values()))

    def _load(self) -> None:
        """Finds the shards that are whole: those whose keys are there for every layer."""
        named = [{path.stem for path in folder.glob("*.keys.npy")} for folder in self._folders.values()]
        for stem in sorted(set.intersection(*named)):
            self._index(stem.removesuffix(".keys"))

    def _index(self, name: str) -> None:
        first = next(iter(self._folders))
        shard = len(self._shards)
        self._shards.append(name)
        for row, key in enumerate(np.load(self._file(first, name, "keys.npy"))):
            self._rows.setdefault(key.tobytes(), (shard, row))

    def _add(self, keys: list[bytes], texts: list[str]) -> None:
        pending: list[tuple[NDArray[np.int64], Matrix]] = []
        rows, since = 0, time.monotonic()
        for batch in self._embed(texts):
            pending.append(batch)
            rows += len(batch[0])
            if rows >= FLUSH_ROWS or time.monotonic() - since > FLUSH_SECONDS:
                self._write(keys, pending)
                pending, rows, since = [], 0, time.monotonic()
        if pending:
            self._write(keys, pending)

    def _write(self, keys: list[bytes], batches: list[tuple[NDArray[np.int64], Matrix]]) -> None:
        positions = np.concatenate([positions for positions, _ in batches])
        named = np.frombuffer(b"".join(keys[one] for one in positions), np.uint8).reshape(len(positions), -1)
        name = hashlib.sha256(named.tobytes()).hexdigest()[:16]
        for index, layer in enumerate(self._folders):
            self._folders[layer].mkdir(parents=True, exist_ok=True)
            save(self._file(layer, name, "npy"), np.concatenate([vectors[index] for _, vectors in batches]))
        for layer in self._folders:
            save(self._file(layer, name, "keys.npy"), named)
        self._index(name)

    def _file(self, layer: int, name: str, suffix: str) -> Path:
        return self._folders[layer] / f"{name}.{suffix}"


def save(path: Path, array: NDArray[np.generic]) -> None:
    """An array file that is there whole or not at all."""
    with whole_file(path) as half, half.open("wb") as file:
        np.save(file, array)


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()

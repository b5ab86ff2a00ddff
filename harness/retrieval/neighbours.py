"""Which vectors of the other side are nearest to each vector, in both directions.

Exactly and from one pass over tiles of similarities (engine "exact"), by FAISS searched twice ("faiss"), or roughly by
FAISS's inverted lists ("ivf")."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from harness.errors import HarnessError, unknown_names
from harness.retrieval import ranking
from harness.retrieval.byte_screen import byte_screen, choose_screen
from harness.retrieval.faiss_index import Found, Lists, search_flat, search_lists
from harness.retrieval.screen import Screen, Side, float_screen, survey
from harness.retrieval.shards import Shards, identity
from harness.retrieval.sweep import sweep

Vectors = NDArray[np.float32]
Progress = Callable[[int, int], None]
ENGINES = ("exact", "faiss", "ivf")
SCREENS = ("auto", "float", "byte")
_BYTES_PER_PAIR = 10  # a tile of values, one of floors, and the maxima of its groups
_LARGEST = 1e37


@dataclass(frozen=True)
class Both:
    """The k nearest neighbours by inner product: source rows' among the targets (n, min(k, m)) and target rows' among
    the sources (m, min(k, n)), best first. `recall` is the measured share found of the true ones; None if exact."""

    forward_similarity: NDArray[np.float32]
    forward_index: NDArray[np.int64]
    backward_similarity: NDArray[np.float32]
    backward_index: NDArray[np.int64]
    recall: float | None = None


@dataclass(frozen=True)
class Search:
    """How to search. `tile` is the side of a tile, `screen` what the exact engine multiplies: bytes, floats, or what is
    faster here (the result is the same); `sample` the queries per direction that an approximate engine's recall is
    measured on."""

    device: str = "cpu"
    tile: int = 2048
    screen: str = "auto"
    lists: Lists = field(default_factory=Lists)
    sample: int = 256
    seed: int = 0


def tile_within(memory: int) -> int:
    """The side of the largest tile that needs at most so many bytes, at least 64 and at most 4096."""
    return int(min(4096, max(64, (memory / _BYTES_PER_PAIR) ** 0.5 // 64 * 64)))


def search_both(
    source: Vectors,
    target: Vectors,
    k: int,
    engine: str = "exact",
    progress: Progress | None = None,
    settings: Search | None = None,
    shards: Path | None = None,
) -> Both:
    """The k nearest neighbours by inner product of float32 source (n, d) and target (m, d) rows, in both directions.

    The exact engine orders equal similarities by index, calls `progress(rows done, n)` after each block of source rows
    and keeps finished blocks in a subfolder of `shards` if that is named: a later call for the same vectors goes on
    from there and returns the same bytes. Its memory is a tile, a quarter of the target's size when it screens by
    bytes, and O((n + m) k); inputs may be memory-mapped (on a GPU both sides are copied there). Raises HarnessError for
    arrays that cannot be searched."""
    settings = settings or Search()
    _check(source, target, k, engine, settings)
    if engine == "exact":
        return _exact(source, target, k, progress, settings, shards)
    if shards is not None:
        raise HarnessError(
            f"The engine '{engine}' cannot resume.", "Drop the shards folder, or use the engine 'exact'."
        )
    return _by_faiss(source, target, k, engine, settings)


def _check(source: Vectors, target: Vectors, k: int, engine: str, settings: Search) -> None:
    if engine not in ENGINES:
        raise unknown_names("engine", [engine], ENGINES, f"Engines are {', '.join(ENGINES)}.")
    if settings.screen not in SCREENS:
        raise unknown_names("screen", [settings.screen], SCREENS, f"Screens are {', '.join(SCREENS)}.")
    wrong = [] if k >= 1 else [f"k is {k}, it must be at least 1"]
    if settings.tile < 1:
        wrong.append(f"the tile is {settings.tile}, it must be at least 1")
    for name, side in (("source", source), ("target", target)):
        if side.ndim != 2 or 0 in side.shape:
            wrong.append(f"the {name} has shape {side.shape}, it must be (vectors, dimensions), neither of them 0")
        elif side.dtype != np.float32:
            wrong.append(f"the {name} is {side.dtype}, it must be float32")
    if not wrong and source.shape[1] != target.shape[1]:
        wrong.append(f"the source has {source.shape[1]} dimensions, the target {target.shape[1]}")
    if wrong:
        raise HarnessError(f"These vectors cannot be searched: {'; '.join(wrong)}.", "Embed both sides with one model.")


def _exact(
    source: Vectors, target: Vectors, k: int, progress: Progress | None, settings: Search, folder: Path | None
) -> Both:
    sides = _surveyed(source, target, settings.device)
    n, m, device = len(source), len(target), sides[0].vectors.device
    shards = folder and Shards(folder / identity(source, target, k, settings.tile))
    starts, blocks, kept = shards.load() if shards else ([], [], None)
    forward = [torch.from_numpy(keys).to(device) for keys in blocks]
    backward = ranking.empty(m, min(k, n), device) if kept is None else torch.from_numpy(kept).to(device)
    done = sum(map(len, forward))
    if done < n:
        for keys in sweep(_screen(*sides, k, settings), settings.tile, done, min(k, m), backward):
            starts.append(done)
            forward.append(keys)
            done += len(keys)
            if shards:
                shards.save(starts, keys, backward)
            if progress is not None:
                progress(done, n)
    return Both(*ranking.unpack(torch.cat(forward)), *ranking.unpack(backward))


def _screen(source: Side, target: Side, k: int, settings: Search) -> Screen:
    if settings.screen == "auto":
        return choose_screen(source, target, k)
    plain = float_screen(source, target)
    return plain if settings.screen == "float" else byte_screen(source, target) or plain


def _surveyed(source: Vectors, target: Vectors, device: str) -> tuple[Side, Side]:
    kind = device.partition(":")[0]
    if kind not in ("cpu", "cuda"):
        raise HarnessError(f"The exact search does not run on the device '{device}'.", "Use 'cpu' or 'cuda'.")
    if kind == "cuda" and not torch.cuda.is_available():
        raise HarnessError(f"The device '{device}' was asked for, but torch sees no GPU.", "Use the device 'cpu'.")
    sides = survey(_tensor(source).to(device)), survey(_tensor(target).to(device))
    wrong = []
    for name, side in zip(("source", "target"), sides, strict=True):
        bad = (~side.lengths.isfinite()).nonzero().flatten().tolist()
        if bad:
            wrong.append(f"{len(bad)} of the {name}, the first in row {bad[0]},")
    if not wrong and float(sides[0].lengths.max()) * float(sides[1].lengths.max()) > _LARGEST:
        wrong.append("products of the longest")
    if wrong:
        raise HarnessError(
            f"{' and '.join(wrong)} are not finite numbers in float32.",
            "Embed in float32, or look for a model that overflows.",
        )
    return sides


def _tensor(vectors: Vectors) -> torch.Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a read-only memory map is only ever read here
        return torch.from_numpy(np.ascontiguousarray(vectors))


def _by_faiss(source: Vectors, target: Vectors, k: int, engine: str, settings: Search) -> Both:
    _surveyed(source, target, "cpu")
    source, target = np.ascontiguousarray(source), np.ascontiguousarray(target)
    found = []
    for queries, vectors in ((source, target), (target, source)):
        count = min(k, len(vectors))
        if engine == "faiss":
            found.append(search_flat(queries, vectors, count))
        else:
            found.append(search_lists(queries, vectors, count, settings.lists))
    recall = (
        None
        if engine == "faiss"
        else (_recall(source, target, found[0], settings) + _recall(target, source, found[1], settings)) / 2
    )
    return Both(*found[0], *found[1], recall)


def _recall(queries: Vectors, vectors: Vectors, found: Found, settings: Search) -> float:
    """The share of a sample's true neighbours that were found. What is as near as the last true one counts as true:
    which of several equal vectors is found says nothing about the index."""
    generator = np.random.default_rng(settings.seed)
    rows = np.sort(generator.choice(len(queries), min(settings.sample, len(queries)), replace=False))
    exact = search_both(queries[rows], vectors, found[0].shape[1]).forward_similarity
    return float((found[0][rows] >= exact[:, -1:] - 1e-5).mean())

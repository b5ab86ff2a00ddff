"""Which vectors of the other side are nearest to each vector, in both directions.

Exactly and from one pass over tiles of similarities (engine "exact"), by FAISS's flat index searched twice ("faiss"),
or roughly: by cells of like vectors ("ivf"), or by FAISS's compressed lists ("ivfpq")."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from harness.errors import HarnessError, unknown_names
from harness.retrieval import ranking
from harness.retrieval.exact import search_exact
from harness.retrieval.faiss_index import search_flat
from harness.retrieval.faiss_lists import Compressed, search_compressed
from harness.retrieval.held_back import Truth, sampled
from harness.retrieval.ivf import Inverted, search_cells
from harness.retrieval.recall import Recall, recall_of, shares_found
from harness.retrieval.rough import code_on
from harness.retrieval.screen import Side, survey, tensor_of
from harness.retrieval.snapshot import Snapshot, identity

Vectors = NDArray[np.float32]
Progress = Callable[[int, int], None]
ENGINES = ("exact", "faiss", "faiss16", "ivf", "ivfpq")
EVERY = 20.0  # seconds between two snapshots of a long search
SCREENS = ("auto", "float", "byte")
_LARGEST = 1e37


@dataclass(frozen=True)
class Both:
    """The k nearest neighbours by inner product: source rows' among the targets (n, min(k, m)) and target rows' among
    the sources (m, min(k, n)), best first. `recall` is the measured share found of the true ones, None if exact; `how`
    says by what they were found."""

    forward_similarity: NDArray[np.float32]
    forward_index: NDArray[np.int64]
    backward_similarity: NDArray[np.float32]
    backward_index: NDArray[np.int64]
    recall: Recall | None = None
    how: str = "exact"


@dataclass(frozen=True)
class Search:
    """How to search.

    `tile` is the side of a tile, `shard` the target rows that the exact engine holds as codes at a time (None: all),
    `screen` what it multiplies: bytes, floats, or what is faster here (the result is the same). `sample` is the queries
    per direction that an approximate engine is tuned and judged on, `every` the seconds between two snapshots."""

    device: str = "cpu"
    tile: int = 2048
    shard: int | None = None
    screen: str = "auto"
    inverted: Inverted = field(default_factory=Inverted)
    compressed: Compressed = field(default_factory=Compressed)
    sample: int = 512
    seed: int = 0
    every: float = 0.0


def search_for(recall: float, device: str = "cpu") -> Search:
    """The settings with which approximate engines aim at this recall."""
    return Search(device, inverted=Inverted(recall), compressed=Compressed(recall), every=EVERY)


def search_both(
    source: Vectors,
    target: Vectors,
    k: int,
    engine: str = "exact",
    progress: Progress | None = None,
    settings: Search | None = None,
    snapshots: Path | None = None,
) -> Both:
    """The k nearest neighbours by inner product of float32 source (n, d) and target (m, d) rows, in both directions.

    The exact engine orders equal similarities by index, calls `progress(rows done, n)` after each block of source rows
    (of each target shard) and keeps its state in a subfolder of `snapshots` if that is named: a later call for the same
    vectors goes on from there and returns the same bytes. Its memory is a tile, a quarter of a target shard's size when
    it screens by bytes, and O((n + m) k); inputs may be memory-mapped (on a GPU the source and one shard are copied
    there). Raises HarnessError for arrays that cannot be searched."""
    settings = settings or Search()
    _check(source, target, k, engine, settings)
    if engine.startswith("faiss"):
        if snapshots is not None:
            raise HarnessError(
                f"The engine '{engine}' cannot resume.", "Drop the snapshots folder, or use another engine."
            )
        return _flat(source, target, k, engine, settings)
    folder = snapshots and snapshots / identity(source, target, k, engine, _decisive(engine, settings))
    if engine == "ivfpq":
        return _by_lists(source, target, k, settings, folder)
    kept = Snapshot(folder, settings.every) if folder else None
    if engine == "exact":
        shape = (settings.tile, settings.shard or len(target))
        sides = _surveyed(source, target, settings.device, shape[1] < len(target))
        forward, backward = search_exact(sides, k, shape, settings.screen, progress, kept)
        return Both(*ranking.unpack(forward), *ranking.unpack(backward))
    return _by_cells(source, target, k, settings, progress, kept)


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


def _surveyed(source: Vectors, target: Vectors, device: str, sharded: bool = False) -> tuple[Side, Side]:
    """Both sides on the device, a target in shards where it is."""
    kind = device.partition(":")[0]
    if kind not in ("cpu", "cuda"):
        raise HarnessError(f"The exact search does not run on the device '{device}'.", "Use 'cpu' or 'cuda'.")
    if kind == "cuda" and not torch.cuda.is_available():
        raise HarnessError(f"The device '{device}' was asked for, but torch sees no GPU.", "Use the device 'cpu'.")
    sides = survey(tensor_of(source).to(device)), survey(tensor_of(target).to("cpu" if sharded else device))
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


def _decisive(engine: str, settings: Search) -> object:
    """The settings that decide what is kept on disk of a search."""
    if engine == "exact":
        return settings.tile, settings.shard
    if engine == "ivf":
        inverted = settings.inverted
        own: object = replace(inverted, code=code_on(settings.device, inverted.code))
    else:
        own = settings.compressed
    return own, settings.sample, settings.seed


def _flat(source: Vectors, target: Vectors, k: int, engine: str, settings: Search) -> Both:
    _surveyed(source, target, "cpu")
    source, target = np.ascontiguousarray(source), np.ascontiguousarray(target)
    half = engine == "faiss16"
    ahead = search_flat(source, target, min(k, len(target)), half)
    back = search_flat(target, source, min(k, len(source)), half)
    if not half:
        return Both(*ahead, *back, None, "FAISS, flat")
    both = Both(*ahead, *back, None, "FAISS, flat in float16, scored again in float32")
    return replace(both, recall=_reached(both, _truths(source, target, k, settings)))


def _by_lists(source: Vectors, target: Vectors, k: int, settings: Search, folder: Path | None) -> Both:
    _surveyed(source, target, "cpu")
    source, target = np.ascontiguousarray(source), np.ascontiguousarray(target)
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    truths, found = _truths(source, target, k, settings), []
    for name, queries, vectors, truth in (("target", source, target, truths[0]), ("source", target, source, truths[1])):
        file = folder and folder / f"{name}.faiss"
        found.append(search_compressed(queries, vectors, truth.half(0), settings.compressed, file))
    both = Both(*found[0], *found[1], None, "FAISS, compressed lists")
    return replace(both, recall=_reached(both, truths))


def _by_cells(
    source: Vectors, target: Vectors, k: int, settings: Search, progress: Progress | None, kept: Snapshot | None
) -> Both:
    sides = _surveyed(source, target, settings.device)
    truths = _truths(source, target, k, settings)
    found = search_cells(*sides, k, settings.inverted, truths, progress, kept)
    if found is None:
        own = Snapshot(kept.folder / "exact", kept.every) if kept else None
        forward, backward = search_exact(sides, k, (settings.tile, len(target)), settings.screen, progress, own)
        how = "exact: most cells would have to be looked into to reach the recall"
    else:
        forward, backward, how = found.forward, found.backward, found.how
    both = Both(*ranking.unpack(forward), *ranking.unpack(backward), None, how)
    return replace(both, recall=_reached(both, truths))


def _truths(source: Vectors, target: Vectors, k: int, settings: Search) -> tuple[Truth, Truth]:
    return _truth(source, target, k, settings), _truth(target, source, k, settings)


def _truth(queries: Vectors, vectors: Vectors, k: int, settings: Search) -> Truth:
    rows = sampled(len(queries), settings.sample, settings.seed)
    exact = search_both(
        np.ascontiguousarray(queries[rows]), vectors, k, settings=Search(settings.device, shard=settings.shard)
    )
    return Truth(rows, exact.forward_similarity, exact.forward_index)


def _reached(both: Both, truths: tuple[Truth, Truth]) -> Recall:
    """Of the held-back queries of both directions that nothing was tuned on."""
    found = both.forward_similarity, both.backward_similarity
    halves = [truth.half(1) if len(truth.rows) > 1 else truth for truth in truths]
    shares = [shares_found(side[half.rows], half.similarity) for side, half in zip(found, halves, strict=True)]
    return recall_of(np.concatenate(shares))

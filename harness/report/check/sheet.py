"""What a gate needs of one scored language of one trained model: its items' statistics, in a form that fits a file.

Statistics are zlib-compressed and base64: 40,000 accuracies are a few kilobytes, so that a frozen baseline can live in
a repository and still be paired item by item."""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from harness.errors import HarnessError
from harness.metrics.score import Array, Item, Metric
from harness.store import Result

# A unit of zlib's output can stand for about a thousand of input: nothing we write comes near this.
MOST_BYTES = 2_000_000_000


@dataclass(frozen=True)
class Sheet:
    """`statistics` (n, width) of the main metric, sorted by item id; `fingerprint` as in the result."""

    checkpoint: str
    task: str
    folder: str
    language: str
    split: str
    seed: int
    metric: str
    value: float
    fingerprint: Mapping[str, Any]
    ids: tuple[str, ...] = field(repr=False)
    clusters: tuple[str, ...] = field(repr=False)
    statistics: Array = field(repr=False)

    @property
    def replica(self) -> tuple[str, int]:
        """(checkpoint, seed): one training."""
        return self.checkpoint, self.seed


def sheet_of(result: Result, items: Sequence[Item], metric: Metric) -> Sheet:
    """The sheet of a scored result."""
    main = result.main
    if main is None or main.metric != metric.name:
        raise HarnessError(
            f"{result.task} {result.language} has no main score '{metric.name}'.", "Score it again with this version."
        )
    ordered = sorted(items, key=lambda item: item.id)
    place = (result.checkpoint, result.task, result.folder, result.language, result.split, result.seed)
    return Sheet(
        *place,
        metric=main.metric,
        value=main.value,
        fingerprint=dict(result.fingerprint),
        ids=tuple(item.id for item in ordered),
        clusters=tuple(item.cluster for item in ordered),
        statistics=metric.statistics(ordered),
    )


def encode(sheet: Sheet) -> dict[str, Any]:
    """The sheet as JSON values."""
    plain = {name: getattr(sheet, name) for name in _PLAIN}
    packed = {"n": len(sheet.ids), "ids": _pack_json(sheet.ids)}
    if sheet.clusters != sheet.ids:
        packed["clusters"] = _pack_json(sheet.clusters)
    kind = next(kind for kind in ("uint8", "int32", "float64") if _fits(sheet.statistics, kind))
    # Column by column: a constant column then costs nothing.
    columns = np.ascontiguousarray(sheet.statistics.T.astype(kind))
    statistics = {"type": kind, "width": sheet.statistics.shape[1], "zlib": _pack(columns.tobytes())}
    return {**plain, "fingerprint": dict(sheet.fingerprint), **packed, "statistics": statistics}


def decode(record: Mapping[str, Any]) -> Sheet:
    """The reverse of `encode`; KeyError, ValueError or zlib.error where the record is none."""
    ids = tuple(json.loads(_unpack(record["ids"])))
    clusters = tuple(json.loads(_unpack(record["clusters"]))) if "clusters" in record else ids
    packed = record["statistics"]
    flat = np.frombuffer(_unpack(packed["zlib"]), dtype=np.dtype(packed["type"]))
    statistics = flat.reshape(packed["width"], len(ids)).T.astype(np.float64)
    plain = {name: record[name] for name in _PLAIN}
    return Sheet(**plain, fingerprint=record["fingerprint"], ids=ids, clusters=clusters, statistics=statistics)


_PLAIN = ("checkpoint", "task", "folder", "language", "split", "seed", "metric", "value")


def _fits(values: Array, kind: str) -> bool:
    return bool(np.array_equal(values.astype(kind).astype(np.float64), values))


def _pack_json(values: Sequence[str]) -> str:
    return _pack(json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))


def _pack(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content, 9)).decode("ascii")


def _unpack(text: str) -> bytes:
    unpacker = zlib.decompressobj()
    content = unpacker.decompress(base64.b64decode(text, validate=True), MOST_BYTES)
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise ValueError("a packed field is cut or too large")
    return content

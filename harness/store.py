"""The results folder is the database: one JSON and one predictions file per (checkpoint, task, protocol, language,
seed). What is there and fits is done; every file appears whole (a rename on a disk, one upload in a bucket), the JSON,
which alone makes a result, last."""

import gzip
import io
import json
import os
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.folder import cache_of, is_remote, open_folder, put
from harness.metrics.score import Item, Score
from harness.whole_file import whole_file

SCHEMA = 1
AVERAGE = "avg"


@dataclass(frozen=True)
class Result:
    """One result file. `folder` is the protocol with every setting that is not the default (`retrieve@layer4`);
    `fingerprint` holds what defines the scores: weights, task version, data, settings; `measured` what came to light
    while they were made (an approximate search's recall)."""

    checkpoint: str
    task: str
    language: str
    split: str
    protocol: str
    settings: Mapping[str, Any]
    seed: int
    status: str
    fingerprint: Mapping[str, Any]
    folder: str
    scores: tuple[Score, ...] = ()
    reason: str = ""
    languages: tuple[str, ...] = field(default=())
    measured: Mapping[str, Any] = field(default_factory=dict)

    @property
    def main(self) -> Score | None:
        """The task's main score, where there is one."""
        return next((score for score in self.scores if score.main), None)


def bearer(protocol: str, task: str) -> str:
    """Of what one name stands for a single model: a task's head ("xnli"), or all that is frozen or tuned here ("").
    Nine fine-tuned models, a head each, may share a name."""
    return task if protocol == "head" else ""


@dataclass(frozen=True)
class Store:
    """Reads and writes results under one folder, on a disk or in a bucket (harness.folder)."""

    root: Path

    @property
    def cache(self) -> Path:
        """Where vectors and fine-tuned models are kept, on a disk."""
        return cache_of(self.root)

    def path(self, result: Result) -> Path:
        """Where the result's JSON is."""
        folder = self.root / result.checkpoint / result.task / result.folder
        return folder / f"{result.language}.seed{result.seed}.json"

    def read(self, result: Result) -> Result | None:
        """The stored result of the same place, or None."""
        path = self.path(result)
        return _parse(path) if path.is_file() else None

    def items(self, result: Result) -> tuple[Item, ...]:
        """The predictions beside a result."""
        path = _beside(self.path(result), "predictions.jsonl.gz")
        try:
            with path.open("rb") as file, gzip.open(file, "rt", encoding="utf-8") as lines:
                return tuple(Item(**json.loads(line)) for line in lines)
        except (OSError, EOFError, ValueError, TypeError) as error:
            raise HarnessError(
                f"{path} cannot be read ({error}).", "Delete it and run `harness eval` again."
            ) from error

    def write(self, result: Result, items: Sequence[Item] = (), run: Mapping[str, Any] | None = None) -> None:
        """Commits predictions, run record and, last, the JSON; a reader never sees a half-written result."""
        path = self.path(result)
        if items:
            replace(_beside(path, "predictions.jsonl.gz"), _compress(items))
        if run is not None:
            replace(_beside(path, "run.json"), _dump(run))
        replace(path, _dump(_record(result)))

    def remove(self, result: Result) -> None:
        """Takes away the stored result of the same place, if there is one."""
        path = self.path(result)
        for one in (path, _beside(path, "run.json"), _beside(path, "predictions.jsonl.gz")):
            one.unlink(missing_ok=True)

    def run(self, result: Result) -> Mapping[str, Any]:
        """The run record beside a result (empty when there is none)."""
        path = _beside(self.path(result), "run.json")
        try:
            return dict(json.loads(path.read_text("utf-8"))) if path.is_file() else {}
        except (OSError, ValueError, TypeError) as error:
            raise HarnessError(f"{path} cannot be read ({error}).", "Delete it: no score depends on it.") from error

    def of_checkpoint(self, name: str) -> Iterator[Result]:
        """Every result under a checkpoint's name, in path order."""
        folder = self.root / name
        if folder.is_dir():
            remote = is_remote(self.root)
            found = _bucket_paths(self.root, name) if remote else map(Path, _result_paths(str(folder), 2))
            yield from map(_parse, found)

    def results(self) -> Iterator[Result]:
        """Every result of the folder, in path order."""
        if not self.root.is_dir():
            raise HarnessError(f"The results folder {self.root} does not exist.", "Run `harness eval` first.")
        found = _bucket_paths(self.root) if is_remote(self.root) else map(Path, _result_paths(str(self.root), 3))
        for path in found:
            yield _parse(path)


def open_store(root: str | Path) -> Store:
    """A store that can be written: an unwritable folder is refused before any compute."""
    return Store(writable(root))


def writable(folder: str | Path) -> Path:
    """The folder, made if need be; HarnessError when nothing can be written there."""
    path = open_folder(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe = path / f".write-{platform.node()}-{os.getpid()}"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise HarnessError(
            f"The output folder {path} cannot be written: {error.strerror or error}.", "Choose another --output."
        ) from error
    return path


def changed(stored: Result, wanted: Result) -> list[str]:
    """The fields of the fingerprint in which a stored result differs from the one wanted: it is stale."""
    return [key for key, value in wanted.fingerprint.items() if stored.fingerprint.get(key) != value]


def replace(path: Path, content: bytes) -> None:
    """Writes a file so that it is there whole or not at all: by a rename, or by one upload."""
    if is_remote(path):
        put(path, content)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as half, half.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(f"{path.name.removesuffix('.json')}.{suffix}")


def _dump(record: Mapping[str, Any]) -> bytes:
    return (json.dumps(record, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode("utf-8")


def _compress(items: Iterable[Item]) -> bytes:
    buffer = io.BytesIO()
    # No name and no time in the header: equal predictions are equal bytes.
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0) as file:
        for item in items:
            file.write((json.dumps(rounded(asdict(item)), ensure_ascii=False) + "\n").encode("utf-8"))
    return buffer.getvalue()


def rounded(value: Any) -> Any:
    """The same value with floats at six digits, as predictions are stored and scored."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(one) for one in value]
    return value


def _record(result: Result) -> dict[str, Any]:
    record: dict[str, Any] = {
        "schema": SCHEMA,
        "status": result.status,
        "checkpoint": result.checkpoint,
        "task": result.task,
        "language": result.language,
        "split": result.split,
        "protocol": result.protocol,
        "settings": dict(result.settings),
        "seed": result.seed,
    }
    if result.reason:
        record["reason"] = result.reason
    if result.measured:
        record["measured"] = dict(result.measured)
    if result.languages:
        record["languages"] = list(result.languages)
    record["scores"] = [asdict(score) for score in result.scores]
    record["fingerprint"] = dict(result.fingerprint)
    return record


def _result_paths(folder: str, depth: int) -> Iterator[str]:
    """Files of results in order of their names, `depth` folders down; plain strings, as there may be 200,000."""
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        if depth:
            if entry.is_dir() and not entry.name.startswith("."):
                yield from _result_paths(entry.path, depth - 1)
        elif entry.name.endswith(".json") and ".seed" in entry.name and not entry.name.endswith(".run.json"):
            yield entry.path


def _bucket_paths(root: Path, checkpoint: str = "*") -> list[Path]:
    """The same of a bucket, in the same order."""
    parts = [path.relative_to(root).parts for path in root.glob(f"{checkpoint}/*/*/*.json")]
    named = [one for one in parts if ".seed" in one[-1] and not one[-1].endswith(".run.json")]
    return [root.joinpath(*one) for one in sorted(named) if not any(part.startswith(".") for part in one)]


def _parse(path: Path) -> Result:
    try:
        record = json.loads(path.read_bytes())
        if record["schema"] != SCHEMA:
            raise HarnessError(
                f"{path} has schema {record['schema']}, this version reads {SCHEMA}.",
                "Use the version that wrote it.",
            )
        names = (
            "checkpoint",
            "task",
            "language",
            "split",
            "protocol",
            "settings",
            "seed",
            "status",
            "fingerprint",
        )
        return Result(
            **{name: record[name] for name in names},
            folder=path.parent.name,
            scores=tuple(Score(**score) for score in record["scores"]),
            reason=record.get("reason", ""),
            languages=tuple(record.get("languages", ())),
            measured=record.get("measured", {}),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise HarnessError(
            f"{path} is not a result of this program ({type(error).__name__}: {error}).",
            "Delete it and run again.",
        ) from error

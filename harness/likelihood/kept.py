"""Answers that were computed before, one line per batch: what a killed run had done is not done again.

Trap: lm-eval's cache knows the request but not the model (its issues 2715 and 4063). Here every file belongs to
one identity: weights, number format, attention kernel and kind of device."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar


class Keyed(Protocol):
    """A batch that knows a hash of its content."""

    @property
    def key(self) -> str: ...


K = TypeVar("K", bound=Keyed)


class Kept:
    """The answers of one model under `folder`, by the batches' keys. Lines are appended as they come, and one that a
    kill cut short counts as absent."""

    def __init__(self, folder: Path, identity: str) -> None:
        self.path = folder / f"{identity}.jsonl"
        self._known: dict[str, Any] = {}
        if self.path.is_file():
            for line in self.path.read_text("utf-8", errors="replace").splitlines():
                try:
                    record = json.loads(line)
                    self._known[record["key"]] = record["answers"]
                except (ValueError, KeyError, TypeError):
                    continue

    def run(
        self, batches: Sequence[K], compute: Callable[[Iterable[K]], Iterator[list[Any]]]
    ) -> Iterator[tuple[K, list[Any]]]:
        """Every batch with its answers, in order; only those not kept are computed."""
        computed = compute(batch for batch in batches if batch.key not in self._known)
        for batch in batches:
            key = batch.key
            if key not in self._known:
                self._known[key] = next(computed)
                self._append(key)
            yield batch, self._known[key]

    def _append(self, key: str) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        record = json.dumps({"key": key, "answers": self._known[key]}, ensure_ascii=False)
        with self.path.open("ab") as file:
            # A line break first: a line that was cut short must not swallow this one.
            file.write(f"\n{record}".encode())

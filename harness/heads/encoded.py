"""Features that were made before: tokenisation happens once per (tokenizer, data), whatever seeds, tunings or
checkpoints with the same tokenizer come after it."""

from collections.abc import Sequence
from typing import Any

from harness.heads.features import Features
from harness.heads.head import Encoding, Head


class Encoded:
    """Features by the content of tokenizer and data, in memory. Whoever holds it decides how long."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], Features] = {}

    def features(self, head: Head, examples: Sequence[Any], encoding: Encoding, data: str) -> Features:
        """`head.encode(examples, encoding)`; `data` is the hash of the examples' content (`Loaded.data`)."""
        tokeniser = encoding.tokeniser
        key = (
            tokeniser.digest,
            tokeniser.types,
            tokeniser.limit(encoding.max_length),
            head.form,
            encoding.training,
            encoding.labels if encoding.training else (),
            data,
        )
        if key not in self._known:
            self._known[key] = head.encode(examples, encoding)
        return self._known[key]

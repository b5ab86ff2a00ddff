"""All pieces one after another in this process."""

from collections.abc import Generator, Sequence
from typing import Any

from harness.execute.piece import Function, Piece, Progress, answers


def run(function: Function, pieces: Sequence[Piece], progress: Progress) -> Generator[tuple[Any, Any], None, None]:
    """(item, answer) in the order of the pieces. What raises here, but a HarnessError, stops the run."""
    for piece in pieces:
        found = answers(function, piece.shared, piece.items, progress)
        yield from zip(piece.items, found, strict=True)

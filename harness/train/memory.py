"""Memory that glibc holds without need: batches of ever new shapes leave its heap full of holes.

Measured with MiniLM on a CPU: 844 MiB after the first step, 2,587 MiB after 320 steps of random shapes, of which a trim
gave back 1,366."""

import ctypes
import sys
from collections.abc import Callable
from functools import cache

EVERY = 100


def give_back(step: int) -> None:
    """Hands free memory back to the system once in `EVERY` steps; does nothing where there is no glibc."""
    trim = _trim()
    if trim is not None and step % EVERY == 0:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        return ctypes.CDLL("libc.so.6").malloc_trim
    except (OSError, AttributeError):
        return None

"""The model that a process loaded last, so that its next piece of work on the same one loads nothing.

Only one is held, and it is let go before another is loaded: two may not fit a GPU."""

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
# At most one entry: what was asked for -> what was loaded.
_LAST: dict[Any, Any] = {}


def loaded(wanted: Any, load: Callable[[], T]) -> T:
    """What `load` gives for `wanted` (hashable, and naming all that matters), perhaps from the last time."""
    if wanted not in _LAST:
        forget()
        _LAST[wanted] = load()
    found: T = _LAST[wanted]
    return found


def forget() -> None:
    """Lets it go."""
    _LAST.clear()

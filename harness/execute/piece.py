"""A piece of work: items that one worker does one after another, sharing what it has loaded for them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import HarnessError

# (what is being done, how much of it is done, of how much)
Progress = Callable[[str, int, int], None]
# (what the items share, the items, progress) -> one answer per item, in order
Function = Callable[[Any, Sequence[Any], Progress], Iterable[Any]]


@dataclass(frozen=True)
class Piece:
    """`cost` is in any unit that is the same for all pieces; pieces of one `group` load the same things. A piece with
    `after` waits until the piece of that `name` has given its first answer, and fails with it."""

    items: tuple[Any, ...]
    shared: Any = None
    cost: float = 1.0
    group: str = ""
    name: str = ""
    after: str = ""


def answers(function: Function, shared: Any, items: Sequence[Any], progress: Progress) -> Iterator[Any]:
    """The answers; where the function gives up with a HarnessError, that stands for all that is left."""
    done = 0
    try:
        for answer in function(shared, items, progress):
            yield answer
            done += 1
    except HarnessError as error:
        yield from [error] * (len(items) - done)
        return
    assert done == len(items), f"{len(items)} items, {done} answers"

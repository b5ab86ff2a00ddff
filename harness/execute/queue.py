"""Which piece of work is next, and what becomes of one whose worker died: the rules that all executors share."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import HarnessError
from harness.execute.piece import Piece

AGAIN = "Run the same command again: what failed is tried again."
# A piece of the group that a worker has loaded goes first if it is at least this much of the longest.
NEARLY = 0.5


@dataclass(eq=False)
class Ticket:
    """A piece on its way: `done` answers are there; `deaths` in a row without an answer between them."""

    piece: Piece
    done: int = 0
    deaths: int = 0

    @property
    def items(self) -> tuple[Any, ...]:
        """What is still to be answered."""
        return self.piece.items[self.done :]


class Queue:
    """Pieces that wait, the longest first, those that others wait for counted with them."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._waiting = [Ticket(piece) for piece in pieces if piece.items]
        self._running: list[Ticket] = []
        # Names of pieces whose first answer is there; a piece that is not in the list was done by an earlier run.
        self._open = {piece.after for piece in pieces} - {piece.name for piece in pieces if piece.items}
        self._weight = {id(one): self._with_followers(one) for one in self._waiting}

    def __bool__(self) -> bool:
        """Whether anything is waiting or running."""
        return bool(self._waiting or self._running)

    def take(self, group: str) -> Ticket | None:
        """The piece for a worker that has `group` loaded; None while nothing is ready."""
        ready = [one for one in self._waiting if one.piece.after in self._open or not one.piece.after]
        if not ready:
            assert self._running or not self._waiting, "pieces wait for one another"
            return None
        longest = max(self._weight[id(one)] for one in ready)
        near = [one for one in ready if self._weight[id(one)] >= NEARLY * longest]
        own = [one for one in near if one.piece.group == group]
        chosen = max(own or ready, key=lambda one: self._weight[id(one)])
        self._waiting.remove(chosen)
        self._running.append(chosen)
        return chosen

    def answered(self, ticket: Ticket, answer: Any) -> Iterator[tuple[Any, Any]]:
        """Notes an answer: (item, answer), and those of the pieces that fail with it."""
        yield ticket.items[0], answer
        first = ticket.done == 0
        ticket.done, ticket.deaths = ticket.done + 1, 0
        if first and ticket.piece.name:
            if isinstance(answer, HarnessError):
                yield from self._fail_followers(ticket, answer)
            self._open.add(ticket.piece.name)

    def finished(self, ticket: Ticket) -> None:
        """The worker is through with it."""
        assert not ticket.items, "a worker stopped before the last answer"
        self._running.remove(ticket)

    def lost(self, ticket: Ticket, reason: str) -> Iterator[tuple[Any, Any]]:
        """The worker died. What it had not answered is tried again; the item at which two died in a row is given up,
        and after a third death all that is left: (item, HarnessError) of what is given up."""
        self._running.remove(ticket)
        ticket.deaths += 1
        deaths = ticket.deaths
        given_up = 0 if deaths == 1 else 1 if deaths == 2 else len(ticket.items)
        error = HarnessError(reason, AGAIN)
        for _ in range(given_up):
            yield from self.answered(ticket, error)
        ticket.deaths = deaths
        if ticket.items:
            self._waiting.append(ticket)

    def _fail_followers(self, ticket: Ticket, error: HarnessError) -> Iterator[tuple[Any, Any]]:
        followers = [one for one in self._waiting if one.piece.after == ticket.piece.name]
        for one in followers:
            self._waiting.remove(one)
            yield from ((item, error) for item in one.items)

    def _with_followers(self, ticket: Ticket) -> float:
        name = ticket.piece.name
        after = sum(one.piece.cost for one in self._waiting if name and one.piece.after == name)
        return ticket.piece.cost + after

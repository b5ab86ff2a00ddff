"""Order, retries and what waits for what, without any process."""

import pytest

from harness.errors import HarnessError
from harness.execute import Piece
from harness.execute.queue import Queue


def test_the_longest_first_and_of_nearly_equal_ones_that_of_the_same_group() -> None:
    pieces = [Piece((1,), cost=10, group="a"), Piece((2,), cost=6, group="b"), Piece((3,), cost=4, group="b")]
    queue = Queue(pieces)
    assert [_take(queue, "b"), _take(queue, "b"), _take(queue, "b")] == [2, 1, 3]
    queue = Queue(pieces)
    assert [_take(queue, "a"), _take(queue, "b"), _take(queue, "b")] == [1, 2, 3]


def _take(queue: Queue, group: str) -> int:
    ticket = queue.take(group)
    assert ticket is not None
    return int(ticket.items[0])


def test_a_training_counts_with_what_waits_for_it() -> None:
    pieces = [Piece((1,), cost=5), Piece(("train",), cost=2, name="m"), Piece((3,), cost=4, after="m")]
    queue = Queue(pieces)
    training = queue.take("")
    assert training is not None
    assert training.items == ("train",)
    other = queue.take("")
    assert other is not None
    assert queue.take("") is None
    assert list(queue.answered(training, "done")) == [("train", "done")]
    assert queue.take("") is not None


def test_a_training_that_an_earlier_run_did_is_not_waited_for() -> None:
    queue = Queue([Piece((1,), after="earlier")])
    assert queue.take("") is not None


@pytest.mark.parametrize("deaths", [1, 2, 3])
def test_deaths_in_a_row(deaths: int) -> None:
    queue = Queue([Piece((1, 2, 3, 4))])
    given_up: list[object] = []
    for _ in range(deaths):
        ticket = queue.take("")
        assert ticket is not None
        given_up += [item for item, answer in queue.lost(ticket, "killed") if isinstance(answer, HarnessError)]
    assert given_up == [[], [1], [1, 2, 3, 4]][deaths - 1]
    assert bool(queue) == (deaths < 3)


def test_an_answer_between_two_deaths_starts_the_count_again() -> None:
    queue = Queue([Piece((1, 2, 3))])
    for item in (1, 2):
        ticket = queue.take("")
        assert ticket is not None
        assert list(queue.answered(ticket, "yes")) == [(item, "yes")]
        assert list(queue.lost(ticket, "killed")) == []
    ticket = queue.take("")
    assert ticket is not None
    assert ticket.items == (3,)


def test_what_waits_for_a_training_that_cannot_be_done_fails_with_it() -> None:
    queue = Queue([Piece(("train", 1), name="m"), Piece((2, 3), after="m")])
    failed: list[object] = []
    for _ in range(2):
        ticket = queue.take("")
        assert ticket is not None
        failed += [item for item, _ in queue.lost(ticket, "killed")]
    assert failed == ["train", 2, 3]
    ticket = queue.take("")
    assert ticket is not None
    assert ticket.items == (1,)

"""The process of a worker: `python -m harness.execute.worker CONNECTION LIFELINE`, two inherited file descriptors.

It is a fresh interpreter, so that no state of the driver (threads, CUDA, an unguarded __main__) comes with it. It ends
when the driver's end of the lifeline closes, however the driver went."""

import os
import signal
import sys
import threading
import time
from multiprocessing.connection import Connection

from harness.execute.piece import answers

# Seconds between two reports of progress.
REPORT = 0.2


def main(connection: int, lifeline: int) -> None:
    """Does piece after piece until the driver closes the connection."""
    # ctrl-C goes to all processes of a terminal; the driver alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()
    driver = Connection(connection)
    said = 0.0

    def report(label: str, done: int, total: int) -> None:
        nonlocal said
        if done == total or time.monotonic() - said > REPORT:
            said = time.monotonic()
            driver.send(("progress", (label, done, total)))

    while True:
        try:
            function, shared, items = driver.recv()
        except EOFError:
            return
        for answer in answers(function, shared, items, report):
            driver.send(("answer", answer))
        driver.send(("finished", None))


def _end_with(lifeline: int) -> None:
    """Blocks until nobody holds the other end."""
    os.read(lifeline, 1)
    os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))

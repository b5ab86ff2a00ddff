"""The driver's side of a worker process: started as a fresh interpreter, spoken to through a socket."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from harness.execute.piece import Function
from harness.execute.queue import Ticket

LAST_WORDS = 2000


class Worker:
    """One process; `ticket` is what it is at, `group` what it has loaded."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        ours, theirs = socket.socketpair()
        reading, self._lifeline = os.pipe()
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  closed with the process
        # What is importable here is importable there, wherever it was started from.
        known = {**os.environ, "PYTHONPATH": os.pathsep.join(one or str(Path.cwd()) for one in sys.path), **environment}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "harness.execute.worker", str(theirs.fileno()), str(reading)],
            env=known,
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._output,
            pass_fds=(theirs.fileno(), reading),
        )
        theirs.close()
        os.close(reading)
        self.connection: Connection[Any, Any] = Connection(ours.detach())
        self.ticket: Ticket | None = None
        self.group = ""

    def give(self, function: Function, ticket: Ticket) -> None:
        """Sends a piece; BrokenPipeError or ConnectionResetError where the process has died."""
        self.ticket, self.group = ticket, ticket.piece.group
        self.connection.send((function, ticket.piece.shared, ticket.items))

    def end(self) -> str:
        """Kills the process; how it had ended before that, with its last output."""
        try:
            code: int | None = self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            code = None
        self.kill()
        self._output.seek(max(0, self._output.seek(0, os.SEEK_END) - LAST_WORDS))
        said = self._output.read().decode("utf-8", "replace").strip()
        self._output.close()
        how = "does not answer" if code is None else _how(code)
        return f"A worker died ({how}). Its last output: {said or 'none'}"

    def kill(self) -> None:
        """Ends the process at once; what it writes, it writes by renames."""
        self._process.kill()
        self._process.wait()
        self.connection.close()
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1


def _how(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    name = signal.Signals(-code).name
    return f"{name}, as the system does where memory runs out" if -code == signal.SIGKILL else name

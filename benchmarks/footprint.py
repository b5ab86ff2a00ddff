"""What another process holds, by the operating system's count: memory of its own (anonymous), mapped files apart.

`ru_maxrss` cannot tell them apart; /proc/PID/status can, so it is read every few milliseconds (Linux)."""

import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_PAUSE = 0.02


@dataclass(frozen=True)
class Footprint:
    """A finished command: seconds, greatest anonymous and file-mapped memory in bytes, and what it printed."""

    seconds: float
    anonymous: int
    mapped: int
    output: str


def watched(command: Sequence[str]) -> Footprint:
    """Runs a command to its end; a failure is raised with what it said."""
    start = time.perf_counter()
    anonymous = mapped = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        status = Path(f"/proc/{process.pid}/status")
        while process.poll() is None:
            now = _read(status)
            anonymous, mapped = max(anonymous, now.get("RssAnon", 0)), max(mapped, now.get("RssFile", 0))
            time.sleep(_PAUSE)
        output, error = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{error}")
    return Footprint(time.perf_counter() - start, anonymous, mapped, output)


def _read(status: Path) -> dict[str, int]:
    try:
        lines = status.read_text("ascii", "replace").splitlines()
    except OSError:
        return {}
    pairs = (line.split(":", 1) for line in lines if line.startswith("Rss"))
    return {name: int(value.split()[0]) * 1024 for name, value in pairs}

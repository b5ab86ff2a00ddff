"""How much memory a mining run may take, what each of its steps needs, and what it took.

Counted is anonymous memory, which only this process can give back; pages of memory-mapped files are the system's to
drop and are named apart."""

import threading
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError
from harness.retrieval.ivf import PROBED

MIB, GIB = 2**20, 2**30
_UNITS = {"": 1, "K": 2**10, "M": MIB, "G": GIB, "T": 2**40}
_STATUS = Path("/proc/self/status")
_PAUSE = 0.05
# Tiles, the products' own buffers, and what the allocator keeps for itself.
_WORKING = 160 * MIB
_TILE = 2048
_LEAST_SHARD = 2 * _TILE


def parse_size(text: str) -> int:
    """`8G`, `600M`, `4GiB` -> bytes."""
    plain = text.strip().upper().removesuffix("B").removesuffix("I")
    number, unit = (plain[:-1], plain[-1:]) if plain[-1:].isalpha() else (plain, "")
    try:
        size = float(number) * _UNITS[unit]
    except (ValueError, KeyError):
        size = 0
    if not 0 < size < 2**60:
        raise HarnessError(f"'{text}' is no amount of memory.", "Write 600M, 8G or 1.5T.")
    return int(size)


def show(size: float) -> str:
    """Bytes for people."""
    return f"{size / GIB:.2f} GiB" if size >= GIB else f"{size / MIB:.0f} MiB"


def held() -> dict[str, int]:
    """Bytes of anonymous memory (`RssAnon`) and mapped files (`RssFile`) of this process; empty where not Linux."""
    try:
        lines = _STATUS.read_text("ascii", "replace").splitlines()
    except OSError:
        return {}
    pairs = (line.split(":", 1) for line in lines if line.startswith("Rss"))
    return {name: int(value.split()[0]) * 1024 for name, value in pairs}


class Peak:
    """The most this process has held since it was started, looked at twenty times a second."""

    def __init__(self) -> None:
        self.anonymous = 0
        self.mapped = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "Peak":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            now = held()
            self.anonymous = max(self.anonymous, now.get("RssAnon", 0))
            self.mapped = max(self.mapped, now.get("RssFile", 0))
            if self._stop.wait(_PAUSE):
                return


@dataclass(frozen=True)
class Size:
    """What is searched: source and target rows, dimensions, neighbours."""

    n: int
    m: int
    width: int
    k: int

    @property
    def coded(self) -> int:
        """Bytes of one vector's code: its dimensions up to a multiple of 64, its offset and two lengths."""
        return -(-self.width // 64) * 64 + 12

    @property
    def lists(self) -> int:
        """Bytes of both sides' neighbours, margins and the pairs made of them."""
        return (self.n + self.m) * (8 * (self.k + 4) + 52 * self.k + 96)


def ivf_needs(size: Size) -> int:
    """Anonymous bytes of a search by cells: codes of both sides, lists, probes, and the training sample."""
    cells = 2 * ((size.n + size.m) / 2) ** 0.5
    probes = min(PROBED, int(size.n * cells))
    sample = int(cells * (48 * size.coded + 12 * size.width))
    return _WORKING + (size.n + size.m) * size.coded + size.lists + 4 * probes + sample


def exact_shard(size: Size, free: int) -> int:
    """How many target rows the exact search may hold as codes within so many free bytes. HarnessError where even few
    are too many."""
    rows = (free - exact_needs(size, 0)) // size.coded
    if rows >= size.m:
        return size.m
    if rows < _LEAST_SHARD:
        raise TooSmallError(exact_needs(size, min(size.m, _LEAST_SHARD)))
    # Whole tiles, and shards of even size.
    shards = -(-size.m // (rows // _TILE * _TILE))
    return -(-size.m // shards // _TILE) * _TILE


def exact_needs(size: Size, shard: int) -> int:
    """Anonymous bytes of an exact search with so many target rows as codes at a time."""
    return _WORKING + size.lists + shard * size.coded


class TooSmallError(Exception):
    """A step needs at least so many bytes beside what the process holds already."""

    def __init__(self, least: int) -> None:
        self.least = least
        super().__init__(f"needs {show(least)}")

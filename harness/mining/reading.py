"""Lines of a text file, plain, .gz or .zst, as they stream by."""

import contextlib
import gzip
import io
import time
import zlib
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from harness.errors import HarnessError, missing_package

PACKED = (".gz", ".zst")
_PIECE = 2**17
_LOOK = 2**16  # lines between two looks at the clock: fewer tell too little of a packed file


@dataclass(frozen=True)
class Counted:
    """How many lines a file has (`exact`, or guessed from its beginning), the bytes of their text, some of them, and
    how many were read in a second."""

    lines: int
    text: int
    exact: bool
    sample: list[str]
    rate: float


def no_sentence(path: Path) -> HarnessError:
    """Of a file whose lines are all blank, or that has none."""
    return HarnessError(f"{path} holds no sentence.", "Give a text file, a sentence a line.")


def count(path: Path, seconds: float = 2.0, sample: int = 2000) -> Counted:
    """Counts lines for so many seconds; where the file goes on, guesses from the part of it that was read."""
    first: list[str] = []
    read, size, start = 0, 0, time.perf_counter()
    with contextlib.closing(lines(path)) as stream:
        for line in stream:
            read += 1
            size += len(line.encode("utf-8"))
            if len(first) < sample and line.strip():
                first.append(line.strip())
            if read % _LOOK == 0 and time.perf_counter() - start > seconds:
                break
        else:
            return Counted(read, size, True, first, read / (time.perf_counter() - start))
    rate = read / (time.perf_counter() - start)
    packed = size + read if path.suffix not in PACKED else _packed(path, read)
    scale = path.stat().st_size / packed
    return Counted(int(read * scale), int(size * scale), False, first, rate)


def _packed(path: Path, read: int) -> int:
    """The bytes of the packed file that hold its first lines."""
    file, raw = _opened(path)
    with raw, file:
        for _ in range(read):
            file.readline()
        return raw.tell()


def lines(path: Path) -> Generator[str]:
    """The lines of a UTF-8 file without their ends. HarnessError with the line's number where one is not UTF-8, and
    where the file is missing, no file, or not what its ending says."""
    number = 0
    try:
        file, raw = _opened(path)
        with raw, file:
            for number, line in enumerate(file, 1):
                text = line.decode("utf-8-sig" if number == 1 else "utf-8")
                yield text.rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise HarnessError(
            f"{path}, line {number}: not UTF-8 ({error.reason}).", "Convert the file: iconv -f ENCODING -t utf-8."
        ) from error
    except (EOFError, OSError, zlib.error) as error:
        raise HarnessError(f"{path}, after line {number}: {error}.", "The file is damaged: fetch it again.") from error


def _opened(path: Path) -> tuple[IO[bytes], IO[bytes]]:
    """The file's lines and the bytes that they are unpacked from."""
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "is not there"
        raise HarnessError(f"{path} {what}.", "Give a text file, a sentence a line, plain, .gz or .zst.")
    raw = path.open("rb")
    if path.suffix == ".gz":
        return io.BufferedReader(gzip.GzipFile(fileobj=raw, mode="rb")), raw
    return (_zstandard(raw) if path.suffix == ".zst" else raw), raw


def _zstandard(raw: IO[bytes]) -> IO[bytes]:
    """By the standard library from Python 3.14 on, else by the package `zstandard`."""
    try:
        from compression.zstd import ZstdDecompressor, ZstdError  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        try:
            from zstandard import ZstdDecompressor, ZstdError
        except ImportError as error:
            raise missing_package("zstandard", "'zeroshot-harness[zst]' (or unpack the file: zstd -d)") from error
        return io.BufferedReader(_Frames(raw, lambda: ZstdDecompressor().decompressobj(), ZstdError), _PIECE)
    return io.BufferedReader(_Frames(raw, ZstdDecompressor, ZstdError), _PIECE)


class _Frames(io.RawIOBase):
    """The frames of a .zst file one after the other; a frame that is cut off or damaged is an EOFError. (The package's
    own stream reader ends a cut frame without a word.)"""

    def __init__(self, raw: IO[bytes], start: Callable[[], Any], error: type[Exception]) -> None:
        self._raw, self._start, self._error = raw, start, error
        self._frame: Any = None
        self._packed = self._ready = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            self._packed = self._packed or self._raw.read(_PIECE)
            if not self._packed:
                if self._frame is not None:
                    raise EOFError("the file ends before its end marker")
                return 0
            self._frame = self._frame or self._start()
            try:
                self._ready = self._frame.decompress(self._packed)
            except self._error as error:
                raise EOFError(str(error)) from error
            self._packed = self._frame.unused_data if self._frame.eof else b""
            self._frame = None if self._frame.eof else self._frame
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size

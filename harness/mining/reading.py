"""Lines of a text file, plain, .gz or .zst, as they stream by."""

import contextlib
import gzip
import io
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from harness.errors import HarnessError, missing_package

PACKED = (".gz", ".zst")


@dataclass(frozen=True)
class Counted:
    """How many lines a file has (`exact`, or guessed from its beginning), the bytes of their text, some of them, and
    how many were read in a second."""

    lines: int
    text: int
    exact: bool
    sample: list[str]
    rate: float


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
            if read % 4096 == 0 and time.perf_counter() - start > seconds:
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


def lines(path: Path) -> Iterator[str]:
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
    except (EOFError, OSError, zlib.error, *_damage(path)) as error:
        raise HarnessError(f"{path}, after line {number}: {error}.", "The file is damaged: fetch it again.") from error


def _damage(path: Path) -> tuple[type[Exception], ...]:
    """What a damaged .zst file raises."""
    if path.suffix != ".zst":
        return ()
    try:
        from compression import zstd  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        import zstandard

        return (zstandard.ZstdError,)
    return (zstd.ZstdError,)


def _opened(path: Path) -> tuple[IO[bytes], IO[bytes]]:
    """The file's lines and the bytes that they are unpacked from."""
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "is not there"
        raise HarnessError(f"{path} {what}.", "Give a text file, a sentence a line, plain, .gz or .zst.")
    raw = path.open("rb")
    if path.suffix == ".gz":
        return gzip.open(raw, "rb"), raw
    return (_zstandard(raw) if path.suffix == ".zst" else raw), raw


def _zstandard(raw: IO[bytes]) -> IO[bytes]:
    """By the standard library from Python 3.14 on, else by the package `zstandard`."""
    try:
        from compression import zstd  # type: ignore[import-not-found, unused-ignore]

        opened: IO[bytes] = zstd.open(raw, "rb")
        return opened
    except ImportError:
        pass
    try:
        import zstandard
    except ImportError as error:
        raise missing_package("zstandard", "'zeroshot-harness[zst]' (or unpack the file: zstd -d)") from error
    return io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True))

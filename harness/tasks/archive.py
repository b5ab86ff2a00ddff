"""A tar archive at a data set's original address: downloaded once, kept, and only the wanted members unpacked."""

import tarfile
import time
import zlib
from collections.abc import Callable, Collection
from contextlib import suppress
from fnmatch import fnmatch
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from harness.errors import HarnessError
from harness.tasks.data_set import Archive, UnreachableError

WAITS = (1.0, 3.0)
TIMEOUT = 30.0
CHUNK = 1 << 20
LATER = "Try again later, or download it by hand and give the files with --data."
Report = Callable[[int, int], None]


def download(archive: Archive, folder: Path, report: Report = lambda done, total: None) -> Path:
    """The archive in `folder`, fetched unless it is there already; `report` is given bytes done and in all.

    UnreachableError where its host does not answer, HarnessError where it has no such file."""
    path = folder / Path(urlsplit(archive.url).path).name
    if path.is_file():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    for wait in (*WAITS, None):
        try:
            return _stream(archive.url, path, report)
        except (URLError, HTTPException, OSError) as error:
            status = error.code if isinstance(error, HTTPError) else None
            if status is not None and status < 500:
                raise HarnessError(f"{archive} is not there (HTTP {status}).", LATER) from error
            if wait is None:
                reason = f"HTTP {status}" if status else error
                raise UnreachableError(f"{archive} cannot be fetched ({reason}).", LATER) from error
            time.sleep(wait)
    raise AssertionError


def _stream(url: str, path: Path, report: Report) -> Path:
    partial = path.with_name(f".{path.name}.part")
    try:
        with urlopen(Request(url, headers={"User-Agent": "zeroshot-harness"}), timeout=TIMEOUT) as answer:
            total = int(answer.headers.get("Content-Length") or 0)
            done = 0
            with partial.open("wb") as file:
                while chunk := answer.read(CHUNK):
                    file.write(chunk)
                    done += len(chunk)
                    report(done, total)
        if total and done != total:
            raise OSError(f"it ended after {done} of {total} bytes")
        partial.replace(path)
    finally:
        with suppress(FileNotFoundError):
            partial.unlink()
    return path


def unpack(path: Path, patterns: Collection[str], folder: Path) -> None:
    """Writes the plain files whose base name matches one of `patterns` into `folder`, under their base names alone.

    HarnessError for a broken archive; it is removed, so that the next run fetches it again."""
    try:
        with tarfile.open(path, "r|*") as archive:
            for member in archive:
                name = Path(member.name).name
                if member.isfile() and any(fnmatch(name, pattern) for pattern in patterns):
                    content = archive.extractfile(member)
                    (folder / name).write_bytes(content.read() if content else b"")
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        if getattr(error, "errno", None) is not None:
            raise HarnessError(f"{path} cannot be unpacked: {error}.", "Check the disk and its permissions.") from error
        path.unlink()
        raise HarnessError(f"{path} is a broken archive ({error}); it was removed.", "Fetch it again.") from error

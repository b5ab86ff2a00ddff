"""A file that appears under its name when it is whole: written beside it and renamed.

A process that is killed in between leaves its half behind; the next one that writes the same file takes it away."""

import glob
import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Where to write what `path` will hold at the end of the block; its folder must be there. After an error there is
    neither the file nor its half."""
    # Two machines may write the same file of a shared folder with equal process numbers.
    half = path.with_name(f".{path.name}.{platform.node()}-{os.getpid()}.tmp")
    try:
        yield half
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)
    for left in path.parent.glob(f".{glob.escape(path.name)}.{glob.escape(platform.node())}-*.tmp"):
        if not is_running(int(left.name.removesuffix(".tmp").rpartition("-")[2])):
            left.unlink(missing_ok=True)


def is_running(process: int) -> bool:
    """Whether this machine has a process of that number."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

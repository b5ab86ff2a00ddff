"""A folder on a disk or in a bucket, by one interface: `pathlib.Path`, or universal_pathlib's path of an fsspec URL."""

import hashlib
import os
from pathlib import Path
from typing import Any, cast

from harness.errors import HarnessError, missing_package

CACHE = "HARNESS_CACHE"
# Whose writes appear whole when they are finished; elsewhere a file is written aside and renamed.
WHOLE = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oci", "oss", "memory")


def open_folder(where: str | Path) -> Path:
    """`results` and `file:///results` are on a disk; `s3://bucket/results`, `memory://results`, ... are buckets.
    HarnessError for a scheme that fsspec does not know or whose package is not installed."""
    if not isinstance(where, str) or "://" not in where:
        return Path(where)
    scheme, _, rest = where.partition("://")
    if scheme in ("file", "local"):
        return Path(rest)
    from fsspec import get_filesystem_class
    from upath import UPath

    try:
        get_filesystem_class(scheme)
    except ValueError as error:
        raise HarnessError(
            f"{where} is no place that fsspec knows.", "Give a folder, or a URL such as s3://."
        ) from error
    except ImportError as error:
        raise missing_package(scheme, f"'fsspec[{scheme}]'") from error
    return cast(Path, UPath(where))


def is_remote(folder: Path) -> bool:
    """Whether it is on no disk of this machine."""
    return not isinstance(folder, Path)


def cache_of(folder: Path) -> Path:
    """Where vectors and fine-tuned models of a results folder are kept: inside it. For one in a bucket it is a folder
    of its own under $HARNESS_CACHE or ~/.cache/harness/results, since they are read by memory mapping."""
    if not is_remote(folder):
        return folder / ".cache"
    root = Path(os.environ.get(CACHE) or Path.home() / ".cache" / "harness" / "results")
    return root / hashlib.sha256(str(folder).encode()).hexdigest()[:16]


def put(path: Path, content: bytes) -> None:
    """Writes a file of a bucket, so that it is there whole or not at all."""
    place = cast(Any, path)
    system = place.fs
    if place.protocol in WHOLE:
        system.pipe_file(place.path, content)
        return
    system.makedirs(place.parent.path, exist_ok=True)
    aside = place.with_name(f".{place.name}.{os.getpid()}.tmp")
    system.pipe_file(aside.path, content)
    system.mv(aside.path, place.path)

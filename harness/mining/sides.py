"""One side's unit vectors as a memory-mapped file: embedded in resumable chunks, or taken from a .npy file.

A file gets its name when it is whole; a half-built one is continued where its last chunk ended, never searched."""

import functools
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from harness.errors import HarnessError
from harness.mining.corpus import Corpus, distinct
from harness.whole_file import whole_file

Vectors = NDArray[np.float32]
Rows = NDArray[np.int64]
Embed = Callable[[list[str]], Vectors]
_CHUNK = 8192
_UNIT = 1e-5


def embedded(corpus: Corpus, embed: Embed, file: Path, rows: int, told: Callable[[int], None]) -> Vectors:
    """Unit vectors (distinct sentences, width) of a side; `embed` is given `rows` sentences at a time. What an earlier
    call has embedded is kept, and the same bytes come out."""
    if file.is_file():
        return opened(file)
    part, state = file.with_suffix(".part"), file.with_suffix(".rows")
    done = json.loads(state.read_text("utf-8")) if state.is_file() and part.is_file() else 0
    out = open_memmap(part, "r+") if done else None
    while done < len(corpus):
        vectors = embed(corpus.texts(done, min(done + rows, len(corpus))))
        unit = _unit(vectors, functools.partial(_sentence, corpus, done))
        if out is None:
            out = open_memmap(part, "w+", np.float32, (len(corpus), vectors.shape[1]))
        out[done : done + len(unit)] = unit
        done += len(unit)
        out.flush()
        with whole_file(state) as half:
            half.write_text(json.dumps(done), encoding="utf-8")
        told(done)
    part.replace(file)
    state.unlink(missing_ok=True)
    return opened(file)


def given(path: Path, corpus: Corpus | None, file: Path, told: Callable[[int], None]) -> tuple[Vectors, Rows]:
    """Unit vectors of a .npy file, and which of its rows they are: those of the distinct sentences, or the distinct
    vectors where there is no text. Used as they lie where nothing must change, else copied into `file`."""
    vectors = opened(path)
    if corpus is not None and len(vectors) != corpus.read:
        raise HarnessError(
            f"{path} has {len(vectors):,} rows, its text {corpus.read:,} lines.", "Row i must be the vector of line i."
        )
    rows, plain = _surveyed(path, vectors)
    rows = rows if corpus is None else corpus.rows
    if plain and len(rows) == len(vectors):
        return vectors, rows
    if not file.is_file():
        part = file.with_suffix(".part")
        out = open_memmap(part, "w+", np.float32, (len(rows), vectors.shape[1]))
        for start in range(0, len(rows), _CHUNK):
            which = rows[start : start + _CHUNK]
            out[start : start + _CHUNK] = _unit(vectors[which], functools.partial(_row, path, which))
            told(min(start + _CHUNK, len(rows)))
        out.flush()
        part.replace(file)
    return opened(file), rows


def of_one_width(source: Vectors, target: Vectors) -> tuple[Vectors, Vectors]:
    """Both sides; HarnessError where they cannot be compared."""
    if source.shape[1] != target.shape[1]:
        raise HarnessError(
            f"The source vectors have {source.shape[1]} dimensions, the target's {target.shape[1]}.",
            "Embed both sides with one model.",
        )
    return source, target


def opened(path: Path) -> Vectors:
    """A .npy file of vectors (n, width), memory-mapped. HarnessError for anything else."""
    try:
        vectors: Vectors = np.load(path, mmap_mode="r")
    except FileNotFoundError as error:
        raise HarnessError(f"{path} is not there.", "Give a .npy file as numpy.save writes it.") from error
    except (OSError, ValueError, EOFError) as error:
        raise HarnessError(f"{path} cannot be read as .npy: {error}.", "Write it with numpy.save.") from error
    if not isinstance(vectors, np.ndarray):
        raise HarnessError(f"{path} is an archive of arrays.", "Write the one array with numpy.save.")
    if vectors.ndim != 2 or 0 in vectors.shape or vectors.dtype not in (np.float16, np.float32, np.float64):
        raise HarnessError(
            f"{path} holds {vectors.dtype} of shape {vectors.shape}.", "Give (sentences, dimensions) of float32 or 16."
        )
    return vectors


def _surveyed(path: Path, vectors: NDArray[np.floating]) -> tuple[Rows, bool]:
    """The first row of each distinct vector, and whether all are float32 of length one already."""
    keys = bytearray()
    plain = vectors.dtype == np.float32 and bool(vectors.flags.c_contiguous)
    for start in range(0, len(vectors), _CHUNK):
        part = np.ascontiguousarray(vectors[start : start + _CHUNK])
        lengths = np.linalg.norm(part.astype(np.float32, copy=False), axis=1)
        bad = np.flatnonzero(~np.isfinite(lengths) | (lengths == 0))
        if len(bad):
            raise HarnessError(
                f"{path}: row {start + bad[0]} is zero or not finite.", "Embed in float32, and drop empty sentences."
            )
        plain = plain and bool((abs(lengths - 1) < _UNIT).all())
        for row in part:
            # No key is 0, which stands for an empty line.
            keys += hashlib.blake2b(row.data, digest_size=15).digest() + b"\1"
    return distinct(np.frombuffer(keys, np.uint64).reshape(-1, 2)), plain


def _unit(vectors: NDArray[np.floating], named: Callable[[int], str]) -> Vectors:
    values = np.asarray(vectors, np.float32)
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    bad = np.flatnonzero(~np.isfinite(lengths[:, 0]) | (lengths[:, 0] == 0))
    if len(bad):
        raise HarnessError(
            f"The vector of {named(int(bad[0]))} is zero or not finite.",
            "Try --dtype float32, another --layer or --pooling.",
        )
    return np.asarray(values / lengths, np.float32)


def _sentence(corpus: Corpus, first: int, row: int) -> str:
    return f"sentence '{_short(corpus.texts(first + row, first + row + 1)[0])}'"


def _row(path: Path, rows: Rows, row: int) -> str:
    return f"row {rows[row]} of {path}"


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "..."

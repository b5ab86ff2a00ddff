"""`harness mine`: read, deduplicate, embed, search in both directions, score by margin, write pairs best first.

After Artetxe & Schwenk (2019, arXiv 1811.01136) and LASER's mine_bitexts, whose columns the output has. Every step
leaves what it has done in a folder beside the output; a killed run goes on from there, and ends with the same bytes."""

import contextlib
import functools
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.errors import HarnessError
from harness.lock import alone
from harness.mining.budget import Peak, Size, held, show
from harness.mining.corpus import Corpus, gather
from harness.mining.encode import Reading, reading
from harness.mining.pairs import Named, write_pairs
from harness.mining.request import Request
from harness.mining.search import Arranged, arrange_again, search
from harness.mining.sides import Rows, Vectors, embedded, given, of_one_width
from harness.plan import Progress
from harness.retrieval.mine import Candidates, mine
from harness.retrieval.recall import Recall
from harness.whole_file import whole_file

NAMES = ("source", "target")
Told = Callable[[str], None]
# Sentences that are embedded between two notes of how far it has come.
CHUNK_ROWS = 8192
_STAMP = "run.json"
_LEVELS = (1.0, 1.05, 1.1, 1.2, 1.3)


@dataclass(frozen=True)
class Mined:
    """What a run came to: pairs written, how many have at least each of some margins, by what the neighbours were found
    and with which recall (None: exact), seconds per step, and the peak of anonymous memory and of mapped files (bytes;
    0 where the system does not tell)."""

    pairs: int
    levels: dict[float, int]
    how: str
    recall: Recall | None
    seconds: dict[str, float]
    anonymous: int
    mapped: int


def run(request: Request, progress: Progress, told: Told) -> Mined:
    """Mines; the pairs are in `request.output` when it returns. HarnessError for wrong input, too little memory, or
    another process that mines into the same output."""

    def refuse() -> None:
        raise HarnessError(
            f"Another process is mining into {request.output}.", "Wait for its end, or name another --output."
        )

    with alone(request.lock, "mine", refuse):
        return _run(request, progress, told)


def _run(request: Request, progress: Progress, told: Told) -> Mined:
    progress = kept_within(request.memory, progress)
    with Peak() as peak:
        clock, started = {}, time.perf_counter()

        def lap(step: str) -> None:
            nonlocal started
            now = time.perf_counter()
            clock[step], started = now - started, now

        encoder = reading(request) if request.model is not None else None
        work = _work(request, encoder)
        corpora = _read(request, work, progress, told)
        lap("reading")
        vectors, rows = _vectors(request, corpora, encoder, work, progress)
        encoder = None
        lap("vectors")
        size = Size(len(vectors[0]), len(vectors[1]), vectors[0].shape[1], request.k)
        arranged = arrange_again(request, size, work / "plan.json")
        told(_plan(request, size, arranged))
        both = search(request, vectors, arranged, work / "search", progress)
        # NFS deletes no file that is still mapped.
        del vectors
        lap("search")
        found = mine(both, request.k, request.margin)
        named = Named(corpora[0], rows[0]), Named(corpora[1], rows[1])
        count = write_pairs(request.output, found, named, request.threshold)
        lap("writing")
    _forget(work)
    levels = _levels(found) if request.margin == "ratio" else {}
    return Mined(count, levels, both.how, both.recall, clock, peak.anonymous, peak.mapped)


def kept_within(memory: int | None, progress: Progress) -> Progress:
    """Progress that ends the run where it holds more than it may: what is done stays on disk."""

    def report(label: str, done: int, total: int) -> None:
        now = 0 if memory is None else held().get("RssAnon", 0)
        if memory is not None and now > memory:
            raise HarnessError(
                f"{label}: the run holds {show(now)} of its own, --memory is {show(memory)}.",
                "Give more and run the same command again: it goes on from here.",
            )
        progress(label, done, total)

    return report


def _work(request: Request, encoder: Reading | None) -> Path:
    """The folder of this run; one of a run with other inputs or settings is refused."""
    stamp = {"files": _files(request), "model": encoder.stamp if encoder else None}
    stamp = json.loads(json.dumps(stamp))
    file = request.work / _STAMP
    if file.is_file():
        before = json.loads(file.read_text("utf-8"))
        other = [name for name in stamp if before.get(name) != stamp[name]]
        if other:
            raise HarnessError(
                f"{request.work} is of an unfinished run with other {' and '.join(other)}.",
                "Delete the folder to start over, or name another --output.",
            )
        return request.work
    request.work.mkdir(exist_ok=True)
    foreign = [place.name for place in request.work.iterdir() if not place.name.startswith(f".{file.name}.")]
    if foreign:
        raise HarnessError(
            f"{request.work} is not of a mining run: it holds {foreign[0]} and no {file.name}.",
            "Move it away, or name another --output: the folder would be deleted at the end.",
        )
    with whole_file(file) as half:
        half.write_text(json.dumps(stamp, indent=1), encoding="utf-8")
    return request.work


def _forget(work: Path) -> None:
    """Deletes the folder, what tells that it is ours at last: whoever is killed meanwhile can be run again."""
    for place in work.iterdir():
        if place.is_dir():
            shutil.rmtree(place, ignore_errors=True)
        elif place.name != _STAMP:
            with contextlib.suppress(OSError):
                place.unlink()
    if [place.name for place in work.iterdir()] == [_STAMP]:
        shutil.rmtree(work, ignore_errors=True)


def _files(request: Request) -> list[tuple[str, str, int, int]]:
    """Role, place, size and time of change of every input."""
    vectors = request.vectors or (None, None)
    roles = {"source": request.source, "target": request.target, "source vectors": vectors[0]}
    found = []
    for role, place in {**roles, "target vectors": vectors[1]}.items():
        if place is not None:
            about = place.stat()
            found.append((role, str(place.resolve()), about.st_size, about.st_mtime_ns))
    return found


def _read(request: Request, work: Path, progress: Progress, told: Told) -> tuple[Corpus | None, Corpus | None]:
    def read(name: str, path: Path | None) -> Corpus | None:
        if path is None:
            return None
        corpus = gather(path, work, name, lambda done: progress(f"reading {name}", done, 0))
        told(f"{path}: {corpus.read:,} lines, {len(corpus):,} distinct sentences")
        return corpus

    return read(NAMES[0], request.source), read(NAMES[1], request.target)


def _vectors(
    request: Request,
    corpora: tuple[Corpus | None, Corpus | None],
    encoder: Reading | None,
    work: Path,
    progress: Progress,
) -> tuple[tuple[Vectors, Vectors], tuple[Rows, Rows]]:
    """Both sides' unit vectors and the rows that they are."""

    def side(at: int) -> tuple[Vectors, Rows]:
        name, corpus = NAMES[at], corpora[at]
        file = work / f"{name}.npy"
        if request.vectors is not None:
            return given(request.vectors[at], corpus, file, lambda done: progress(f"copying {name}", done, 0))
        assert corpus is not None, "without vectors there are texts"
        assert encoder is not None, "and a model"
        total = len(corpus)
        report = functools.partial(_report, progress, f"embedding {name}", total)
        return embedded(corpus, encoder, file, CHUNK_ROWS, report), corpus.rows

    (source, rows), (target, others) = side(0), side(1)
    return of_one_width(source, target), (rows, others)


def _report(progress: Progress, label: str, total: int, done: int) -> None:
    progress(label, done, total)


def _plan(request: Request, size: Size, arranged: Arranged) -> str:
    bound = (
        f"; memory bound {show(request.memory)}, {show(held().get('RssAnon', 0))} held now" if request.memory else ""
    )
    shards = f", target in shards of {arranged.settings.shard:,}" if arranged.settings.shard else ""
    choice = arranged.choice
    return f"{size.n:,} x {size.m:,} x {size.width:,}: index {choice.engine}{shards} ({choice.why}){bound}"


def _levels(found: Candidates) -> dict[float, int]:
    return {level: int(np.count_nonzero(found.score >= level)) for level in _LEVELS}

"""The search of a mining run: which engine, in how much memory, in how large pieces."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from harness.errors import HarnessError
from harness.mining.budget import Size, TooSmallError, exact_needs, exact_shard, held, ivf_needs, show
from harness.mining.request import Request
from harness.mining.sides import Vectors
from harness.plan import Progress
from harness.retrieval.choice import Choice, choose_engine
from harness.retrieval.faiss_lists import code_bytes, list_count, training_size
from harness.retrieval.neighbours import Both, Search, search_both, search_for
from harness.whole_file import whole_file


@dataclass(frozen=True)
class Arranged:
    """An engine, why it was chosen, and its settings."""

    choice: Choice
    settings: Search


def arrange(request: Request, size: Size) -> Arranged:
    """How the vectors will be searched within the memory that is left. HarnessError where it is too little."""
    device = device_of(request)
    free = _free(request)
    codes_fit = free is None or ivf_needs(size) <= free
    choice = choose_engine(size.n, size.m, size.width, device, codes_fit)
    if request.index != "auto":
        choice = Choice(request.index, "asked for")
    settings = search_for(request.recall, device)
    if free is None:
        return Arranged(choice, settings)
    try:
        if choice.engine in ("exact", "ivfpq"):
            settings = replace(settings, shard=exact_shard(size, free))
        require(_needs(choice.engine, size, settings.shard), free)
    except TooSmallError as error:
        assert request.memory is not None, "memory is bounded here"
        raise HarnessError(
            f"The index '{choice.engine}' needs {show(error.least + request.memory - free)} here, --memory is "
            f"{show(request.memory)}.",
            "Give more, or another --index: exact needs least, then ivfpq, ivf, faiss.",
        ) from error
    return Arranged(choice, settings)


def arrange_again(request: Request, size: Size, file: Path) -> Arranged:
    """As the run before arranged it, which `file` tells, while that fits: what it has searched is of its engine and
    shards. Notes in `file` what is arranged."""
    before = json.loads(file.read_text("utf-8")) if file.is_file() else None
    again = _as_before(request, size, **before) if before else None
    arranged = again or arrange(request, size)
    now = {"engine": arranged.choice.engine, "shard": arranged.settings.shard}
    if before and before != now:
        why = f"{arranged.choice.why}; the run before had other settings or more memory, its search is not gone on with"
        arranged = replace(arranged, choice=replace(arranged.choice, why=why))
    with whole_file(file) as half:
        half.write_text(json.dumps(now), encoding="utf-8")
    return arranged


def _as_before(request: Request, size: Size, engine: str, shard: int | None) -> Arranged | None:
    """None where another index is asked for now, or memory is too little for it."""
    free = _free(request)
    if request.index not in ("auto", engine) or (free is not None and _needs(engine, size, shard) > free):
        return None
    return Arranged(Choice(engine, "as before"), replace(search_for(request.recall, device_of(request)), shard=shard))


def _free(request: Request) -> int | None:
    return None if request.memory is None else request.memory - held().get("RssAnon", 0)


def _needs(engine: str, size: Size, shard: int | None) -> int:
    exact = exact_needs(size, shard or size.m)
    if engine == "exact":
        return exact
    if engine == "ivfpq":
        return max(exact, pq_needs(size))
    return ivf_needs(size) if engine == "ivf" else flat_needs(size)


def flat_needs(size: Size) -> int:
    """Anonymous bytes of FAISS's flat index: a copy of both sides, and the lists."""
    return 4 * (size.n + size.m) * size.width + size.lists


def pq_needs(size: Size) -> int:
    """Anonymous bytes of FAISS's compressed lists, one side at a time: codes, ids, the training sample twice, lists."""
    rows = max(size.n, size.m)
    sample = training_size(rows, list_count(rows))
    return rows * (code_bytes(size.width) + 16) + 8 * sample * size.width + size.lists


def require(needed: int, free: int) -> None:
    """Raises TooSmallError where more is needed than is free."""
    if needed > free:
        raise TooSmallError(needed)


def device_of(request: Request) -> str:
    """The device to search on: the one asked for; of `auto` the GPU where there is one."""
    if request.device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return request.device


def search(
    request: Request, sides: tuple[Vectors, Vectors], arranged: Arranged, folder: Path, progress: Progress
) -> Both:
    """Both directions' neighbours, from where an earlier run was killed."""
    engine = arranged.choice.engine
    return search_both(
        *sides,
        request.k,
        engine,
        lambda done, total: progress(f"searching ({engine})", done, total),
        arranged.settings,
        None if engine.startswith("faiss") else folder,
    )

"""What `harness mine` is asked for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, unknown_names
from harness.mining.budget import parse_size

INDEXES = ("auto", "exact", "faiss", "faiss16", "ivf", "ivfpq")
MARGINS = ("ratio", "distance", "absolute")


@dataclass(frozen=True)
class Request:
    """Inputs, output and settings of a mining run; None means the default of the checkpoint or machine.

    `memory` bounds the anonymous memory of the process in bytes; `threshold` is the least margin of a pair that is
    written."""

    output: Path
    source: Path | None = None
    target: Path | None = None
    model: str | None = None
    vectors: tuple[Path, Path] | None = None
    index: str = "auto"
    recall: float = 0.99
    k: int = 4
    margin: str = "ratio"
    threshold: float = 0.0
    memory: int | None = None
    device: str = "auto"
    dtype: str = "float32"
    layer: int | None = None
    pooling: str | None = None
    max_length: int | None = None
    trust_remote_code: bool = False

    @property
    def work(self) -> Path:
        """Where the run keeps what it has done: beside the output."""
        return self.output.with_name(f"{self.output.name}.work")

    @property
    def lock(self) -> Path:
        """Locked for the time of a run. Not in the work folder, which a run deletes."""
        return self.output.with_name(f".{self.output.name}.lock")


def request_from(**given: Any) -> Request:
    """A request from flags; all that is wrong with them is named at once."""
    given = {name: value for name, value in given.items() if value is not None}
    for name in ("output", "source", "target"):
        if name in given:
            given[name] = Path(given[name])
    if "vectors" in given:
        given["vectors"] = tuple(Path(one) for one in given["vectors"])
    if isinstance(given.get("memory"), str):
        given["memory"] = parse_size(given["memory"])
    request = Request(**given)
    wrong = list(_mistakes(request))
    if wrong:
        raise HarnessError(f"Nothing can be mined: {'; '.join(wrong)}.", "See harness mine --help.")
    if request.index not in INDEXES:
        raise unknown_names("index", [request.index], INDEXES, f"Indexes are {', '.join(INDEXES)}.")
    if request.margin not in MARGINS:
        raise unknown_names("margin", [request.margin], MARGINS, f"Margins are {', '.join(MARGINS)}.")
    return request


def _mistakes(request: Request) -> "list[str]":
    texts = [side for side in (request.source, request.target) if side is not None]
    wrong = []
    if request.model is None and request.vectors is None:
        wrong.append("neither --model nor --vectors is given")
    if request.model is not None and request.vectors is not None:
        wrong.append("--model and --vectors are both given: vectors come from one of them")
    if len(texts) == 1 or (request.vectors is None and not texts):
        wrong.append("--source and --target go together")
    places = [*texts, *(request.vectors or ())]
    wrong += [f"{place} is not there" for place in places if not place.exists()]
    if not 0 < request.recall <= 1:
        wrong.append(f"a recall of {request.recall:g} is not above 0 and at most 1")
    if request.k < 1:
        wrong.append(f"k is {request.k}, it must be at least 1")
    if not request.output.parent.is_dir():
        wrong.append(f"the folder {request.output.parent} of the output is not there")
    elif request.output.is_dir():
        wrong.append(f"the output {request.output} is a folder")
    output, work = request.output.resolve(), request.work.resolve()
    for place in (one.resolve() for one in places):
        if place == output:
            wrong.append(f"the output {request.output} is an input and would be overwritten")
        elif place.is_relative_to(work):
            wrong.append(f"{place} lies in {request.work}, which is deleted at the end")
    return wrong

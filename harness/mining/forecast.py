"""What a mining run would take, from a calibration of some seconds on the device at hand (`harness mine --dry-run`)."""

import time
from dataclasses import dataclass

from harness.mining.budget import Size, held, ivf_needs
from harness.mining.calibrate import Rates, calibrate
from harness.mining.corpus import BYTES_PER_LINE
from harness.mining.encode import reading
from harness.mining.reading import Counted, count, no_sentence
from harness.mining.request import Request
from harness.mining.search import Arranged, arrange, device_of, flat_needs, pq_needs
from harness.mining.sides import of_one_width, opened
from harness.plan import Progress
from harness.retrieval.cells import ROUNDS, SAMPLE
from harness.retrieval.ivf import cell_count

SHARE = 0.03  # of all pairs that a search by cells is taken to compare: it depends on the data
_SAMPLE = 256
_SNAPSHOT = 16  # bytes per row and neighbour


@dataclass(frozen=True)
class Step:
    """A step's seconds (None: not estimated), anonymous memory and disk, both in bytes."""

    name: str
    seconds: float | None
    memory: int
    disk: int


@dataclass(frozen=True)
class Estimate:
    """What is to be done, step by step; `notes` say what the numbers rest on."""

    size: str
    steps: tuple[Step, ...]
    notes: tuple[str, ...]

    @property
    def seconds(self) -> float | None:
        """Of all steps, None where one is not estimated."""
        known = [step.seconds for step in self.steps if step.seconds is not None]
        return sum(known) if len(known) == len(self.steps) else None

    @property
    def memory(self) -> int:
        """Of the step that takes most."""
        return max(step.memory for step in self.steps)

    @property
    def disk(self) -> int:
        """Of all steps: nothing is deleted before the end."""
        return sum(step.disk for step in self.steps)


def estimate_run(request: Request, progress: Progress) -> Estimate:
    """Time, memory and disk per step. HarnessError where the run itself would refuse the input or the memory."""
    steps, notes = [], []
    paths = [path for path in (request.source, request.target) if path is not None]
    counted = [count(path) for path in paths]
    empty = [path for path, one in zip(paths, counted, strict=True) if not one.sample]
    if empty:
        raise no_sentence(empty[0])
    if counted:
        # Keys and the spooled copy take about as long again as the lines themselves.
        seconds = sum(2 * one.lines / one.rate for one in counted)
        lines = max(one.lines for one in counted)
        steps.append(Step("reading", seconds, held().get("RssAnon", 0) + BYTES_PER_LINE * lines, _text(counted)))
        if not all(one.exact for one in counted):
            notes.append("lines are guessed from the beginning of the files")
    if request.vectors is not None:
        source, target = of_one_width(*(opened(path) for path in request.vectors))
        n, m, width = len(source), len(target), source.shape[1]
        steps.append(Step("vectors", (n + m) * width / 1e9, held().get("RssAnon", 0), 0))
        notes.append("vectors that are not of length one, float32 and distinct are copied: add their size to disk")
    else:
        n, m = counted[0].lines, counted[1].lines
        step, width = _embedding(request, counted, progress)
        steps.append(step)
        notes.append("sentences are taken to be distinct")
    size = Size(n, m, width, request.k)
    progress("calibrating", 0, 0)
    arranged = arrange(request, size)
    rates = calibrate(width, request.k, device_of(request))
    step, own = search_step(size, arranged, rates)
    steps.append(step)
    choice = arranged.choice
    notes += [f"index {choice.engine}: {choice.why}", *own]
    steps.append(Step("pairs", 2e-5 * (n + m), held().get("RssAnon", 0) + size.lists, 200 * min(n, m)))
    return Estimate(f"{n:,} x {m:,} x {width:,}", tuple(steps), tuple(notes))


def search_step(size: Size, arranged: Arranged, rates: Rates) -> tuple[Step, list[str]]:
    """The search alone, and what its numbers rest on."""
    base, engine = held().get("RssAnon", 0), arranged.choice.engine
    kept = _SNAPSHOT * (size.n + size.m) * size.k
    if engine == "exact":
        rows = arranged.settings.shard or size.m
        needs = size.lists + rows * size.coded
        return Step("search", exact_seconds(size, rates), base + needs, kept), []
    if engine == "ivf":
        note = f"cells are taken to compare {SHARE:.0%} of all pairs: that depends on the vectors"
        return Step("search", ivf_seconds(size, rates, SHARE), base + ivf_needs(size), 2 * kept), [note]
    needs = pq_needs(size) if engine == "ivfpq" else flat_needs(size)
    return Step("search", None, base + needs, 0), [f"the time of {engine} is not estimated"]


def exact_seconds(size: Size, rates: Rates) -> float:
    """n m d multiplications at the measured rate."""
    return size.n * size.m * size.width / rates.exact


def ivf_seconds(size: Size, rates: Rates, share: float) -> float:
    """Codes, clustering, the nearest cells of every vector, held-back queries, and the share of pairs compared."""
    cells = cell_count(size.n, size.m)
    clustering = ROUNDS * SAMPLE * cells * cells * size.width
    assigning = (size.n + size.m) * cells * size.width
    joining = share * size.n * size.m * size.width
    held_back = 512 * (size.n + size.m) * size.width / rates.exact
    return (size.n + size.m) / rates.coded + (clustering + assigning + joining) / rates.joined + held_back


def _embedding(request: Request, counted: list[Counted], progress: Progress) -> tuple[Step, int]:
    """Embeds a sample of both sides' beginnings."""
    encoder = reading(request)
    progress("calibrating", 0, 0)
    sample = [text for one in counted for text in one.sample[:: max(1, len(one.sample) // (_SAMPLE // 2))]]
    encoder(sample[:16])
    start = time.perf_counter()
    width = encoder(sample).shape[1]
    rate = len(sample) / (time.perf_counter() - start)
    total = sum(one.lines for one in counted)
    return Step("vectors", total / rate, held().get("RssAnon", 0), 4 * total * width), width


def _text(counted: list[Counted]) -> int:
    return sum(one.text + 16 * one.lines for one in counted)

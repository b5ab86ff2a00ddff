"""Jobs cut into pieces of even cost, so that several workers end at the same time.

What must share a pass of the model stays together: the layers of one language. The jobs of one fine-tuned model wait
until the first of them, which trains it, has answered: it is trained once, wherever it is wanted."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness.execute import Piece
from harness.plan import Job
from harness.protocols.reader import kind_of
from harness.protocols.tuning import combinations, model_key
from harness.work.bundle import Bundle
from harness.work.workload import cost

# Pieces per worker: more are more even, fewer share more.
PER_WORKER = 4

# Numbers of jobs that are not cut apart.
Atom = tuple[int, ...]
# (jobs by number, whether a model is trained for them) -> their bundle
MakeBundle = Callable[[Mapping[int, Job], bool], Bundle]


def whole(jobs: Sequence[Job], bundle: MakeBundle) -> list[Piece]:
    """All jobs as one piece, whose items are their numbers: for one process."""
    return [Piece(tuple(range(len(jobs))), bundle(dict(enumerate(jobs)), True))] if jobs else []


def cut(jobs: Sequence[Job], workers: int, bundle: MakeBundle, cache: Path) -> list[Piece]:
    """Pieces for several workers; items are numbers of jobs."""
    costs = {number: cost(job, trained=True) for number, job in enumerate(jobs)}
    groups = _groups(jobs)
    target = sum(_cost(atom, costs) for atoms in groups for atom in atoms) / (PER_WORKER * workers)
    pieces: list[Piece] = []
    trainers: set[str] = set()
    for group in groups:
        atoms, first = group, jobs[group[0][0]]
        key = model_key(first) if first.protocol == "transfer" else ""
        if key and key not in trainers and not kept(first, cache):
            trainers.add(key)
            own = {number: jobs[number] for number in group[0]}
            spent = _cost(group[0], costs) + cost(first, trained=False)
            pieces.append(Piece(group[0], bundle(own, True), spent, f"{first.name} {key}", key))
            atoms = group[1:]
        for part in _even(atoms, costs, target):
            own = {number: without_training(jobs[number]) for atom in part for number in atom}
            spent = sum(_cost(atom, costs) for atom in part)
            after = key if key in trainers else ""
            pieces.append(Piece(tuple(own), bundle(own, False), spent, f"{first.name} {key}", after=after))
    return pieces


def kept(job: Job, cache: Path) -> bool:
    """Whether the job's tuned model, or all those of its grid, are there."""
    return all((cache / "models" / model_key(one)).is_dir() for one, _ in combinations(job))


def without_training(job: Job) -> Job:
    """The job of a model that is there when it starts: training data need not travel."""
    if job.protocol != "transfer" or job.training is None:
        return job
    return replace(job, training=replace(job.training, train=(), dev=()))


def _groups(jobs: Sequence[Job]) -> list[list[Atom]]:
    """Jobs that load the same things, each group as atoms."""
    groups: dict[tuple[object, ...], dict[object, list[int]]] = {}
    for number, job in enumerate(jobs):
        tuned = (job.task.name, job.seed, model_key(job)) if job.protocol == "transfer" else ()
        together = (job.task.name, job.language, kind_of(job)) if job.protocol == "retrieve" else number
        groups.setdefault((job.name, job.protocol, *tuned), {}).setdefault(together, []).append(number)
    return [[tuple(atom) for atom in atoms.values()] for atoms in groups.values()]


def _even(atoms: Iterable[Atom], costs: Mapping[int, float], target: float) -> Iterator[list[Atom]]:
    """Neighbouring atoms up to the target; one that alone is more stands alone."""
    part: list[Atom] = []
    total = 0.0
    for atom in atoms:
        own = _cost(atom, costs)
        if part and total + own > target:
            yield part
            part, total = [], 0.0
        part.append(atom)
        total += own
    if part:
        yield part


def _cost(atom: Atom, costs: Mapping[int, float]) -> float:
    """Layers of one language share its pass, up to the highest; each has a search of its own."""
    every = [costs[number] for number in atom]
    return max(every) + 0.1 * (sum(every) - max(every))

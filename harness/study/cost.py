"""What the jobs of a study will cost: tokens counted on the real data, seconds guessed from them.

A guess: 6 operations a parameter of the layers and token for training, 2 for reading (Kaplan et al. 2020, section 2.1),
at the speed of a matrix product that is timed here. Where the study has trained already, its own tokens a second
replace that."""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.checkpoint import Checkpoint
from harness.heads.tokeniser import open_tokeniser, tokenise
from harness.plan import Job as EvalJob
from harness.study.jobs import TRAIN, Job, Setting
from harness.train.settings import TrainSettings
from harness.work.workload import count_texts, rows, texts_of

SAMPLE = 100
PROBE_ROWS, PROBE_SECONDS = 512, 0.3
# A training reaches about a third of what a bare product does: attention, small batches, the optimiser.
REACHED = 1 / 3


Length = Callable[[Iterable[str]], float]


@dataclass(frozen=True)
class Work:
    """Tokens of one evaluation: what it is fine-tuned on, what it reads to answer."""

    training: int
    reading: int


@dataclass(frozen=True)
class Estimated:
    """A job with its estimated cost; `done`: it was finished before."""

    name: str
    kind: str
    steps: int | None
    tokens: int
    seconds: float
    done: bool


def work_of(jobs: Mapping[str, Sequence[EvalJob]], base: Checkpoint) -> dict[str, Work]:
    """Task -> what one evaluation of it reads."""
    tokeniser = open_tokeniser(base)

    def length(texts: Iterable[str]) -> float:
        sample = list(texts)[:SAMPLE]
        return float(tokenise(tokeniser, sample).lengths.mean()) + 2 if sample else 0.0

    return {task: _work(own, length) for task, own in jobs.items()}


def _work(jobs: Sequence[EvalJob], length: Length) -> Work:
    reading = sum(count_texts(one) * length(texts_of(one, SAMPLE)) for one in (job.loaded.examples for job in jobs))
    first = jobs[0]
    if first.training is None:
        return Work(0, round(reading))
    fields = TrainSettings.__dataclass_fields__
    settings = TrainSettings(**{name: value for name, value in first.settings.items() if name in fields})
    items = settings.epochs * len(first.training.train)
    if settings.max_steps is not None:
        items = settings.max_steps * settings.batch_size
    each = min(length(texts_of(first.training.train, SAMPLE)), settings.max_length)
    return Work(round(items * each * len(rows(first.training.train[0]))), round(reading))


def costs(
    setting: Setting, jobs: Sequence[Job], left: Sequence[Job], work: Mapping[str, Work]
) -> tuple[Estimated, ...]:
    """Every job with its cost; `left` are those still to do."""
    waiting = {job.name for job in left}
    parameters = 12 * setting.base.layers * setting.base.width**2
    rate = _measured(setting) or REACHED * _operations(setting.base.width) / (6 * parameters)
    out = []
    for job in jobs:
        if job.kind == TRAIN:
            budget = setting.budgets[job.row.label]
            steps, tokens, seconds = budget.steps, budget.tokens, budget.tokens / rate
        else:
            own = work.get(job.task, Work(0, 0))
            # The other layers and the development set are read with the model that is there.
            training = 0 if job.variant else own.training
            layers = setting.base.layers if job.variant == "layers" else 1
            steps, tokens = None, training + own.reading
            seconds = training / rate + own.reading / (3 * rate) * (1 if layers == 1 else 0.5)
        out.append(Estimated(job.name, job.kind, steps, tokens, seconds, job.name not in waiting))
    return tuple(out)


def _measured(setting: Setting) -> float | None:
    """Tokens a second of the trainings that the study has made."""
    tokens = seconds = 0.0
    for path in sorted((setting.output / "checkpoints").glob("*/manifest.json")):
        record = json.loads(path.read_text("utf-8"))
        tokens += record["training"]["tokens"]
        seconds += record["run"]["seconds"]
    return tokens / seconds if seconds else None


def _operations(width: int) -> float:
    """Operations a second of a matrix product of the model's own width, on the device that would train."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    one = torch.randn(PROBE_ROWS, width, device=device)
    other = torch.randn(width, 4 * width, device=device)
    (one @ other).sum().item()
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < PROBE_SECONDS:
        (one @ other).sum().item()
        done += 1
    return done * 2 * PROBE_ROWS * width * 4 * width / (time.perf_counter() - began)

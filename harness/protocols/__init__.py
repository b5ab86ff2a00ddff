"""How a checkpoint answers a task: by frozen vectors, by a head trained here, by the head it carries, or by prompts."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from harness.metrics.score import Metric
from harness.plan import Answer, Job, Progress, Protocol
from harness.protocols import head, prompt, retrieve, transfer

PROTOCOLS: Mapping[str, Protocol] = {
    one.name: one for one in (retrieve.PROTOCOL, transfer.PROTOCOL, head.PROTOCOL, prompt.PROTOCOL)
}


def metrics_of(job: Job, language: str) -> tuple[Metric, ...]:
    """What a job of this protocol and these settings is scored by in a language, the main metric first."""
    return PROTOCOLS[job.protocol].metrics(job, language)


def run_jobs(jobs: Sequence[Job], cache: Path, progress: Progress) -> Iterator[tuple[Job, Answer]]:
    """Answers jobs in their order. Neighbouring jobs of one checkpoint and protocol share what they load;
    an error that concerns one job is yielded in place of its items, and the others go on."""
    for (_, protocol), group in groupby(jobs, key=lambda job: (job.name, job.protocol)):
        yield from PROTOCOLS[protocol].run(list(group), cache, progress)

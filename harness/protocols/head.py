"""The protocol `head`: a checkpoint that already carries a trained head of the task's form; no training.

Labels are matched by name through the checkpoint's `id2label`; a newly made head is never scored."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from harness.checkpoint import Checkpoint
from harness.errors import HarnessError
from harness.plan import Answer, Answered, Job, Progress, Protocol, Resolved
from harness.protocols.answers import to_items
from harness.protocols.loaded import loaded
from harness.protocols.transfer import questions
from harness.settings import Settings
from harness.tasks.source import Source
from harness.tasks.task import Task

if TYPE_CHECKING:
    from harness.heads.model import Model
    from harness.heads.saved import SavedHead

# As XTREME's scripts cut inputs.
MAX_LENGTH = {"classify": 128, "tag": 128, "span": 384, "choice": 128}


def refuse(checkpoint: Checkpoint, task: Task) -> str:
    """Only a trained head of the task's form answers: the checkpoint's own, or one beside it."""
    from harness.heads.saved import fitting, saved_heads
    from harness.heads.trained import Wanted, trained_form

    form = trained_form(checkpoint)
    if form == task.form or fitting(checkpoint, task.form, Wanted(task.labels)):
        return ""
    beside = saved_heads(checkpoint)
    if beside:
        return f"none of the heads beside {checkpoint.name} ({', '.join(beside)}) answers '{task.form}' with its labels"
    has = f"a trained head for '{form}'" if form else "no trained head"
    return f"{checkpoint.name} has {has}, and one for '{task.form}' is needed"


def resolve(checkpoint: Checkpoint, task: Task, settings: Settings, source: Source) -> Resolved:
    """The input length, and the order of the labels where the checkpoint does not name them."""
    length = settings.max_length or MAX_LENGTH[task.form]
    resolved = {"max_length": length, "dtype": settings.dtype}
    marks = [f"length{length}"] if settings.max_length else []
    if settings.label_order:
        resolved["label_order"] = ",".join(settings.label_order)
        marks.append("label-order")
    saved = _saved(checkpoint, task, settings.head)
    if saved is not None:
        resolved |= {"head": saved.name, "head_weights": saved.digest}
        marks.append(f"head-{saved.name}")
    return Resolved(resolved, tuple(marks))


def _saved(checkpoint: Checkpoint, task: Task, name: str | None) -> "SavedHead | None":
    """The head beside the checkpoint that answers; None where the checkpoint's own does."""
    from harness.heads.saved import choose
    from harness.heads.trained import Wanted, trained_form

    if name is None and trained_form(checkpoint) == task.form:
        return None
    return choose(checkpoint, task.form, Wanted(task.labels), name)


def run(jobs: Sequence[Job], cache: Path, progress: Progress) -> Iterator[tuple[Job, Answer]]:
    """Answers each job from one loaded model per task."""
    for _, group in groupby(jobs, key=lambda job: job.task.name):
        same = list(group)
        done = 0
        try:
            for answered in _answers(same, progress):
                yield answered
                done += 1
        except HarnessError as error:
            yield from ((job, error) for job in same[done:])


def _answers(jobs: Sequence[Job], progress: Progress) -> Iterator[tuple[Job, Answer]]:
    from harness.heads import HEADS
    from harness.heads.head import Encoding
    from harness.heads.predict import predict
    from harness.heads.tokeniser import open_tokeniser

    job = jobs[0]
    head = HEADS[job.task.form]
    settings = tuple(str(job.settings.get(name)) for name in ("dtype", "label_order", "head", "head_weights"))
    key = (job.checkpoint.fingerprint, head.form, job.task.labels, job.device, *settings)
    model = loaded(key, partial(_load, job))
    encoding = Encoding(open_tokeniser(job.checkpoint), int(job.settings["max_length"]), job.task.labels)
    label = f"{job.name}: predicting {job.task.name}"
    for one in jobs:
        examples = questions(one)
        features = head.encode(examples, encoding)
        logits = predict(head, model.module, [features], progress=lambda done, total: progress(label, done, total))[0]
        yield one, Answered(to_items(examples, head.decode(features, examples, logits, model.labels)))


def _load(job: Job) -> "Model":
    """The checkpoint with the head that answers, on its device."""
    import torch

    from harness.heads import HEADS
    from harness.heads.saved import choose, load_saved
    from harness.heads.trained import Wanted, load_trained
    from harness.retrieval.encoder import resolve_device

    head = HEADS[job.task.form]
    order = job.settings.get("label_order")
    wanted = Wanted(job.task.labels, order=tuple(str(order).split(",")) if order else None)
    dtype = getattr(torch, str(job.settings["dtype"]))
    if "head" in job.settings:
        saved = choose(job.checkpoint, head.form, wanted, str(job.settings["head"]))
        model = load_saved(job.checkpoint, saved, head, wanted, dtype)
    else:
        model = load_trained(job.checkpoint, head, wanted, dtype)
    model.module.to(resolve_device(job.device)).eval()
    return model


PROTOCOL = Protocol("head", refuse, resolve, run, seedless=True)

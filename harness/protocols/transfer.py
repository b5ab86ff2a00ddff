"""The protocol `transfer`: fine-tune once on a source language, predict every language from that one model.

The tuned model is kept under the results folder by a hash of all that made it: other languages train nothing."""

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.checkpoint import Checkpoint, open_checkpoint
from harness.errors import HarnessError
from harness.examples import Question
from harness.languages import normalise
from harness.metrics.score import evaluate
from harness.plan import Answer, Answered, Job, Progress, Protocol, Resolved, Settings
from harness.protocols.answers import to_items
from harness.protocols.shuffle import shuffle_labels
from harness.tasks.overlap import drop_overlap, evaluated_texts
from harness.tasks.source import Source
from harness.tasks.task import Task, Training
from harness.train.presets import preset
from harness.train.settings import TrainSettings, total_steps, warnings

if TYPE_CHECKING:
    from harness.heads.features import Features
    from harness.heads.head import Encoding, Head
    from harness.heads.model import Model
    from harness.heads.tokeniser import Tokeniser

# Items predicted together: enough to fill batches of equal length, few enough to lose little when killed.
TOGETHER = 4000
LARGE = 1024


def resolve(checkpoint: Checkpoint, task: Task, settings: Settings, source: Source) -> Resolved:
    """The preset with what was overridden, and the training data without what is evaluated."""
    assert task.train is not None, "a task with this protocol has training data"
    language = normalise(settings.source_language)
    training = task.train(source, language)
    cleaned, dropped = drop_overlap(training, evaluated_texts(source, task))
    if settings.allow_contaminated and dropped:
        training = replace(training, notes={**training.notes, "contaminated": f"{dropped} items also evaluated"})
    else:
        training = cleaned
    if settings.shuffle_labels:
        training = shuffle_labels(training)
    tuned = preset(settings.preset, task.name, settings.training, checkpoint.width >= LARGE)
    resolved = {
        "preset": settings.preset,
        **tuned.as_signature(),
        "source_language": language,
        "training": training.name,
        "training_items": len(training.train),
        "training_data": training.data,
        **training.notes,
    }
    marks = [settings.preset] if settings.preset != Settings.preset else []
    marks += [f"{name}{value}" for name, value in sorted(settings.training.items())]
    marks += [f"from-{language}"] if language != Settings.source_language else []
    marks += ["contaminated"] if "contaminated" in training.notes else []
    marks += ["shuffled"] if settings.shuffle_labels else []
    steps = total_steps(tuned, -(-len(training.train) // tuned.batch_size))
    return Resolved(resolved, tuple(marks), training, warnings(tuned, steps))


def run(jobs: Sequence[Job], cache: Path, progress: Progress) -> Iterator[tuple[Job, Answer]]:
    """Answers jobs; those that share task, seed and settings share one tuned model."""
    for _, group in groupby(jobs, key=lambda job: (job.task.name, job.seed, model_key(job))):
        same = list(group)
        try:
            reader = Tuned(same[0], cache, progress)
            yield from reader.answers(same)
        except HarnessError as error:
            yield from ((job, error) for job in same)


def model_key(job: Job) -> str:
    """A hash of all that makes the tuned model."""
    assert job.training is not None
    made = {
        "weights": job.checkpoint.fingerprint,
        "form": job.task.form,
        "labels": job.task.labels,
        "settings": {key: value for key, value in job.settings.items() if key not in (*job.loaded.notes, "limit")},
        "seed": job.seed,
        "data": job.training.data,
    }
    return hashlib.sha256(json.dumps(made, sort_keys=True, default=str).encode()).hexdigest()[:24]


class Tuned:
    """One tuned model: trained here, or found under its key; answers any language."""

    def __init__(self, job: Job, cache: Path, progress: Progress) -> None:
        from harness.heads import HEADS
        from harness.heads.tokeniser import open_tokeniser

        self._job = job
        self._progress = progress
        self._head: Head = HEADS[job.task.form]
        self._tokeniser: Tokeniser = open_tokeniser(job.checkpoint)
        self._settings = train_settings(job)
        self._model: Model = self._load(cache / "models" / model_key(job))

    def answers(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Answer]]:
        """Items of each job; languages are predicted some at a time, so that each is there soon."""
        waiting: list[Job] = []
        for job in jobs:
            waiting.append(job)
            if sum(one.loaded.count for one in waiting) >= TOGETHER or job is jobs[-1]:
                yield from self._predict(waiting)
                waiting = []

    def _predict(self, jobs: Sequence[Job]) -> Iterator[tuple[Job, Answer]]:
        from harness.heads.predict import predict

        label = f"{self._job.name}: predicting {self._job.task.name}"
        encoding = self._encoding(training=False)
        examples = [questions(job) for job in jobs]
        parts = [self._head.encode(one, encoding) for one in examples]
        report = lambda done, total: self._progress(label, done, total)  # noqa: E731
        logits = predict(self._head, self._model.module, parts, progress=report)
        for job, one, part, scores in zip(jobs, examples, parts, logits, strict=True):
            yield job, Answered(to_items(one, self._head.decode(part, one, scores, self._model.labels)), self._measured)

    def _encoding(self, training: bool) -> "Encoding":
        from harness.heads.head import Encoding

        return Encoding(self._tokeniser, self._settings.max_length, self._job.task.labels, training)

    def _load(self, folder: Path) -> "Model":
        from harness.heads.trained import Wanted, load_trained

        if not folder.is_dir():
            self._train(folder)
        tuned = open_checkpoint(str(folder), self._job.checkpoint.trust_remote_code)
        self._measured = came_to(folder)
        model = load_trained(tuned, self._head, Wanted(self._job.task.labels))
        model.module.to(device_of(self._settings)).eval()
        return model

    def _train(self, folder: Path) -> None:
        """Trains and saves; the folder appears by a rename when all is in it."""
        from harness.heads.model import NewHead, build
        from harness.heads.trained import save
        from harness.train.loop import train

        assert self._job.training is not None
        new = NewHead(self._head, self._job.task.labels, self._job.seed)
        model = build(self._job.checkpoint, self._tokeniser, new)
        label = f"{self._job.name}: training {self._job.task.name}"
        unfinished = folder.with_name(f"{folder.name}.state")
        trained = train(
            self._problem(model, self._job.training),
            self._settings,
            unfinished,
            lambda moment: self._progress(f"{label}, loss {moment.loss:.3f}", moment.step, moment.steps),
        )
        temporary = folder.with_name(f"{folder.name}.tmp")
        shutil.rmtree(temporary, ignore_errors=True)
        save(model, self._tokeniser, self._head, temporary)
        record = {
            "steps": trained.steps,
            "selected": trained.selected,
            "score": trained.score,
            "dev_scores": [[one.step, one.score] for one in trained.dev_scores],
            "losses": [round(loss, 6) for loss in trained.losses],
            "seconds": round(trained.seconds, 1),
            "tokens": trained.tokens,
            "notes": list(trained.notes),
            "settings": dict(self._job.settings),
        }
        (temporary / "training.json").write_text(json.dumps(record, ensure_ascii=False, indent=1, default=str), "utf-8")
        temporary.replace(folder)
        shutil.rmtree(unfinished, ignore_errors=True)

    def _problem(self, model: "Model", training: Training) -> Any:
        from harness.heads.head import collate, loss
        from harness.train.problem import Problem

        features: Features = self._head.encode(training.train, self._encoding(training=True))
        judge = self._judge(model, training.dev[: self._settings.dev_limit]) if training.dev else None
        return Problem(
            model=model.module,
            lengths=features.lengths,
            collate=lambda units: collate(self._head, features, units),
            loss=lambda module, batch: loss(self._head, module, batch),
            evaluate=judge,
            encoder=model.encoder,
        )

    def _judge(self, model: "Model", dev: Sequence[Question]) -> Any:
        """The task's main metric on the development set."""
        from harness.heads.predict import predict

        metric = self._job.task.metrics(str(self._job.settings["source_language"]))[0]
        features = self._head.encode(dev, self._encoding(training=False))

        def judge(module: Any) -> float:
            logits = predict(self._head, module, [features])[0]
            return evaluate(metric, to_items(dev, self._head.decode(features, dev, logits, model.labels)))

        return judge


def came_to(folder: Path) -> dict[str, Any]:
    """What a kept model's training came to: steps, the step whose weights were kept, its score on the development set,
    and what went otherwise than planned."""
    record = json.loads((folder / "training.json").read_text("utf-8"))
    found = {"steps": record["steps"], "kept_step": record["selected"], "dev_score": record["score"]}
    return {**found, **({"notes": "; ".join(record["notes"])} if record["notes"] else {})}


def train_settings(job: Job) -> TrainSettings:
    """The job's training settings."""
    fields = TrainSettings.__dataclass_fields__
    own = {name: value for name, value in job.settings.items() if name in fields}
    return replace(TrainSettings(), **own, seed=job.seed, device=job.device)


def device_of(settings: TrainSettings) -> Any:
    """The device that the training took."""
    from harness.retrieval.encoder import resolve_device

    return resolve_device(settings.device)


def questions(job: Job) -> tuple[Question, ...]:
    """The job's examples, which are of a form that heads answer."""
    examples = job.loaded.examples
    assert isinstance(examples, tuple), "mining has no head"
    return examples  # type: ignore[return-value]


def refuse(checkpoint: Checkpoint, task: Task) -> str:
    """Every kind of checkpoint can be tuned."""
    return "" if task.train is not None else "the task has no training data"


PROTOCOL = Protocol("transfer", refuse, resolve, run)

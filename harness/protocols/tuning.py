"""Fine-tuned models, kept under the results folder by a hash of all that made them."""

import hashlib
import json
import platform
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.checkpoint import open_checkpoint
from harness.errors import HarnessError
from harness.examples import Question
from harness.lock import alone
from harness.metrics.score import evaluate
from harness.plan import Job, Progress
from harness.protocols.answers import to_items
from harness.tasks.task import Training
from harness.train.settings import TrainSettings

if TYPE_CHECKING:
    from harness.heads.features import Features
    from harness.heads.head import Encoding, Head
    from harness.heads.model import Model
    from harness.heads.tokeniser import Tokeniser


@dataclass(frozen=True)
class Tuned:
    """A model after its fine-tuning, ready to predict, and what the training came to."""

    head: "Head"
    model: "Model"
    encoding: "Encoding"
    measured: dict[str, Any]


def tuned(job: Job, folder: Path, progress: Progress) -> Tuned:
    """The model of a job: found in `folder` under its key, or trained and put there. Of a grid of settings it is the
    one with the best score on the development set, the first of equals."""
    from harness.heads.trained import Wanted, load_trained
    from harness.retrieval.encoder import resolve_device

    grid = combinations(job)
    tunings = [Tuning(one, progress) for one, _ in grid]
    found: list[tuple[Path, dict[str, Any]]] = []
    for tuning, (one, _) in zip(tunings, grid, strict=True):
        place = folder / model_key(one)
        if not place.is_dir():
            with alone(folder / ".lock", place.name, partial(progress, f"{job.name}: waiting for a training", 0, 1)):
                # Another process may have trained it meanwhile.
                if not place.is_dir():
                    tuning.train(place)
        found.append((place, came_to(place)))
    best = max(range(len(grid)), key=lambda at: (found[at][1]["dev_score"] or 0.0, -at))
    place, measured = found[best]
    chosen = {**grid[best][1], "tried": tried(grid, found)} if len(grid) > 1 else {}
    tuning = tunings[best]
    opened = open_checkpoint(str(place), job.checkpoint.trust_remote_code)
    model = load_trained(opened, tuning.head, Wanted(job.task.labels))
    model.module.to(resolve_device(job.device)).eval()
    return Tuned(tuning.head, model, tuning.encoding(training=False), {**chosen, **measured})


def combinations(job: Job) -> list[tuple[Job, dict[str, Any]]]:
    """The job with each combination of its grid, and the combination; without a grid, itself."""
    grid = job.settings.get("grid")
    if not grid:
        return [(job, {})]
    own = {key: value for key, value in job.settings.items() if key != "grid"}
    chosen = [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    return [(replace(job, settings={**own, **one}), one) for one in chosen]


def tried(grid: list[tuple[Job, dict[str, Any]]], found: list[tuple[Path, dict[str, Any]]]) -> str:
    """`learning_rate 2e-05 epochs 3.0: 0.6123; ...`: every combination with its score on the development set."""
    names = (" ".join(f"{key} {value}" for key, value in one.items()) for _, one in grid)
    return "; ".join(f"{named}: {came['dev_score']:.4f}" for named, (_, came) in zip(names, found, strict=True))


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


class Tuning:
    """One fine-tuning of a job's checkpoint."""

    def __init__(self, job: Job, progress: Progress) -> None:
        from harness.heads import HEADS
        from harness.heads.tokeniser import open_tokeniser

        self._job = job
        self._progress = progress
        self._tokeniser: Tokeniser = open_tokeniser(job.checkpoint)
        self._settings = train_settings(job)
        self.head: Head = HEADS[job.task.form]

    def encoding(self, training: bool) -> "Encoding":
        """How this model reads examples."""
        from harness.heads.head import Encoding

        return Encoding(self._tokeniser, self._settings.max_length, self._job.task.labels, training)

    def train(self, folder: Path) -> None:
        """Trains and saves; the folder appears by a rename when all is in it."""
        from harness.heads.model import NewHead, build
        from harness.heads.trained import save
        from harness.train.loop import train

        assert self._job.training is not None
        if not self._job.training.train:
            raise HarnessError(
                f"The fine-tuned model {folder} is not there any more, or not seen from {platform.node()}.",
                "Put --output where every node sees it, and run the same command again.",
            )
        new = NewHead(self.head, self._job.task.labels, self._job.seed)
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
        save(model, self._tokeniser, self.head, temporary)
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

        features: Features = self.head.encode(training.train, self.encoding(training=True))
        judge = self._judge(model, training.dev[: self._settings.dev_limit]) if training.dev else None
        return Problem(
            model=model.module,
            lengths=features.lengths,
            collate=lambda units: collate(self.head, features, units),
            loss=lambda module, batch: loss(self.head, module, batch),
            evaluate=judge,
            encoder=model.encoder,
        )

    def _judge(self, model: "Model", dev: Sequence[Question]) -> Callable[[Any], float]:
        """The task's main metric on the development set."""
        from harness.heads.predict import predict

        metric = self._job.task.metrics(str(self._job.settings["source_language"]))[0]
        features = self.head.encode(dev, self.encoding(training=False))

        def judge(module: Any) -> float:
            logits = predict(self.head, module, [features])[0]
            return evaluate(metric, to_items(dev, self.head.decode(features, dev, logits, model.labels)))

        return judge

"""The protocol `transfer`: fine-tune once on a source language, predict every language from that one model.

The tuned model is kept under the results folder by a hash of all that made it: other languages train nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, groupby
from pathlib import Path

from harness.checkpoint import Checkpoint
from harness.errors import HarnessError
from harness.examples import Question
from harness.languages import normalise
from harness.plan import Answer, Answered, Job, Progress, Protocol, Resolved
from harness.protocols.answers import to_items
from harness.protocols.loaded import loaded
from harness.protocols.shuffle import shuffle_labels
from harness.protocols.tuning import Tuned, model_key, tuned
from harness.settings import Settings
from harness.tasks import NAMES, get_task
from harness.tasks.english_exams import train_exam, train_on
from harness.tasks.overlap import drop_overlap, evaluated_texts
from harness.tasks.selection import HELD_OUT, undivided
from harness.tasks.source import Source
from harness.tasks.task import Task, Training
from harness.train.presets import LIKE, preset
from harness.train.settings import total_steps, warnings

# Items predicted together: enough to fill batches of equal length, few enough to lose little when killed.
TOGETHER = 4000
LARGE = 1024


def resolve(checkpoint: Checkpoint, task: Task, settings: Settings, source: Source) -> Resolved:
    """The preset with what was overridden, and the training data without what is evaluated."""
    language = normalise(settings.source_language)
    alike = frozenset(one.name for one in trained_alike(task))
    key = (resolve, alike, language, str(settings.train_on), settings.allow_contaminated, settings.shuffle_labels)
    training = source.once(key, lambda: _material(task, source, language, settings))
    given = dict(settings.training) | ({"max_length": settings.max_length} if settings.max_length else {})
    like = task.name if task.name in NAMES else LIKE[task.form]
    trained = preset(settings.preset, like, given, checkpoint.width >= LARGE)
    if isinstance(trained.freeze, int) and trained.freeze > checkpoint.layers:
        raise HarnessError(
            f"{checkpoint.name} has {checkpoint.layers} layers, --freeze {trained.freeze} is more.",
            f"Choose 1 to {checkpoint.layers}, or encoder.",
        )
    held = training.notes.get("selected_on") == HELD_OUT and "stand-in" not in training.notes
    if held and trained.selection != "best" and not settings.grid:
        training = undivided(training)
    grid = {name: list(values) for name, values in settings.grid.items()}
    if grid and not training.dev:
        raise HarnessError(f"{task.name} has no development data to choose from a grid with.", "Leave --grid out.")
    resolved = {
        "preset": settings.preset if like == task.name else f"{settings.preset} of {like}",
        **{name: value for name, value in trained.as_signature().items() if name not in grid},
        **({"grid": grid} if grid else {}),
        "source_language": language,
        "training": training.name,
        "training_items": len(training.train),
        "training_data": training.data,
        **training.notes,
    }
    marks = [settings.preset] if settings.preset != Settings.preset else []
    marks += [f"{name}{value}" for name, value in sorted(given.items()) if name not in grid]
    marks += [f"grid-{name}{'+'.join(map(str, values))}" for name, values in sorted(grid.items())]
    marks += [f"on-{'+'.join(settings.train_on)}"] if settings.train_on else []
    marks += [f"from-{language}"] if language != Settings.source_language else []
    marks += ["contaminated"] if "contaminated" in training.notes else []
    marks += ["shuffled"] if settings.shuffle_labels else []
    steps = total_steps(trained, -(-len(training.train) // trained.batch_size))
    said = list(warnings(trained, steps))
    if settings.dtype != Settings.dtype:
        said.append("--dtype is for vectors; a fine-tuned model predicts in float32, and trains in --train-dtype.")
    return Resolved(resolved, tuple(marks), training, tuple(said))


def _material(task: Task, source: Source, language: str, settings: Settings) -> Training:
    """What is trained on: the same for every checkpoint and for all tasks that are trained alike."""
    training = _training(task, source, language, settings)
    scored = chain.from_iterable(evaluated_texts(source, one) for one in trained_alike(task))
    cleaned, dropped = drop_overlap(training, scored)
    if settings.allow_contaminated and dropped:
        training = replace(training, notes={**training.notes, "contaminated": f"{dropped} items also evaluated"})
    elif training.train and not cleaned.train:
        raise HarnessError(
            f"All {len(training.train)} training items of {training.name} occur in the evaluated sets.",
            "Give other training data, or --allow-contaminated (the row is not ranked).",
        )
    else:
        training = cleaned
    return shuffle_labels(training) if settings.shuffle_labels else training


def _training(task: Task, source: Source, language: str, settings: Settings) -> Training:
    """The task's own training data, or the sets that --train-on names for an exam."""
    assert task.train is not None, "a task with this protocol has training data"
    if settings.train_on is None:
        return task.train(source, language)
    if task.train is not train_exam:
        raise HarnessError(f"--train-on names sets for exams; {task.name} has its own.", "Leave it out.")
    return train_on(source, language, settings.train_on)


def trained_alike(task: Task) -> list[Task]:
    """The task and those that train on the same data: what any of them scores is trained by none, so that one model
    serves XQuAD and MLQA as in XTREME."""
    others = [get_task(name) for name in NAMES if name != task.name]
    return [task, *(one for one in others if one.train is task.train)]


def run(jobs: Sequence[Job], cache: Path, progress: Progress) -> Iterator[tuple[Job, Answer]]:
    """Answers jobs; those that share task, seed and settings share one tuned model."""
    for _, group in groupby(jobs, key=lambda job: (job.task.name, job.seed, model_key(job))):
        same = list(group)
        done = 0
        try:
            key = (model_key(same[0]), same[0].device)
            model = loaded(key, partial(tuned, same[0], cache / "models", progress))
            for answered in answers(same, model, progress):
                yield answered
                done += 1
        except HarnessError as error:
            yield from ((job, error) for job in same[done:])


def answers(jobs: Sequence[Job], model: Tuned, progress: Progress) -> Iterator[tuple[Job, Answer]]:
    """Items of each job; languages are predicted some at a time, so that each is there soon."""
    waiting: list[Job] = []
    for job in jobs:
        waiting.append(job)
        if sum(one.loaded.count for one in waiting) >= TOGETHER or job is jobs[-1]:
            yield from _predict(waiting, model, progress)
            waiting = []


def _predict(jobs: Sequence[Job], tuned: Tuned, progress: Progress) -> Iterator[tuple[Job, Answer]]:
    from harness.heads.predict import predict

    label = f"{jobs[0].name}: predicting {jobs[0].task.name}"
    examples = [questions(job) for job in jobs]
    parts = [tuned.head.encode(one, tuned.encoding) for one in examples]
    report = lambda done, total: progress(label, done, total)  # noqa: E731
    logits = predict(tuned.head, tuned.model.module, parts, progress=report)
    for job, one, part, scores in zip(jobs, examples, parts, logits, strict=True):
        items = to_items(one, tuned.head.decode(part, one, scores, tuned.model.labels))
        yield job, Answered(items, tuned.measured)


def questions(job: Job) -> tuple[Question, ...]:
    """The job's examples, which are of a form that heads answer."""
    examples = job.loaded.examples
    assert isinstance(examples, tuple), "mining has no head"
    return examples  # type: ignore[return-value]


def refuse(checkpoint: Checkpoint, task: Task) -> str:
    """Every kind of checkpoint can be tuned."""
    return "" if task.train is not None else "the task has no training data"


PROTOCOL = Protocol("transfer", refuse, resolve, run)

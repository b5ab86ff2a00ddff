"""Exams by prompt: the likeliest letter or answer text, with solved questions of the same subject before it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.checkpoint import Checkpoint, kinds
from harness.errors import HarnessError
from harness.examples import Choice
from harness.metrics.readings import of_reading, value_of
from harness.metrics.score import Item, Metric
from harness.plan import Answered, Job, Progress, Resolved, task_metrics
from harness.prompts.exam import ENGLISH, NATIVE, STYLES, Put, Style, Wording, shots_by_subject
from harness.prompts.prompt import Options
from harness.protocols import retrieve
from harness.protocols.answers import filed
from harness.protocols.reader import Reader
from harness.settings import Settings
from harness.tasks.source import Source
from harness.tasks.subjects import table_hash
from harness.tasks.task import Loaded, Task, content_hash

GENERATIVE = (kinds.CAUSAL, kinds.SEQ2SEQ, kinds.VISION_LANGUAGE)
LIKELIHOOD, PSEUDO, COSINE = "log-likelihood", "pseudo-log-likelihood", "cosine of question and option"
UNIT = "the tokenizer's words, single tokens in scripts without spaces"
TEXTS = ("text", "text_per_character", "text_pmi")


def resolve(checkpoint: Checkpoint, task: Task, settings: Settings) -> Resolved:
    """What moves a score, and the marks of what is not the default."""
    style = STYLES[task.name]
    readout = readout_of(checkpoint)
    if readout == COSINE:
        return _cosine(checkpoint, task, settings)
    answers = settings.answers if readout == LIKELIHOOD else "both"
    answers = answers if style.letters else "text"
    if settings.option_orders != "one" and answers == "text":
        raise HarnessError("Option orders concern letters.", "Leave out --option-orders, or --answers text.")
    resolved: dict[str, Any] = {"readout": readout, "dtype": settings.dtype, "context": "cut on the left"}
    resolved |= {"shots": settings.shots, "answers": answers, "instruction": settings.instruction}
    main = "text_pmi" if readout == PSEUDO else "text" if answers == "text" else "letters"
    resolved |= {"main": main, **({"categories": table_hash()} if style.header else {})}
    marks = [f"{settings.shots}shot"] if settings.shots else []
    if readout == PSEUDO:
        resolved |= {"masking": settings.masking, "unit": UNIT}
        marks.append(f"pseudo-{settings.masking}")
    elif answers != Settings.answers and style.letters:
        marks.append(answers)
    marks += [f"{settings.instruction}-instruction"] if settings.instruction != Settings.instruction else []
    if settings.option_orders != Settings.option_orders:
        resolved["option_orders"] = settings.option_orders
        marks.append(settings.option_orders)
    return Resolved(resolved, tuple(marks))


def readout_of(checkpoint: Checkpoint) -> str:
    """How a kind of checkpoint answers without training."""
    if checkpoint.kind == kinds.MLM:
        return PSEUDO
    return LIKELIHOOD if checkpoint.kind in GENERATIVE else COSINE


def _cosine(checkpoint: Checkpoint, task: Task, settings: Settings) -> Resolved:
    """The floor: which option's sentence vector is nearest to the question's."""
    if settings.shots or settings.option_orders != "one":
        raise HarnessError("Sentence vectors know no shots and no letters.", "Leave out --shots and --option-orders.")
    found = retrieve.resolve(checkpoint, task, settings, Source(Path()))
    own = {name: value for name, value in found.settings.items() if name != "engine"}
    table = {"categories": table_hash()} if STYLES[task.name].header else {}
    return Resolved({"readout": f"{COSINE}, the floor", **own, **table}, ("cosine", *found.marks))


def details(task: Task, loaded: Loaded, settings: Settings) -> dict[str, Any]:
    """What differs by language: the solved questions and how many subjects have fewer than asked for."""
    if not settings.shots:
        return {}
    shots = shots_by_subject(solved(loaded), settings.shots)
    subjects = {one.subject for one in loaded.examples if isinstance(one, Choice)}  # type: ignore[union-attr]
    fewer = sum(len(shots.get(subject, ())) < settings.shots for subject in subjects)
    found: dict[str, Any] = {"shots_data": content_hash([shots[subject] for subject in sorted(shots)])}
    return {**found, **({"fewer_shots": f"in {fewer} of {len(subjects)} subjects"} if fewer else {})}


def lacks(language: str, loaded: Loaded, settings: Settings) -> str:
    """Solved questions, or reviewed words in the language, where they are asked for."""
    if settings.shots and not loaded.shots:
        return f"there are no solved questions to put before it (--shots {settings.shots})"
    if settings.instruction == "native" and language not in NATIVE:
        return f"there are no native instructions in {language} (there are in {', '.join(NATIVE)})"
    return ""


def metrics(job: Job, language: str) -> tuple[Metric, ...]:
    """The exam's own, then the readings."""
    own = task_metrics(job, language)
    pseudo = job.settings["readout"] == PSEUDO
    names = {name: "cloze" if pseudo and name == "letters" else name for name in _readings(job.settings)}
    readings = [of_reading(f"accuracy_{shown}", own[0], name) for name, shown in names.items()]
    if "option_orders" in job.settings:
        readings += [of_reading("accuracy_cyclic", own[0], "cyclic"), value_of("order_agreement")]
    return (*own, *readings)


def answer(job: Job, model: Any) -> Answered:
    """The job's items: log-likelihoods of the options go into `log_likelihoods`."""
    from harness.protocols.lm_eval_tasks import Prepared, ask

    examples = choices(job)
    asked = _asked(job, put_of(job), examples)
    replies = ask(model, {name: Prepared(name, prompts) for name, prompts in asked.items()})
    values = {name: [replies[name][at].log_likelihoods for at in range(len(examples))] for name in asked}
    items = [item(one, outputs(one, at, values, job.settings)) for at, one in enumerate(examples)]
    return Answered(tuple(items), said(model))


def nearest(job: Job, cache: Path, progress: Progress) -> Answered:
    """The option whose vector has the largest cosine with the question's; the first of equal ones."""
    examples = choices(job)
    reader = Reader(job, (int(job.settings["layer"]),), cache, progress)
    asked = [" ".join(part for part in (one.context.strip(), one.question.strip()) if part) for one in examples]
    options = [option.strip() or "." for one in examples for option in one.options]
    vectors = reader.unit_vectors([*asked, *options], int(job.settings["layer"]))
    start = len(asked)
    items = []
    for at, one in enumerate(examples):
        cosines = vectors[start : start + len(one.options)] @ vectors[at]
        start += len(one.options)
        items.append(item(one, (int(cosines.argmax()), {"cosines": cosines.tolist()})))
    return Answered(tuple(items))


def said(model: Any) -> dict[str, Any]:
    """What our model must say of its answers; another backend says nothing."""
    notes: dict[str, Any] = {"contexts_cut": model.cut} if getattr(model, "cut", 0) else {}
    own = getattr(model, "scorer", None)
    if own is not None and model.backend == "causal" and own.model.whole:
        notes["whole_prompts"] = own.model.whole
    return notes


def item(example: Choice, found: tuple[int, Mapping[str, Any]]) -> Item:
    """One example with its answer and its readings."""
    output, readings = found
    return Item(example.id, example.answer, output, example.cluster, {**filed(example), **readings})


def choices(job: Job) -> tuple[Choice, ...]:
    """The job's examples."""
    assert isinstance(job.loaded.examples, tuple)
    return tuple(one for one in job.loaded.examples if isinstance(one, Choice))


def solved(loaded: Loaded) -> tuple[Choice, ...]:
    """The solved questions."""
    return tuple(one for one in loaded.shots if isinstance(one, Choice))


def put_of(job: Job) -> Put:
    """How the job's questions are put."""
    words: Wording = NATIVE[job.language] if job.settings["instruction"] == "native" else ENGLISH
    style: Style = STYLES[job.task.name]
    return Put(style, words, shots_by_subject(solved(job.loaded), int(job.settings["shots"])))


def outputs(
    example: Choice, at: int, values: Mapping[str, Sequence[Sequence[float]]], settings: Mapping[str, Any]
) -> tuple[int, dict[str, Any]]:
    """(main answer, readings) of one example from the log-likelihoods of each kind of prompt."""
    readings: dict[str, Any] = {}
    if "letters" in values:
        letters = np.array(values["letters"][at])
        readings |= {"letters": int(letters.argmax()), "log_likelihoods": letters.tolist()}
    if "texts" in values:
        texts, alone = np.array(values["texts"][at]), np.array(values["alone"][at])
        lengths = np.array([max(1, len(option.strip())) for option in example.options])
        found = (texts, texts / lengths, texts - alone)
        readings |= {name: int(one.argmax()) for name, one in zip(TEXTS, found, strict=True)}
        readings["text_log_likelihoods"] = texts.tolist()
    if "option_orders" in settings:
        readings |= _rotated(example, at, values)
    return int(readings[settings["main"]]), readings


def _rotated(example: Choice, at: int, values: Mapping[str, Sequence[Sequence[float]]]) -> dict[str, Any]:
    """The answer by the mean log-probability of each option over all rotations, and the share of rotations that give
    the main one."""
    count = len(example.options)
    total = np.zeros(count)
    given = []
    for shift in range(count):
        found = np.array(values["letters" if shift == 0 else f"rotation{shift}"][at])
        shares = found - np.logaddexp.reduce(found)
        order = [(place + shift) % count for place in range(count)]
        total[order] += shares
        given.append(order[int(found.argmax())])
    return {"cyclic": int(total.argmax()), "order_agreement": given.count(given[0]) / count}


def _asked(job: Job, put: Put, examples: Sequence[Choice]) -> dict[str, list[Options]]:
    answers = str(job.settings["answers"])
    asked: dict[str, list[Options]] = {}
    if answers in ("letters", "both"):
        asked["letters"] = [put.lettered(one) for one in examples]
        most = max(len(one.options) for one in examples) if "option_orders" in job.settings else 1
        for shift in range(1, most):
            asked[f"rotation{shift}"] = [put.lettered(one, shift) for one in examples]
    if answers in ("text", "both"):
        asked["texts"] = [put.texts(one) for one in examples]
        asked["alone"] = [put.alone(one) for one in examples]
    return asked


def _readings(settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of further readings; the main one has the task's own name."""
    answers = settings.get("answers")
    there = (*(("letters",) if answers in ("letters", "both") else ()), *(TEXTS if answers in ("text", "both") else ()))
    return tuple(name for name in there if name != settings.get("main"))

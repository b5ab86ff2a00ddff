"""How much work a job is, counted in its texts before anything runs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.examples import Caption, Choice, Classify, Examples, Mining, Pair, Span, Tag, Word
from harness.plan import Job

# Characters of a token: between those of Latin scripts (4) and of Chinese (1.5); only ratios of jobs depend on it.
CHARACTERS = 3.0
# What a token costs in training beside one that is predicted: forward, and backward twice that.
TRAINING = 3.0
# Seconds that one similarity costs beside its product (docs/decisions.md), and products in a second, on two cores.
SIMILARITY = 7e-9
PRODUCTS = 1e11


@dataclass(frozen=True)
class Workload:
    """`tokens` are read by the model up to the layer that is asked for, `trained` in training, over
    all epochs and settings of a grid, in so many `steps`, and `judged` in choosing among its checkpoints; `models` are
    kept; `sentences` and `similarities` are those of a search; `items` are scored."""

    tokens: float
    items: int
    sentences: int = 0
    similarities: float = 0.0
    trained: float = 0.0
    steps: float = 0.0
    judged: float = 0.0
    models: int = 0


def workload(job: Job, training: bool = True) -> Workload:
    """A job's, with all the training of its model, which it may share with others, unless that is left out."""
    examples = job.loaded.examples
    settings = job.settings
    limit = int(settings.get("max_length", 512))
    if isinstance(examples, Mining):
        sides = [(len(one.source.texts), len(one.target.texts)) for one in examples.corpora]
        similarities = float(sum(a * b for a, b in sides))
        texts = examples.texts
        return Workload(counted_tokens(texts, limit), sum(a for a, _ in sides), len(texts), similarities)
    if job.protocol == "retrieve":
        texts = [text for one in examples for text in rows(one)]
        # once as they are, once centred
        return Workload(counted_tokens(texts, limit), len(examples), len(texts), 2.0 * len(examples) ** 2)
    read = [rows(one) for one in examples]
    tokens = sum(counted_tokens(one, limit) for one in read)
    if job.protocol == "prompt":
        shots = sum(counted_tokens(rows(one), limit) for one in job.loaded.shots) / max(1, len(job.loaded.shots))
        tokens += shots * float(settings.get("shots", 0)) * len(examples)
    if job.training is None or job.protocol != "transfer" or not training:
        return Workload(tokens, len(examples))
    return Workload(tokens, len(examples), 0, 0.0, *_training(job, limit))


def _training(job: Job, limit: int) -> tuple[float, float, float, int]:
    """(tokens trained, steps, tokens judged, models), over all settings of a grid."""
    assert job.training is not None
    settings, count = job.settings, max(1, len(job.training.train))
    grid = settings.get("grid", {})
    models = 1
    for values in grid.values():
        models *= len(values)
    epochs = sum(grid["epochs"]) / len(grid["epochs"]) if "epochs" in grid else float(settings.get("epochs", 3))
    batch = int(settings.get("batch_size", 32))
    steps = epochs * -(-count // batch)
    if settings.get("max_steps"):
        steps = min(steps, float(settings["max_steps"]))
    once = sum(counted_tokens(rows(one), limit) for one in job.training.train)
    every = float(settings.get("evaluate_every") or -(-count // batch))
    dev = job.training.dev[: settings.get("dev_limit")]
    judged = sum(counted_tokens(rows(one), limit) for one in dev) * max(1.0, steps // every)
    return models * once * steps * batch / count, models * steps, models * judged, models


def texts_of(examples: Examples | Sequence[Any], most: int) -> list[str]:
    """Texts that a model reads, at most so many, evenly from all."""
    if isinstance(examples, Mining):
        found = examples.texts
        return found[:: max(1, len(found) // most)][:most]
    chosen = examples[:: max(1, len(examples) // most)][:most]
    return [rows(one)[0] for one in chosen]


def count_texts(examples: Examples) -> int:
    """How many texts a model reads."""
    if isinstance(examples, Mining):
        return len(examples.texts)
    return sum(len(rows(one)) for one in examples)


def rows(example: Any) -> list[str]:
    """The texts that a model reads for an example, each once as often as it is read."""
    match example:
        case Classify():
            found = [f"{example.first} {example.second or ''}"]
        case Tag():
            found = [" ".join(example.words)]
        case Span():
            found = [f"{example.question} {example.context}"]
        case Choice():
            found = [f"{example.context} {example.question} {option}" for option in example.options]
        case Pair() | Word():
            found = [example.source, example.target]
        case Caption():
            # Its image is not counted.
            found = [example.text]
        case _:
            found = [str(example)]
    return found


def counted_tokens(texts: Iterable[str], limit: int) -> float:
    """Tokens by a count of characters; a text is cut to the limit."""
    return sum(min(float(limit), 2 + len(text) / CHARACTERS) for text in texts)


def cost(job: Job, trained: bool) -> float:
    """Roughly the seconds on two cores; only ratios count. `trained` says that the job's model is there already."""
    work = workload(job, training=not trained)
    layer = int(job.settings.get("layer") or job.checkpoint.layers)
    # Twelve squares of the width are a layer's weights; a product and a sum each.
    token = 24.0 * layer * job.checkpoint.width**2 / PRODUCTS
    search = work.similarities * (SIMILARITY + 2 * job.checkpoint.width / PRODUCTS)
    training = 0.0 if trained else (TRAINING * work.trained + work.judged) * token
    # Resampling, reading and writing: about what was seen on bundled data.
    return work.tokens * token + search + training + 0.02 + 1e-4 * work.items

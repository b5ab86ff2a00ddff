"""The protocol `retrieve`: frozen sentence vectors, nearest neighbours, no training.

Yields (job, items) as soon as a language is done; every further reading comes from the same vectors."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness.checkpoint import Checkpoint
from harness.errors import HarnessError, unknown_names
from harness.examples import Comparable, Mining, Pair
from harness.metrics.score import Item, Metric
from harness.plan import Answer, Answered, Job, Progress, Protocol, Resolved, task_metrics
from harness.protocols import pictures, words
from harness.protocols.finder import Finder
from harness.protocols.reader import AtLayer, Reader, Readers, kind_of
from harness.retrieval.vectors import Matrix
from harness.settings import Settings
from harness.tasks.source import Source
from harness.tasks.task import Task

if TYPE_CHECKING:
    from harness.retrieval.neighbours import Both

NO_LENGTH = 1_000_000
# Sentences embedded together: enough to fill batches of equal length, few enough for languages to be done one by one.
TOGETHER = 10_000
POOLINGS = ("mean", "mean_no_special", "mean_no_first", "cls", "last", "max", "sentence-transformers")

# LASER's and XTREME's neighbourhood for margins; CSLS is conventionally over ten (Lample et al. 2018).
MARGIN_NEIGHBOURS = 4
CSLS_NEIGHBOURS = 10


def variants(checkpoint: Checkpoint, task: Task, settings: Settings) -> Sequence[Settings]:
    """`--layer all` is every layer, all with the one pooling that every layer has; words are always asked so."""
    if task.form == "caption" or (settings.layer != "all" and not (task.form == "words" and settings.layer is None)):
        return (settings,)
    pooling = settings.pooling or "mean"
    return [replace(settings, layer=layer, pooling=pooling) for layer in range(1, checkpoint.layers + 1)]


def resolve(checkpoint: Checkpoint, task: Task, settings: Settings, source: Source) -> Resolved:
    """Layer, pooling, length: those asked for, or the checkpoint's own; by what neighbours are found; of images those
    that its tower reads."""
    if task.form == "caption":
        return _of_tower(checkpoint, settings)
    if task.form == "words":
        settings = replace(settings, pooling="mean")
    resolved = {**sentence_settings(checkpoint, settings), "engine": settings.engine}
    approximate = settings.engine not in ("exact", "faiss")
    if settings.engine in ("auto", "ivf", "ivfpq"):
        resolved["aimed_recall"] = settings.recall
    layer, own = resolved["layer"], "sentence-transformers" if checkpoint.sentence else "mean"
    marks = [f"layer{layer}"] if layer != checkpoint.default_layer else []
    marks += [resolved["pooling"]] if resolved["pooling"] != own else []
    marks += [f"length{settings.max_length}"] if settings.max_length else []
    marks += [settings.dtype] if settings.dtype != "float32" else []
    marks += [settings.engine] if approximate else []
    marks += [f"recall{settings.recall:g}"] if approximate and settings.recall != Settings.recall else []
    return Resolved(resolved, tuple(marks))


def sentence_settings(checkpoint: Checkpoint, settings: Settings) -> dict[str, Any]:
    """What decides a sentence's vector: layer, pooling, length, dtype."""
    layer = checkpoint.default_layer if settings.layer is None else int(settings.layer)
    if not 1 <= layer <= checkpoint.layers:
        raise HarnessError(
            f"{checkpoint.name} has {checkpoint.layers} layers, --layer {settings.layer} is none of them.",
            f"Choose 1 to {checkpoint.layers}.",
        )
    own = "sentence-transformers" if checkpoint.sentence and layer == checkpoint.layers else "mean"
    pooling = settings.pooling or own
    if pooling not in POOLINGS:
        raise unknown_names("pooling", [pooling], POOLINGS, f"Choose one of {', '.join(POOLINGS)}.")
    if pooling == "sentence-transformers" and not checkpoint.sentence:
        raise HarnessError(
            f"{checkpoint.name} is no sentence-transformers folder and has no pooling of its own.",
            "Choose --pooling mean, cls, mean_no_special, last or max.",
        )
    return {
        "layer": layer,
        "pooling": pooling,
        "max_length": max_length(checkpoint, pooling, settings.max_length),
        "dtype": settings.dtype,
    }


def _of_tower(checkpoint: Checkpoint, settings: Settings) -> Resolved:
    read = {"max_length": max_length(checkpoint, "mean", settings.max_length), "dtype": settings.dtype}
    read["engine"] = "exact"
    marks = [f"length{settings.max_length}"] if settings.max_length else []
    marks += [settings.dtype] if settings.dtype != "float32" else []
    return Resolved(pictures.resolved(checkpoint, read), tuple(marks))


def max_length(checkpoint: Checkpoint, pooling: str, asked: int | None) -> int:
    """Tokens, special ones included: as asked; else the folder's own limit for its own pooling, else XTREME's 512;
    never more than the model has positions for or its tokenizer allows."""
    own = checkpoint.sentence.max_length if pooling == "sentence-transformers" and checkpoint.sentence else None
    stated = (checkpoint.tokenizer or checkpoint.path) / "tokenizer_config.json"
    allowed = json.loads(stated.read_text("utf-8")).get("model_max_length") if stated.is_file() else None
    limits = [asked or own or 512, checkpoint.max_positions, allowed]
    # transformers writes 1e30 where a tokenizer states no length.
    return int(min(one for one in limits if one is not None and one < NO_LENGTH))


def run(jobs: Sequence[Job], cache: Path, progress: Progress) -> Iterator[tuple[Job, Answer]]:
    """Answers all retrieval jobs of one checkpoint. Jobs that differ in the layer alone share one forward pass."""
    readers = Readers(jobs, cache, progress)
    ahead = 0
    for at, job in enumerate(jobs):
        if at >= ahead:
            ahead = at + embed_together(jobs[at:], readers, cache / "together")
        find = Finder(job, cache / "searches", progress)
        try:
            yield job, _answer(job, readers, find, cache)
        except HarnessError as error:
            yield job, error
        # The caller has written the result.
        find.forget()


def embed_together(jobs: Sequence[Job], readers: Readers, marks: Path) -> int:
    """Embeds the sentences of the first jobs, of one at least, and says of how many. Vectors do not depend on their
    company; batches of equal length are filled better, and the passes take less time.

    A mark stands in `marks` meanwhile: where a process died over these jobs, the next one embeds them one by one, so
    that one bad language stops none of the others."""
    texts: dict[Reader, set[str]] = {}
    count = 0
    for job in jobs:
        # Layers of a language have the same sentences.
        new = set(sentences(job)) - texts.get(readers.of(job).reader, set())
        if count and sum(map(len, texts.values())) + len(new) > TOGETHER:
            break
        texts.setdefault(readers.of(job).reader, set()).update(new)
        count += 1
    first = jobs[0]
    of = (first.checkpoint.fingerprint, first.task.name, first.language, *kind_of(first))
    mark = marks / hashlib.sha256(repr(of).encode()).hexdigest()[:16]
    if mark.exists():
        mark.unlink(missing_ok=True)
        return count
    marks.mkdir(parents=True, exist_ok=True)
    mark.touch()
    for reader, every in texts.items():
        # A sentence that cannot be embedded is the failure of its own job, which will meet it again.
        with suppress(HarnessError):
            reader.keep(sorted(every))
    mark.unlink(missing_ok=True)
    return count


def sentences(job: Job) -> list[str]:
    """What a job embeds by its own pooling."""
    examples = job.loaded.examples
    if isinstance(examples, Mining):
        return examples.texts
    return [text for one in examples if isinstance(one, Pair) for text in (one.source, one.target)]


def _answer(job: Job, readers: Readers, find: Finder, cache: Path) -> Answered:
    if job.task.form == "caption":
        return pictures.answer(job, readers.of(job), cache)
    if job.task.form == "words":
        return words.answer(job, {end: readers.of(job, pooling) for end, pooling in words.POOLINGS.items()}, find)
    return answer(job, readers.of(job), find)


def answer(job: Job, reader: AtLayer, find: Finder) -> Answered:
    """Items of one language, in the benchmark's official order; an approximate engine's lowest recall."""
    examples = job.loaded.examples
    if isinstance(examples, Mining):
        items = mine(examples.tune, reader, "dev", find)
        items += mine(examples.test, reader, "test", find) if examples.test is not None else ()
    else:
        items = retrieve([one for one in examples if isinstance(one, Pair)], reader, find)
    return Answered(items, find.readings())


def retrieve(pairs: Sequence[Pair], reader: AtLayer, find: Finder) -> tuple[Item, ...]:
    """For each pair the row found in the official direction, and by every further reading."""
    queries = reader.unit_vectors([pair.source for pair in pairs])
    targets = reader.unit_vectors([pair.target for pair in pairs])
    both = find(queries, targets, min(CSLS_NEIGHBOURS, len(pairs)))
    rows = np.array([pair.row for pair in pairs])
    readings = {name: rows[found] for name, found in further(queries, targets, both, find).items()}
    tokens = reader.tokens([pair.target for pair in pairs])
    return tuple(
        Item(
            id=str(pair.row),
            gold=pair.row,
            output=int(rows[both.forward_index[at, 0]]),
            cluster=str(pair.row),
            readings={**{name: int(found[at]) for name, found in readings.items()}, **tokens[at]},
        )
        for at, pair in enumerate(pairs)
    )


def further(queries: Matrix, targets: Matrix, both: "Both", find: Finder) -> dict[str, NDArray[np.int64]]:
    """Positions found by the further readings, each (n,): the other direction, CSLS, centred vectors, ratio margin."""
    from harness.retrieval.margin import centre, csls, margins

    forward, backward = csls(queries, targets, both)
    centred = find(centre(queries), centre(targets), 1)
    scores = margins(both, "ratio", MARGIN_NEIGHBOURS)
    best = np.take_along_axis(both.forward_index, scores.argmax(axis=1)[:, None], axis=1)[:, 0]
    return {
        "accuracy_reverse": both.backward_index[:, 0],
        "csls": forward,
        "csls_reverse": backward,
        "accuracy_centred": centred.forward_index[:, 0],
        "accuracy_margin": best,
    }


def mine(corpora: Comparable, reader: AtLayer, split: str, find: Finder) -> tuple[Item, ...]:
    """One item for each source sentence that has a gold pair or a candidate, ids marked with the split."""
    from harness.retrieval.mine import mine_corpora, unambiguous

    texts = corpora.source.texts, corpora.target.texts
    vectors = reader.unit_vectors(texts[0]), reader.unit_vectors(texts[1])
    found = unambiguous(mine_corpora(texts, vectors, find, MARGIN_NEIGHBOURS), texts)
    gold: dict[str, list[str]] = {}
    for source_id, target_id in corpora.gold:
        gold.setdefault(source_id, []).append(target_id)
    candidates = {
        corpora.source.ids[row]: {"target": corpora.target.ids[column], "score": float(score)}
        for row, column, score in zip(found.source, found.target, found.score, strict=True)
    }
    named = dict.fromkeys([*gold, *candidates])
    return tuple(Item(f"{split}/{one}", gold.get(one, []), candidates.get(one), f"{split}/{one}") for one in named)


def metrics(job: Job, language: str) -> tuple[Metric, ...]:
    """The task's, and of images those that the checkpoint has seen."""
    return pictures.metrics(job, language) if job.task.form == "caption" else task_metrics(job, language)


PROTOCOL = Protocol("retrieve", pictures.lacking, resolve, run, seedless=True, variants=variants, metrics=metrics)

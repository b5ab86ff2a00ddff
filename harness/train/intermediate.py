"""`harness train`: a base checkpoint and recipes in, an ordinary checkpoint with a manifest out.

Started by torchrun in several processes, all read the same data and train together; the first one writes."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.checkpoint import Checkpoint, open_checkpoint
from harness.checkpoint.manifest import FILE, HASHES, TrainingTexts, read_manifest, texts_of, write_texts
from harness.errors import HarnessError
from harness.heads.tokeniser import open_tokeniser
from harness.tasks.source import Source
from harness.train import record
from harness.train.assemble import Assembled, Bench, assemble, dev_scores
from harness.train.board import on_board
from harness.train.export import export, export_towers
from harness.train.gallery import content_of, gallery_of
from harness.train.loop import train
from harness.train.material import Material
from harness.train.problem import Progress
from harness.train.reading import read_materials
from harness.train.recipes import Part, parse, settings_of
from harness.train.request import Request
from harness.train.scratch import make_scratch
from harness.train.settings import TrainSettings, total_steps, warnings
from harness.train.shared_encoder import Base, load_carrier, needs_mlm

SCRATCH = "mlm_scratch"
CONTRASTIVE = ("contrast", "caption")


@dataclass(frozen=True)
class Made:
    """The checkpoint's folder and its manifest (of the first process); `kept`: it was there already."""

    folder: Path
    manifest: Mapping[str, Any]
    kept: bool = False


@dataclass(frozen=True)
class Survey:
    """What a training would be: its steps by its own settings, tokens of a step (the expected number of real ones), the
    data sets' names, and hashes of all texts, those of the base's own training among them."""

    steps: int
    batch_size: int
    tokens_per_step: float
    names: tuple[str, ...]
    texts: TrainingTexts


def survey(request: Request, source: Source) -> Survey:
    """Reads and cuts all that `make` would train on, and trains nothing. HarnessError for every mistake in the
    request."""
    parts = parse(request.recipe)
    general = replace(settings_of(parts), **request.overrides)
    _check(request, parts)
    materials = read_materials(parts, source, request.wish, request.limit, request.allow_contaminated)
    checkpoint = _open_base(request, materials, general.seed)
    if any(part.recipe.form == "mlm" for part in parts):
        needs_mlm(checkpoint, parts[0].recipe.name)
    before = texts_of(read_manifest(checkpoint.folder or checkpoint.path))
    base = load_carrier(checkpoint, general.seed)
    gallery = gallery_of(source, request.state, request.dual)
    bench = Bench(checkpoint, open_tokeniser(checkpoint), base, general.seed, request.layer, gallery)
    own = {part.recipe.name: replace(part.recipe.settings, **request.overrides) for part in parts}
    assembled = assemble(bench, parts, materials, own, request.mixing)
    batches = _batches(assembled, general)
    # Of in-batch negatives an epoch's last, smaller batch is not read.
    read = [min(drawn, count * general.batch_size) for drawn, count in zip(assembled.drawn, batches, strict=True)]
    tokens = sum(float(one.lengths.mean()) * count for one, count in zip(assembled.components, read, strict=True))
    return Survey(
        steps=total_steps(general, sum(batches)),
        batch_size=general.batch_size,
        tokens_per_step=tokens / sum(batches),
        names=tuple(dict.fromkeys(one.material.name for one in assembled.components)),
        texts=record.training_texts([one.material for one in assembled.components], before),
    )


def make(request: Request, source: Source, progress: Progress, say: Callable[[str], None] = lambda text: None) -> Made:
    """Trains and writes the checkpoint; a training that was killed goes on where it stood. `say` hears warnings.
    HarnessError for every mistake in the request before any compute, and where the output holds something else."""
    parts = parse(request.recipe)
    general = replace(settings_of(parts), **request.overrides)
    _check(request, parts)
    materials = read_materials(parts, source, request.wish, request.limit, request.allow_contaminated)
    checkpoint = _open_base(request, materials, general.seed)
    gallery = gallery_of(source, request.state, request.dual)
    captioned = {"dual": record.settings_record(request.dual), "images": content_of(gallery, parts, materials)}
    wanted = _asked(request, parts, checkpoint, materials, general)
    wanted |= captioned if any(part.recipe.form == "caption" for part in parts) else {}
    there = _there(request.output, wanted)
    if there is not None:
        return there
    before = texts_of(read_manifest(checkpoint.folder or checkpoint.path))
    base = load_carrier(checkpoint, general.seed)
    bench = Bench(checkpoint, open_tokeniser(checkpoint), base, general.seed, request.layer, gallery)
    own = {part.recipe.name: replace(part.recipe.settings, **request.overrides) for part in parts}
    assembled = assemble(bench, parts, materials, own, request.mixing)
    for warning in warnings(general, total_steps(general, sum(_batches(assembled, general)))):
        say(warning)
    trained = train(assembled.problem, general, request.state, on_board(request.board if _first() else None, progress))
    scores = dev_scores(assembled.components, assembled.problem.model)
    if not _first():
        return Made(request.output, {})
    written = {
        **wanted,
        "data": record.describe(assembled, source),
        "vectors": dict(assembled.vectors),
        **record.held_out([one.material for one in assembled.components]),
        "heads": {name: {"form": one.form, "labels": len(one.model.labels)} for name, one in assembled.heads.items()},
        "training": record.outcome(trained),
        "dev": scores,
        "run": record.surroundings(trained),
    }
    texts = record.training_texts([one.material for one in assembled.components], before)
    _write(request, (checkpoint, base), assembled, written, texts)
    return Made(request.output, written)


def _check(request: Request, parts: Sequence[Part]) -> None:
    """What can be said without reading anything."""
    scratch = parts[0].recipe.name == SCRATCH
    if scratch and request.base is not None:
        raise HarnessError("mlm_scratch makes its own base.", "Leave --base out, or choose --recipe mlm.")
    if not scratch and request.base is None:
        raise HarnessError("There is no checkpoint to train.", "Give --base, or make one with --recipe mlm_scratch.")
    if request.layer is not None and not any(part.recipe.form in CONTRASTIVE for part in parts):
        raise HarnessError("--layer is for pairs and lexical alone, and for captions.", "Leave it out.")
    try:
        request.output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HarnessError(f"{request.output} cannot be made: {error.strerror}.", "Choose another --output.") from error
    if not os.access(request.output.parent, os.W_OK):
        raise HarnessError(f"{request.output.parent} cannot be written.", "Choose another --output.")


def _open_base(request: Request, materials: Mapping[str, Sequence[Material]], seed: int) -> Checkpoint:
    """The checkpoint that is trained. One from scratch is made by every process for itself, with the same bytes."""
    if request.base is not None:
        return open_checkpoint(request.base, request.trust_remote_code)
    folder = request.state / f"scratch-{os.environ.get('RANK', '0')}"
    texts = [str(line) for each in materials.values() for one in each for line in one.train]
    shutil.rmtree(folder, ignore_errors=True)
    make_scratch(texts, request.sizes, seed, folder)
    return replace(open_checkpoint(str(folder)), name="scratch")


def _asked(
    request: Request,
    parts: Sequence[Part],
    checkpoint: Checkpoint,
    materials: Mapping[str, Sequence[Material]],
    settings: TrainSettings,
) -> dict[str, Any]:
    """What decides the checkpoint that comes out: the same request on the same data is not trained twice."""
    if any(part.recipe.form == "mlm" for part in parts):
        needs_mlm(checkpoint, parts[0].recipe.name)
    data = {name: [one.data for one in each] for name, each in materials.items()}
    scratch = request.base is None
    return {
        "recipe": request.recipe,
        "parts": [{"recipe": part.recipe.name, "weight": part.weight} for part in parts],
        "parents": [] if scratch else [record.parent(checkpoint)],
        "settings": settings.as_signature(),
        "seed": settings.seed,
        "mixing": record.settings_record(request.mixing),
        "layer": request.layer,
        "scratch": record.settings_record(request.sizes) if scratch else None,
        "hashes": data,
    }


def _there(output: Path, wanted: Mapping[str, Any]) -> Made | None:
    """The finished checkpoint, where the output holds just what is asked for; HarnessError where it holds another."""
    if not output.exists() or (output.is_dir() and not any(output.iterdir())):
        return None
    manifest = read_manifest(output) if output.is_dir() else None
    if manifest is None:
        raise HarnessError(f"{output} is there already and holds no training.", "Choose another --output.")
    stored = manifest.record
    other = [name for name, value in wanted.items() if name != "parents" and stored.get(name) != value]
    marks = [[one["fingerprint"] for one in record_["parents"]] for record_ in (wanted, stored)]
    other += ["base"] if marks[0] != marks[1] else []
    if other:
        raise HarnessError(f"{output} was trained with other {', '.join(other)}.", "Choose another --output.")
    return Made(output, stored, kept=True)


def _batches(assembled: Assembled, settings: TrainSettings) -> list[int]:
    """Of each component in an epoch, as the loop makes them."""
    size = settings.batch_size
    parts = zip(assembled.components, assembled.drawn, strict=True)
    return [max(1, drawn // size) if one.whole else -(-drawn // size) for one, drawn in parts]


def _write(
    request: Request,
    stands_on: tuple[Checkpoint, Base],
    made: Assembled,
    written: Mapping[str, Any],
    texts: TrainingTexts,
) -> None:
    """The folder appears by a rename when all is in it."""
    checkpoint, base = stands_on
    temporary = request.output.with_name(f"{request.output.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    export(checkpoint, base, made.heads, temporary)
    export_towers(made.duals, [one.material for one in made.components], temporary, request.dual)
    write_texts(texts, temporary / HASHES)
    (temporary / FILE).write_text(record.as_json(written), "utf-8")
    if request.output.is_dir():
        request.output.rmdir()
    temporary.rename(request.output)
    shutil.rmtree(request.state, ignore_errors=True)


def _first() -> bool:
    return os.environ.get("RANK", "0") == "0"

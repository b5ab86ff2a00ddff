"""What a token costs a checkpoint on the device at hand, measured in a few seconds on the jobs' own texts.

A prediction and, where jobs train, a training step are run; neither is kept."""

import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.plan import Job
from harness.work.workload import counted_tokens, texts_of

if TYPE_CHECKING:
    import torch

    from harness.checkpoint import Checkpoint

# Texts that are tokenised: so many that their batches are as full as the run's; batches of them that are run, and
# seconds after which no further one is begun.
SAMPLE, BATCHES, ENOUGH = 4000, 24, 3.0
# Examples of one training step that is measured.
BATCH = 8
# Training steps: the first one warms up.
STEPS = 2


@dataclass(frozen=True)
class Rates:
    """Seconds to load the model, to read a token in one layer, to train on a token in all layers, and for the
    optimizer's step; how many of the tokenizer's tokens there are for each that `workload` counts; `peak` bytes of
    memory (the GPU's, or the process's) and `weights` bytes of the model in float32."""

    load: float
    token: float
    tokens_per_counted: float
    peak: int
    weights: int
    trained_token: float = 0.0
    step: float = 0.0


def calibrate(jobs: Sequence[Job]) -> Rates:
    """Rates of the jobs' one checkpoint. HarnessError where it cannot be loaded, as the run would say."""
    from harness.retrieval.embed import batches, embed_batches, tokenise
    from harness.retrieval.encoder import EncoderSettings, load_encoder

    checkpoint, device = jobs[0].checkpoint, jobs[0].device
    dtype = next((str(job.settings["dtype"]) for job in jobs if job.protocol == "retrieve"), "float32")
    started = time.perf_counter()
    wanted = EncoderSettings(layer=checkpoint.layers, pooling="mean", dtype=dtype, device=device, max_length=None)
    encoder = load_encoder(checkpoint, wanted)
    load = time.perf_counter() - started
    texts = _sample(jobs)
    ids = tokenise(encoder, texts)
    tokens = sum(map(len, ids))
    counted = counted_tokens(texts, encoder.max_length)
    # From all lengths: the longest, which come first, are the least full.
    waiting = list(batches(encoder, ids))
    chosen = waiting[:: -(-len(waiting) // BATCHES)]
    read, seconds = 0, 0.0
    for number, indices in enumerate([chosen[len(chosen) // 2], *chosen]):
        began = time.perf_counter()
        for _ in embed_batches(encoder, [ids[index] for index in indices]):
            _wait(encoder.device)
        if number:
            seconds += time.perf_counter() - began
            read += sum(len(ids[index]) for index in indices)
        if seconds > ENOUGH:
            break
    weights = 4 * sum(one.numel() for one in encoder.model.parameters())
    token = seconds / max(1, read) / checkpoint.layers
    place = encoder.device
    del encoder
    trained = next((job for job in jobs if job.protocol == "transfer" and job.training and job.training.train), None)
    measured = _training(checkpoint, trained, place) if trained is not None else (0.0, 0.0)
    return Rates(load, token, tokens / max(1.0, counted), _peak(place), weights, *measured)


def _training(checkpoint: "Checkpoint", job: Job, device: "torch.device") -> tuple[float, float]:
    """(seconds a token, forward and backward; seconds of the optimizer's step)."""
    import torch

    from harness.heads import HEADS
    from harness.heads.head import Encoding, collate, loss
    from harness.heads.model import NewHead, build
    from harness.heads.tokeniser import open_tokeniser
    from harness.protocols.tuning import train_settings

    assert job.training is not None
    head, tokeniser, settings = HEADS[job.task.form], open_tokeniser(checkpoint), train_settings(job)
    module = build(checkpoint, tokeniser, NewHead(head, job.task.labels, 0)).module.float().to(device).train()
    examples = job.training.train[:BATCH]
    features = head.encode(examples, Encoding(tokeniser, settings.max_length, job.task.labels, training=True))
    batch = {name: tensor.to(device) for name, tensor in collate(head, features, range(len(examples))).items()}
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-6)
    tokens = int(batch["input_ids"].numel())
    times: list[tuple[float, float]] = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        began = time.perf_counter()
        total, count = loss(head, module, batch)
        (total / count.clamp(min=1)).backward()  # type: ignore[no-untyped-call]
        _wait(device)
        middle = time.perf_counter()
        optimizer.step()
        _wait(device)
        times.append((middle - began, time.perf_counter() - middle))
    return times[-1][0] / max(1, tokens), times[-1][1]


def _sample(jobs: Sequence[Job]) -> list[str]:
    """Texts from all jobs, evenly."""
    each = max(1, SAMPLE // len(jobs))
    found = [text for job in jobs for text in texts_of(job.loaded.examples, each)]
    return [text for text in found if text.strip()] or ["."]


def _wait(device: "torch.device") -> None:
    if device.type == "cuda":
        import torch

        torch.cuda.synchronize(device)


def _peak(device: "torch.device") -> int:
    if device.type == "cuda":
        import torch

        return int(torch.cuda.max_memory_allocated(device))
    # kilobytes on Linux, bytes on macOS
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

"""Training throughput beside transformers' Trainer: MiniLM, sentence pairs of XNLI's lengths, the same
batches.

    python -m benchmarks.training [--steps 8] [--rounds 5] [--threads 1]

Runs take turns in one process; printed are the medians over rounds of real tokens per second, the first step
of a run not counted. Trainer pads an effective batch of 32 as one (its default) or in four of 8 (XTREME's
scripts); ours is `harness.train` as it stands. Batches are drawn at random, as XTREME and Trainer do, and in
pools dealt out by length. Every run starts from the same weights; without dropout the losses must agree. The last
table is with the model's own dropout, as a training is."""

import argparse
import statistics
import tempfile
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader
from transformers import AutoModelForSequenceClassification, Trainer, TrainerCallback, TrainingArguments

from benchmarks.minilm import minilm
from harness.train.batches import epoch_batches
from harness.train.loop import train
from harness.train.problem import Problem
from harness.train.settings import TrainSettings

# MNLI pairs in MiniLM's tokens: mean 40.3, median 37, 95th percentile 73, cut at 128 (counted on 3,000 of
# them).
MEDIAN, SPREAD, SHORTEST, LONGEST = 37.0, 0.42, 9, 128
CLASSES = 3


# on the wall, of the process over all its threads
Stamp = tuple[float, float]


@dataclass(frozen=True)
class Speed:
    """What one run gave."""

    tokens_per_second: float
    tokens_per_processor_second: float
    losses: tuple[float, ...]


def load_model(dropout: float) -> torch.nn.Module:
    torch.manual_seed(0)
    return AutoModelForSequenceClassification.from_pretrained(
        minilm(), num_labels=CLASSES, hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout
    )


def draw(count: int) -> list[torch.Tensor]:
    random = np.random.default_rng(0)
    lengths = np.clip(np.exp(random.normal(np.log(MEDIAN), SPREAD, count)), SHORTEST, LONGEST).astype(int)
    return [torch.from_numpy(random.integers(1000, 30000, length)) for length in lengths]


def collate(texts: list[torch.Tensor], features: list[int]) -> dict[str, torch.Tensor]:
    ids = torch.nn.utils.rnn.pad_sequence([texts[at] for at in features], batch_first=True)
    return {
        "input_ids": ids,
        "attention_mask": (ids != 0).long(),
        "labels": torch.tensor([at % CLASSES for at in features]),
    }


def sum_loss(model: torch.nn.Module, batch: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    loss = torch.nn.functional.cross_entropy(logits, batch["labels"], reduction="sum")
    return loss, torch.tensor(len(logits))


def ours(texts: list[torch.Tensor], settings: TrainSettings, dropout: float) -> Speed:
    lengths = np.array([len(one) for one in texts])
    problem = Problem(load_model(dropout), lengths, lambda features: collate(texts, list(features)), sum_loss)
    times: list[Stamp] = []
    with tempfile.TemporaryDirectory() as folder:
        trained = train(problem, settings, Path(folder), lambda moment: times.append(stamp()))
    return measure(batches_of(texts, settings), lengths, times, trained.losses)


def batches_of(texts: list[torch.Tensor], settings: TrainSettings) -> list[list[int]]:
    lengths = np.array([len(one) for one in texts])
    drawn = epoch_batches(lengths, settings.batch_size, settings.length_pool, (settings.seed, 0))
    return [batch.tolist() for batch in drawn[: settings.max_steps]]


def stamp() -> Stamp:
    return time.perf_counter(), time.process_time()


def measure(batches: list[list[int]], lengths: np.ndarray, times: list[Stamp], losses: tuple[float, ...]) -> Speed:
    """Real tokens per second after the first step."""
    tokens = float(sum(lengths[batch].sum() for batch in batches[1:]))
    return Speed(tokens / (times[-1][0] - times[0][0]), tokens / (times[-1][1] - times[0][1]), losses)


class Clock(TrainerCallback):  # type: ignore[misc]
    """When each step ended, and its loss."""

    def __init__(self) -> None:
        self.times: list[Stamp] = []
        self.losses: list[float] = []

    def on_step_end(self, *_: object, **__: object) -> None:
        self.times.append(stamp())

    def on_log(self, *_: object, logs: dict[str, float], **__: object) -> None:
        self.losses += [logs["loss"]] if "loss" in logs else []


class SameBatches(Trainer):  # type: ignore[misc]
    """Trainer on given batches instead of its own sampler's."""

    given: list[list[int]]

    def get_train_dataloader(self) -> DataLoader:
        return DataLoader(self.train_dataset, batch_sampler=self.given, collate_fn=self.data_collator)


def theirs(texts: list[torch.Tensor], settings: TrainSettings, micro: int, dropout: float) -> Speed:
    batches = batches_of(texts, settings)
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        trainer = SameBatches(
            model=load_model(dropout),
            args=TrainingArguments(
                output_dir=folder,
                per_device_train_batch_size=micro,
                gradient_accumulation_steps=settings.batch_size // micro,
                max_steps=len(batches),
                learning_rate=settings.learning_rate,
                weight_decay=settings.weight_decay,
                logging_steps=1,
                save_strategy="no",
                report_to=[],
                disable_tqdm=True,
                use_cpu=True,
            ),
            train_dataset=range(len(texts)),
            data_collator=lambda features: collate(texts, features),
            callbacks=[clock],
        )
        trainer.given = [batch[at : at + micro] for batch in batches for at in range(0, len(batch), micro)]
        trainer.train()
    # with a model that takes further arguments Trainer adds up the mean losses of micro-batches
    losses = tuple(loss * micro / settings.batch_size for loss in clock.losses)
    return measure(batches, np.array([len(one) for one in texts]), clock.times, losses)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    texts = draw(64 * 32)
    base = TrainSettings(max_steps=options.steps, device="cpu")
    for pool, dropout in ((1, 0.0), (base.length_pool, 0.0), (1, 0.1)):
        settings = replace(base, length_pool=pool)
        given = {"settings": settings, "dropout": dropout}
        runs = {
            "ours": partial(ours, texts, **given),
            "Trainer 32": partial(theirs, texts, micro=32, **given),
            "Trainer 4 x 8": partial(theirs, texts, micro=8, **given),
        }
        found: dict[str, list[Speed]] = {name: [] for name in runs}
        for _ in range(options.rounds):
            for name, run in runs.items():
                found[name].append(run())
        drawn = "batches drawn at random" if pool == 1 else f"batches dealt out by length, {pool} at a time"
        print(f"{drawn}, dropout {dropout}")
        report(found, tolerance=0.2 if dropout else 2e-3)


def report(found: dict[str, list[Speed]], tolerance: float) -> None:
    for runs in found.values():
        np.testing.assert_allclose(runs[0].losses, found["ours"][0].losses, atol=tolerance)
    for unit, what in (("tokens_per_second", "second"), ("tokens_per_processor_second", "processor second")):
        print(f"  real tokens per {what}, median (least-most)")
        for name, runs in found.items():
            rates = [getattr(one, unit) for one in runs]
            own = statistics.median(getattr(one, unit) for one in found["ours"])
            middle = statistics.median(rates)
            faster = f"   ours is {own / middle:.2f} times as fast" if name != "ours" else ""
            print(f"    {name:14s} {middle:7.0f} ({min(rates):.0f}-{max(rates):.0f}){faster}")


if __name__ == "__main__":
    main()

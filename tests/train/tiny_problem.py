"""A tiny tagging problem: a BERT of 2 layers learns one tag for each of 40 words. Run as a program it trains
under one or more processes, writes what happened, and may kill itself on its way."""

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np
import torch
from transformers import BertConfig, BertForTokenClassification

from harness.train.loop import train
from harness.train.problem import Problem
from harness.train.settings import TrainSettings

WORDS = 40
TAGS = 5
TABLE = np.random.default_rng(5).integers(0, TAGS, WORDS)


def make_model(dropout=0.0, seed=1):
    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=WORDS,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=16,
        num_labels=TAGS,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
    )
    return BertForTokenClassification(config)


def make_sentences(count=60, seed=0):
    random = np.random.default_rng(seed)
    return [random.integers(1, WORDS, random.integers(2, 13)) for _ in range(count)]


def sum_loss(model, batch):
    """Every third word bears no tag, so that micro-batches differ in terms per token."""
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    labels = batch["labels"]
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=-100, reduction="sum")
    return loss, (labels != -100).sum()


def collate_with(sentences):
    def collate(features):
        longest = max(len(sentences[at]) for at in features)
        words = torch.zeros(len(features), longest, dtype=torch.long)
        labels = torch.full_like(words, -100)
        mask = torch.zeros_like(words)
        for row, at in enumerate(features):
            one = sentences[at]
            words[row, : len(one)] = torch.from_numpy(one)
            labels[row, : len(one)] = torch.from_numpy(np.where(one % 3 == 0, -100, TABLE[one]))
            mask[row, : len(one)] = 1
        return {"input_ids": words, "attention_mask": mask, "labels": labels}

    return collate


def make_problem(dropout=0.0, count=60, evaluate=None, **changes):
    sentences = make_sentences(count)
    parts = {
        "model": make_model(dropout),
        "lengths": np.array([len(one) for one in sentences]),
        "collate": collate_with(sentences),
        "loss": sum_loss,
        "evaluate": evaluate,
    }
    return Problem(**{**parts, **changes})


SETTINGS = TrainSettings(
    learning_rate=5e-3, epochs=2, batch_size=9, warmup=0.2, weight_decay=0.01, micro_tokens=24, device="cpu"
)


def main(folder, kill_at, how):
    def progress(moment):
        if moment.step == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    problem = make_problem(dropout=0.1 if "dropout" in how else 0.0)
    settings = TrainSettings(**{**vars(SETTINGS), "save_every": 3, "shard": "shard" in how})
    trained = train(problem, settings, folder, progress)
    norms = {name: weight.double().norm().item() for name, weight in problem.model.named_parameters()}
    found = {"losses": trained.losses, "processes": trained.processes, "norms": norms, "tokens": trained.tokens}
    (folder / f"process{os.environ.get('RANK', 'alone')}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])

"""Masked-language modelling on plain text (Devlin et al. 2019): 15% of the tokens are asked for, of which 80% are
masked, 10% exchanged and 10% left as they are, drawn anew each time.

A line is a row, and a long one several: the model also learns short sentences, which retrieval asks about."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from harness.errors import HarnessError
from harness.heads.features import Features, features, inputs, per_token
from harness.heads.head import cross_entropy
from harness.heads.predict import batches
from harness.heads.ragged import Integers, Ragged, bounds_of, spread
from harness.heads.rows import assemble
from harness.heads.tokeniser import Tokeniser, tokenise
from harness.train.component import Component
from harness.train.material import Material
from harness.train.problem import Batch
from harness.train.recipes import Part
from harness.train.settings import TrainSettings
from harness.train.shared_encoder import Shared

ASKED, MASKED, EXCHANGED = 0.15, 0.8, 0.1
IGNORED = -100
# Tokens judged together.
BUDGET = 4096


def masked_component(part: Part, material: Material, tokeniser: Tokeniser, settings: TrainSettings) -> Component:
    """Lines of text as a component. HarnessError: the tokenizer has no token that masks."""
    if tokeniser.tokenizer.mask_token_id is None:
        raise HarnessError("The tokenizer has no mask token.", "Give an encoder that was trained with one.")
    name = part.recipe.name
    rows = text_rows(tokeniser, [str(one) for one in material.train], settings.max_length)
    held = [str(one) for one in material.dev][: settings.dev_limit]
    return Component(
        task=name,
        material=material,
        weight=part.weight,
        lengths=rows.lengths,
        collate=lambda units: collate(rows, units, tokeniser),
        loss=lambda model, batch: masked_loss(lambda **given: model(name, **given), batch),
        judge=_judge(name, text_rows(tokeniser, held, settings.max_length), tokeniser, settings.seed) if held else None,
        metric="masked_probability",
    )


def text_rows(tokeniser: Tokeniser, texts: Sequence[str], max_length: int) -> Features:
    """One row for each text, several for one that is too long. Column `inside` (tokens,): 1 where a token is no
    special one."""
    room = tokeniser.room(max_length)
    found = tokenise(tokeniser, texts)
    pieces = np.maximum(-(-found.lengths // room), 1)
    number = np.repeat(np.arange(len(found)), pieces)
    first = spread(np.zeros(len(found), np.int64), pieces) * room
    lengths = np.minimum(found.lengths[number] - first, room)
    cut = Ragged(found.values[spread(found.bounds[:-1][number] + first, lengths)], bounds_of(lengths))
    rows = assemble(tokeniser, cut)
    return features(tokeniser, rows, number, {"inside": rows.layout.place(0, 1, np.zeros(0, np.int32))})


def collate(rows: Features, units: Integers, tokeniser: Tokeniser) -> Batch:
    """A batch with its questions: `target` (b, t), -100 where nothing is asked. Draws from torch's generator."""
    batch = inputs(rows, units)
    batch["input_ids"], batch["target"] = ask(batch["input_ids"], _inside(rows, units), tokeniser)
    return batch


def ask(
    ids: Tensor, inside: Tensor, tokeniser: Tokeniser, generator: torch.Generator | None = None
) -> tuple[Tensor, Tensor]:
    """(ids with some exchanged, targets). Of each row 15% of what is `inside` is asked for, at least one token."""
    shape = ids.shape
    chance = torch.rand(shape, generator=generator).masked_fill(~inside, 2.0)
    wanted = (inside.sum(1) * ASKED).round().clamp(min=1).minimum(inside.sum(1))
    asked = chance.argsort(dim=1).argsort(dim=1) < wanted[:, None]
    fate = torch.rand(shape, generator=generator)
    strange = torch.randint(len(tokeniser.tokenizer), shape, generator=generator)
    mask = tokeniser.tokenizer.mask_token_id
    changed = torch.where(asked & (fate < MASKED), torch.full_like(ids, mask), ids)
    changed = torch.where(asked & (fate >= MASKED) & (fate < MASKED + EXCHANGED), strange, changed)
    return changed, torch.where(asked, ids, torch.full_like(ids, IGNORED))


def _inside(rows: Features, units: Integers) -> Tensor:
    return per_token(rows, "inside", units, 0).bool()


def masked_loss(model: Callable[..., Any], batch: Batch) -> tuple[Tensor, Tensor]:
    """Cross-entropy over the tokens that are asked for, and their count."""
    given = {name: tensor for name, tensor in batch.items() if name != "target"}
    asked = batch["target"] != IGNORED
    return cross_entropy(model(asked=asked, **given), batch["target"][asked])


def _judge(name: str, rows: Features, tokeniser: Tokeniser, seed: int) -> Callable[[Shared], float]:
    """The geometric mean of the probability of a hidden token in held-out text, the tokens drawn once: 1 over it is
    the perplexity of masked tokens. (It is not Salazar et al.'s pseudo-perplexity, which hides every token in turn.)"""

    def judge(model: Shared) -> float:
        generator = torch.Generator().manual_seed(seed)
        device = next(model.parameters()).device
        total = count = 0.0
        for units in batches(rows.tokens.lengths, BUDGET):
            batch = inputs(rows, units)
            batch["input_ids"], batch["target"] = ask(batch["input_ids"], _inside(rows, units), tokeniser, generator)
            moved = {key: tensor.to(device) for key, tensor in batch.items()}
            loss, terms = masked_loss(model.tasks[name], moved)
            total, count = total + float(loss), count + float(terms)
        return math.exp(-total / max(count, 1.0))

    return judge

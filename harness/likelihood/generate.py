"""Text that a model writes after a prompt, in batches of prompts of about one length."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import StoppingCriteria, StoppingCriteriaList

from harness.likelihood.language_model import LanguageModel


@dataclass(frozen=True, eq=False)
class Prompts:
    """Prompts (numbers, tokens) that are continued together by at most `tokens` tokens, until one of `stops`."""

    rows: tuple[tuple[int, tuple[int, ...]], ...]
    stops: tuple[str, ...]
    tokens: int
    options: Mapping[str, Any]

    @property
    def key(self) -> str:
        """Hex over the content."""
        made = repr(([ids for _, ids in self.rows], self.stops, self.tokens, sorted(self.options.items())))
        return hashlib.blake2b(made.encode(), digest_size=16).hexdigest()


def batches(wanted: Sequence[Prompts], budget: int) -> list[Prompts]:
    """Each of `wanted` cut into batches of prompts sorted by length, `budget` tokens with what is to be written."""
    out: list[Prompts] = []
    for one in wanted:
        rows = sorted(one.rows, key=lambda row: (-len(row[1]), row[1]))
        while rows:
            most = max(1, budget // (len(rows[0][1]) + one.tokens))
            out.append(Prompts(tuple(rows[:most]), one.stops, one.tokens, one.options))
            rows = rows[most:]
    return out


def generate(model: LanguageModel, wanted: Iterable[Prompts]) -> Iterator[list[str]]:
    """The texts that follow, without prompt and special tokens, in the order of each batch's rows; a stop and what
    comes after it is still there."""
    for batch in wanted:
        with torch.inference_mode():
            yield _texts(model, batch)


class _Stops(StoppingCriteria):  # type: ignore[misc]
    """Ends a row once its text holds a stop. (transformers asks for its base class.)"""

    def __init__(self, tokenizer: Any, stops: Sequence[str], start: int) -> None:
        self._tokenizer, self._stops, self._start = tokenizer, [stop for stop in stops if stop], start

    def __call__(self, input_ids: Tensor, scores: Tensor, **kwargs: Any) -> Tensor:
        texts = self._tokenizer.batch_decode(input_ids[:, self._start :])
        done = [any(stop in text for stop in self._stops) for text in texts]
        return torch.tensor(done, device=input_ids.device)


def _texts(model: LanguageModel, batch: Prompts) -> list[str]:
    pad = model.tokenizer.pad_token_id
    pad = model.tokenizer.eos_token_id if pad is None else pad
    pad = 0 if pad is None else pad
    width = max(len(tokens) for _, tokens in batch.rows)
    ids = [[pad] * (width - len(tokens)) + list(tokens) for _, tokens in batch.rows]
    mask = [[0] * (width - len(tokens)) + [1] * len(tokens) for _, tokens in batch.rows]
    start = 1 if model.encoder_decoder else width
    options = {"do_sample": False, "temperature": None, "top_p": None, "top_k": None, **batch.options}
    written = model.module.generate(
        input_ids=torch.tensor(ids, device=model.device),
        attention_mask=torch.tensor(mask, device=model.device),
        max_new_tokens=batch.tokens,
        pad_token_id=pad,
        use_cache=True,
        stopping_criteria=StoppingCriteriaList([_Stops(model.tokenizer, batch.stops, start)]),
        **options,
    )
    found: list[str] = model.tokenizer.batch_decode(written[:, start:], skip_special_tokens=True)
    return found

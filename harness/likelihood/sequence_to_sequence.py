"""Log-probabilities of continuations under an encoder-decoder: each context is encoded once for all of its
continuations."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from harness.heads.projection import logits_at
from harness.likelihood.batches import Batch, Budget, Request, Scored
from harness.likelihood.causal import Answer, read

# Continuations scored from one batch of contexts.
ROWS = 256


def batches(requests: Sequence[Request], budget: Budget) -> list[Batch]:
    """Batches of contexts of about one length. A row is a context (cut on the left) with one beginning of
    continuations; the decoder's input goes without its last token."""
    rows: dict[tuple[tuple[int, ...], tuple[int, ...]], list[int]] = {}
    for number, one in enumerate(requests):
        rows.setdefault((one.context[-budget.longest :], one.continuation[:-1]), []).append(number)
    ordered = sorted(rows, key=lambda key: (-len(key[0]), key))
    out: list[Batch] = []
    chosen: list[Scored] = []
    contexts: set[tuple[int, ...]] = set()
    places = 0
    for context, begun in ordered:
        widest = len(ordered[0][0]) if not chosen else len(chosen[0].tokens)
        grown = len(contexts | {context}) * widest
        places += len(begun) + 1
        if chosen and (grown > budget.tokens or len(chosen) == ROWS or places > budget.places):
            out.append(Batch((), tuple(chosen)))
            chosen, contexts, places = [], set(), len(begun) + 1
        contexts.add(context)
        numbers = rows[context, begun]
        chosen.append(Scored(np.array(context, np.int32), tuple((n, requests[n].continuation) for n in numbers)))
    return [*out, *([Batch((), tuple(chosen))] if chosen else [])]


def score(module: Any, wanted: Iterable[Batch]) -> Iterator[list[Answer]]:
    """The answers of each batch, in the order of `Batch.requests`."""
    for batch in wanted:
        with torch.inference_mode():
            yield _answers(module, batch)


def _answers(module: Any, batch: Batch) -> list[Answer]:
    from transformers.modeling_outputs import BaseModelOutput

    contexts = list(dict.fromkeys(row.tokens.tobytes() for row in batch.rows))
    number = {context: at for at, context in enumerate(contexts)}
    ids, mask = _padded([np.frombuffer(one, np.int32).tolist() for one in contexts], module.device)
    states = module.get_encoder()(input_ids=ids, attention_mask=mask).last_hidden_state
    which = torch.tensor([number[row.tokens.tobytes()] for row in batch.rows], device=module.device)
    targets = [[tokens for _, tokens in row.targets] for row in batch.rows]
    # A target's last token is predicted, never read: any of those that share the row will do.
    labels, _ = _padded([list(one[0]) for one in targets], module.device)
    inputs = {
        "encoder_outputs": BaseModelOutput(last_hidden_state=states[which]),
        "attention_mask": mask[which],
        "decoder_input_ids": _shifted(module, labels),
    }
    places = [(len(one[0]), len(one[0])) for one in targets]
    return read(lambda rows, columns: logits_at(module, rows, columns, **inputs), places, targets, module.device)


def _shifted(module: Any, labels: Tensor) -> Tensor:
    """The decoder's input: its start token and the labels without their last column."""
    if hasattr(module, "prepare_decoder_input_ids_from_labels"):
        return module.prepare_decoder_input_ids_from_labels(labels=labels)  # type: ignore[no-any-return]
    start = module.config.decoder_start_token_id
    return torch.cat([labels.new_full((len(labels), 1), start), labels[:, :-1]], dim=1)


def _padded(rows: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor]:
    """(rows, longest) token ids padded on the right with 0, and what of them is no padding."""
    width = max(map(len, rows))
    ids = torch.tensor([[*row, *[0] * (width - len(row))] for row in rows], device=device)
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], device=device)
    return ids, mask

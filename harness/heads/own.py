"""Our own head on a model's hidden states, for architectures that transformers has no class of that form for:
CLIP's and SigLIP's text towers, EuroBERT's spans, multiple choice by causal models and encoder-decoders ...

One linear map, as in transformers' token and span classes. A form that asks about whole rows reads the last
token of a model that does not see ahead, as transformers' causal classes do, and the mean of the others'."""

from typing import Any

import torch
from torch import Tensor, nn

# BERT's, for the head of a model that names none.
DROPOUT = 0.1
POOLINGS = ("none", "last", "mean")


class OwnHead(nn.Module):
    """`base` is a transformers model, `tower` the name of the part of it that reads text ("": all of it)."""

    def __init__(self, base: Any, tower: str, outputs: int, pooling: str) -> None:
        super().__init__()
        self.base = base
        self.tower = tower
        self.pooling = pooling
        self.dropout = nn.Dropout(_dropout(base.config))
        self.head = nn.Linear(width_of(base.get_submodule(tower)), outputs)

    @property
    def base_model(self) -> Any:
        """The part that was trained before, under transformers' own name for it."""
        return self.base

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        token_type_ids: Tensor | None = None,
    ) -> Any:
        """Ids (b, t) or, for multiple choice, (b, options, t). Gives logits (b, outputs), (b, t, outputs), or
        (b, options), and start and end scores where there are two outputs per token."""
        from transformers.utils import ModelOutput

        shape = input_ids.shape
        given = {"attention_mask": attention_mask, "token_type_ids": token_type_ids}
        given = {name: one.flatten(0, -2) for name, one in given.items() if one is not None}
        hidden = self.base.get_submodule(self.tower)(input_ids=input_ids.flatten(0, -2), **given)[0]
        mask = given.get("attention_mask")
        logits: Tensor = self.head(self.dropout(pool(hidden, mask, self.pooling)))
        if input_ids.dim() == 3:
            logits = logits.view(shape[0], shape[1])
        if self.pooling == "none" and logits.shape[-1] == 2:
            return ModelOutput(logits=logits, start_logits=logits[..., 0], end_logits=logits[..., 1])
        return ModelOutput(logits=logits)


def pool(hidden: Tensor, mask: Tensor | None, pooling: str) -> Tensor:
    """Hidden states (b, t, width), mask (b, t) with padding on the right -> (b, width), or all of them."""
    if pooling == "none":
        return hidden
    if pooling == "last":
        if mask is None:
            return hidden[:, -1]
        return hidden[torch.arange(len(hidden), device=hidden.device), mask.sum(dim=1) - 1]
    if mask is None:
        return hidden.mean(dim=1)
    weights = mask[..., None].to(hidden.dtype)
    return (hidden * weights).sum(dim=1) / weights.sum(dim=1)


def tower_name(base: Any) -> str:
    """The name of the part of a transformers model that turns token ids into hidden states."""
    config = base.config
    text = config.get_text_config()
    if config.is_encoder_decoder or text.is_encoder_decoder:
        part = base.get_encoder()
    else:
        part = base if text is config else base.get_decoder()
    return next(str(name) for name, module in base.named_modules() if module is part)


def sees_ahead(base: Any, tower: str) -> bool:
    """Whether a token's hidden state depends on tokens after it: asked of the model, not of its name."""
    ids = torch.tensor([[5, 6, 7, 8], [5, 6, 7, 9]], device=base.device)
    training = base.training
    base.eval()
    try:
        with torch.inference_mode():
            states = base.get_submodule(tower)(input_ids=ids)[0].float()
    finally:
        base.train(training)
    return not torch.allclose(states[0, 0], states[1, 0], rtol=1e-5, atol=1e-6)


def width_of(part: Any) -> int:
    """The width of a tower's hidden states."""
    config = part.config.get_text_config()
    return int(getattr(config, "hidden_size", None) or config.d_model)


def _dropout(config: Any) -> float:
    text = config.get_text_config()
    for name in ("classifier_dropout", "hidden_dropout_prob"):
        value = getattr(text, name, None)
        if value is not None:
            return float(value)
    return DROPOUT

"""A checkpoint as a language model: its weights with the head that predicts tokens, and its tokenizer.

Trap: a model whose attention slides or whose state is recurrent keeps no key-value cache that several
continuations could start from; such a one reads whole prompts, and says so."""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from harness.checkpoint import kinds
from harness.errors import HarnessError, missing_package
from harness.heads.model import load
from harness.heads.tokeniser import open_tokeniser
from harness.retrieval.encoder import resolve_device

if TYPE_CHECKING:
    from harness.checkpoint import Checkpoint

AUTO = {
    kinds.CAUSAL: "AutoModelForCausalLM",
    kinds.SEQ2SEQ: "AutoModelForSeq2SeqLM",
    kinds.VISION_LANGUAGE: "AutoModelForImageTextToText",
    kinds.MLM: "AutoModelForMaskedLM",
}
# The longest input of a model that names none: lm-eval's own choice.
LONGEST = 2048
# What a tokenizer without a limit calls its limit is larger.
NO_LIMIT = 10**9


@dataclass(frozen=True, eq=False)
class LanguageModel:
    """`module` in evaluation mode on `device`; `max_length` counts tokens of one input; `whole` says why prompts that
    begin alike cannot share a cache ("" where they can). `identity` is hex over all that moves an answer: weights,
    number format, attention kernel, kind of device."""

    module: Any
    tokenizer: Any
    kind: str
    max_length: int
    device: torch.device
    whole: str
    identity: str

    @property
    def encoder_decoder(self) -> bool:
        """Whether the context goes through an encoder of its own."""
        return self.kind == kinds.SEQ2SEQ


def open_language_model(checkpoint: "Checkpoint", dtype: str, device: str) -> LanguageModel:
    """Loads the checkpoint with its token-predicting head; HarnessError where it has none or lacks a tensor."""
    import transformers

    if checkpoint.kind not in AUTO:
        raise HarnessError(f"{checkpoint.name} ({checkpoint.kind}) predicts no tokens.", "Use --protocol transfer.")
    tokenizer = open_tokeniser(checkpoint).tokenizer
    module, info = load(checkpoint, getattr(transformers, AUTO[checkpoint.kind]), getattr(torch, dtype), {})
    module = _with_adapter(module, checkpoint, info)
    _name_start(module, tokenizer)
    where = resolve_device(device)
    module = module.requires_grad_(False).eval().to(where)
    attention = str(module.config._attn_implementation)
    named = "|".join((checkpoint.fingerprint, dtype, attention, where.type))
    return LanguageModel(
        module=module,
        tokenizer=tokenizer,
        kind=checkpoint.kind,
        max_length=longest(checkpoint.max_positions, tokenizer),
        device=where,
        whole=_unshared(module) if checkpoint.kind != kinds.MLM else "it is no causal model",
        identity=hashlib.sha256(named.encode()).hexdigest()[:24],
    )


def longest(positions: int | None, tokenizer: Any) -> int:
    """Tokens of the longest input, found as lm-eval finds it: the model's own, the tokenizer's, else 2,048."""
    if positions is not None:
        return positions
    own = getattr(tokenizer, "model_max_length", None)
    return int(own) if own and own < NO_LIMIT else LONGEST


def _with_adapter(module: Any, checkpoint: "Checkpoint", info: dict[str, Any]) -> Any:
    lacking = sorted({*info["missing_keys"], *(name for name, *_ in info["mismatched_keys"])})
    if lacking:
        raise HarnessError(
            f"{checkpoint.name} lacks {', '.join(lacking[:3])} of {type(module).__name__}: that part would be random.",
            "Save the whole model again with save_pretrained.",
        )
    if checkpoint.adapter is None:
        return module
    try:
        from peft import PeftModel
    except ImportError as error:
        raise missing_package("peft", "'zeroshot-harness[peft]'") from error
    return PeftModel.from_pretrained(module, str(checkpoint.adapter)).merge_and_unload()


def _name_start(module: Any, tokenizer: Any) -> None:
    """Gives an encoder-decoder whose configuration names no first token the one that generation takes."""
    config = module.config
    if config.is_encoder_decoder and getattr(config, "decoder_start_token_id", None) is None:
        named = module.generation_config.decoder_start_token_id
        config.decoder_start_token_id = tokenizer.pad_token_id if named is None else named


def _unshared(module: Any) -> str:
    """Why the cache of a shared beginning cannot serve several continuations, "" where it can."""
    config = module.config.get_text_config()
    if module.config.is_encoder_decoder:
        return "it is an encoder-decoder"
    if getattr(module, "_is_stateful", False):
        return "its state is recurrent"
    other = {str(one) for one in getattr(config, "layer_types", None) or ()} - {"full_attention"}
    if other:
        return f"it has layers of the type {', '.join(sorted(other))}"
    window = getattr(config, "sliding_window", None)
    if window and getattr(config, "use_sliding_window", True):
        return "its attention slides"
    from harness.likelihood.shared_cache import misfit

    return misfit(module)

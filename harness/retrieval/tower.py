"""Which part of a checkpoint turns token ids into hidden states: its text tower, cut after layer k.

Hidden state k is transformers' `hidden_states[k]`; the last layer's is `last_hidden_state`, final norm
included. A model built with k layers applies its final norm after layer k (ModernBERT, Llama, T5, CLIP
...), where the whole model applies it after its last layer only. That norm is found by what it does to a
probe sentence, taken out, and the result is compared with `hidden_states[k]` of the model with k + 1
layers: no list of architectures, and no layer that was not checked."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from harness.errors import HarnessError
from harness.retrieval.final_norm import end_at
from harness.retrieval.merge import merge_adapter

if TYPE_CHECKING:
    from harness.checkpoint import Checkpoint

# Encoder-decoders whose encoder transformers can load alone; of others the decoder is loaded with one layer
# and dropped.
ENCODER_CLASSES = ("t5", "mt5", "umt5", "t5gemma")


@dataclass(frozen=True, eq=False)
class Tower:
    """`model(input_ids=(b, t))[0]` is the hidden state (b, t, width) of layer `layer`; `positions` is the
    longest input in tokens (None: no limit), `attention` the kernel transformers runs."""

    model: Any
    layer: int
    width: int
    positions: int | None
    attention: str


def load_tower(
    checkpoint: "Checkpoint", layer: int, probe: list[int], *, dtype: torch.dtype, device: torch.device
) -> Tower:
    """The text tower with the first `layer` layers; layers above are never computed. `probe` holds the ids
    of any sentence. Refuses a checkpoint with missing weights and an architecture that does not let layer
    `layer` be read."""
    ids = torch.tensor([probe], device=device)
    wanted = None
    with quiet():
        if layer < checkpoint.layers:
            wanted = _state_below(_load(checkpoint, layer + 1, dtype, device), ids, layer, checkpoint)
        model = _load(checkpoint, layer, dtype, device)
        states = _states(model, ids, layer, checkpoint)
        if wanted is not None and not end_at(model, ids, wanted):
            raise _unreadable(checkpoint, "its output differs from that layer's hidden state")
    return Tower(model, layer, states[-1].shape[-1], _positions(model), str(model.config._attn_implementation))


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars, load reports or warnings from transformers; the user's own settings are restored."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def _load(checkpoint: "Checkpoint", layers: int, dtype: torch.dtype, device: torch.device) -> Any:
    """The tower of a model built with `layers` layers, in evaluation mode, every tensor read from the
    checkpoint."""
    from huggingface_hub.errors import StrictDataclassError
    from transformers import AutoConfig, AutoModel, AutoModelForTextEncoding

    trust = checkpoint.trust_remote_code
    try:
        config = AutoConfig.from_pretrained(checkpoint.path, trust_remote_code=trust)
        text = _text_config(config)
        _set_layers(text, layers, checkpoint.layers)
        auto = AutoModelForTextEncoding if config.model_type in ENCODER_CLASSES else AutoModel
        model, info = _from_pretrained(auto, checkpoint, config, dtype)
        if checkpoint.adapter is not None:
            model = merge_adapter(model, checkpoint.adapter)
    except (
        OSError,
        ValueError,
        RuntimeError,
        ImportError,
        KeyError,
        AttributeError,
        AssertionError,
        StrictDataclassError,
    ) as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise HarnessError(
            f"{checkpoint.name} could not be loaded as an encoder: {reason}",
            "Check the folder with: harness doctor --model DIR",
        ) from error
    tower = _tower(model, config, text, checkpoint)
    _refuse_missing(model, tower, info["missing_keys"], checkpoint)
    return tower.requires_grad_(False).eval().to(device)


def _from_pretrained(auto: Any, checkpoint: "Checkpoint", config: Any, dtype: torch.dtype) -> tuple[Any, Any]:
    """(model, loading report). SDPA by name, not by default: the default differs between machines (flash-attn
    installed or not)."""
    options = {"config": config, "dtype": dtype, "trust_remote_code": checkpoint.trust_remote_code}
    for attention in ("sdpa", "eager"):
        try:
            model, info = auto.from_pretrained(
                checkpoint.path, attn_implementation=attention, output_loading_info=True, **options
            )
            return model, info
        except ValueError as error:
            if attention == "eager" or "attention" not in str(error):
                raise
    raise AssertionError("unreachable")


def _text_config(config: Any) -> Any:
    """The part of the configuration that describes the tower which reads text."""
    text = getattr(config, "text_config", config)
    encoder = getattr(text, "encoder", None)
    return encoder if hasattr(encoder, "hidden_size") else text


def _set_layers(config: Any, layers: int, depth: int) -> None:
    """Build `layers` layers where there were `depth`; lists with an entry per layer are cut (transformers
    checks them)."""
    if layers < depth:
        for name, value in list(vars(config).items()):
            per_layer = "layer" in name or name == "attention_window"
            if isinstance(value, list | tuple) and len(value) == depth and per_layer:
                setattr(config, name, value[:layers])
        for name in ("num_hidden_layers", "encoder_layers"):
            if hasattr(config, name):
                setattr(config, name, layers)
    # None of these moves a hidden state: the decoder is dropped, the cache unread, compilation a matter of
    # speed.
    for name, value in (("decoder_layers", 1), ("use_cache", False), ("reference_compile", False)):
        if hasattr(config, name):
            setattr(config, name, value)


def _tower(model: Any, config: Any, text: Any, checkpoint: "Checkpoint") -> Any:
    if text.is_encoder_decoder or config.is_encoder_decoder:
        return model.get_encoder()
    tower = model if text is config else model.get_decoder()
    if text is not config and tower is model:
        raise HarnessError(
            f"No text tower was found in {checkpoint.name} ({checkpoint.architecture}).",
            "Save its language model as a folder of its own and give that.",
        )
    return tower


def _refuse_missing(model: nn.Module, tower: nn.Module, missing: Any, checkpoint: "Checkpoint") -> None:
    """A tensor that the file lacks would be random. Poolers alone may be: no hidden state passes through
    them."""
    used = {id(tensor) for tensor in tower.state_dict(keep_vars=True).values()}
    named = model.state_dict(keep_vars=True)
    absent = sorted(key for key in missing if id(named.get(key)) in used and "pooler" not in key.split("."))
    if absent:
        more = f" and {len(absent) - 5} more" if len(absent) > 5 else ""
        raise HarnessError(
            f"{checkpoint.name} lacks weights of its encoder: {', '.join(absent[:5])}{more}.",
            "They would be initialised at random. Save the whole model again, with the names its architecture uses.",
        )


def _states(model: Any, ids: Tensor, layers: int, checkpoint: "Checkpoint") -> tuple[Tensor, ...]:
    """Hidden states 0 to `layers` of a model that should have as many layers."""
    with torch.inference_mode():
        states: tuple[Tensor, ...] | None = model(input_ids=ids, output_hidden_states=True).hidden_states
    if states is None or len(states) != layers + 1:
        raise _unreadable(checkpoint, f"it gave {len(states or ())} hidden states where {layers + 1} were due")
    return states


def _state_below(model: Any, ids: Tensor, layer: int, checkpoint: "Checkpoint") -> Tensor:
    """What layer `layer` is, read from a model with one layer more. The model is freed when this returns."""
    return _states(model, ids, layer + 1, checkpoint)[layer]


def _unreadable(checkpoint: "Checkpoint", why: str) -> HarnessError:
    return HarnessError(
        f"A layer below the last of {checkpoint.name} ({checkpoint.architecture}) cannot be read alone: {why}.",
        f"Use the last layer: --layer {checkpoint.layers}",
    )


def _positions(model: nn.Module) -> int | None:
    """The longest input in tokens. A RoBERTa table of 514 rows holds 512: positions start after the padding
    index."""
    rows: int | None = getattr(model.config, "max_position_embeddings", None)
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding) and module.padding_idx is not None:
            return module.num_embeddings - module.padding_idx - 1
    return rows if rows and rows > 0 else None

"""What turns sentences into vectors for one checkpoint: tokenizer, text tower up to layer k, pooling, and
their settings."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from harness.errors import HarnessError, unknown_names
from harness.retrieval.packed import pack
from harness.retrieval.pooling import Dense, load_dense, resolve_pooling
from harness.retrieval.tokenizer import load_tokenizer
from harness.retrieval.tower import load_tower

if TYPE_CHECKING:
    from harness.checkpoint import Checkpoint, SentenceModules

SENTENCE_TRANSFORMERS = "sentence-transformers"
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
# XTREME's retrieval scripts cut at 512 tokens, special tokens included (xtreme.md 1.6).
DEFAULT_MAX_LENGTH = 512
# transformers writes 1e30 where a tokenizer states no length.
NO_LENGTH = 1_000_000
DEVICES = "Use cpu, cuda, cuda:1 or auto."
PROBE = "The quick brown fox jumps over the lazy dog."
PROBE_LENGTH = 16


@dataclass(frozen=True)
class EncoderSettings:
    """What may change a vector. `layer` None is the checkpoint's default; `all_layers` reads 1 to L in one
    pass. `pooling`: mean (special tokens included), mean_no_special, cls, last, max, mean_sqrt_len,
    weighted_mean, or sentence-transformers (the folder's own modules, prompts and length). `device`: cpu,
    cuda, cuda:1 ... or auto."""

    layer: int | None = None
    all_layers: bool = False
    pooling: str = "mean"
    dtype: str = "float32"
    device: str = "cpu"
    max_length: int | None = None


@dataclass(frozen=True, eq=False)
class Encoder:
    """A loaded encoder. Its vectors have `width` dimensions and stand for the layers in `layers` (one, or 1
    to L); `max_length` counts special tokens; `attention` is the kernel that ran (sdpa, eager)."""

    name: str
    model: Any
    tokenizer: Any
    layers: tuple[int, ...]
    all_layers: bool
    pooling: str
    dense: tuple[Dense, ...]
    normalise: bool
    prompt: str
    skipped: int
    specials: Tensor
    width: int
    max_length: int
    dtype: str
    device: torch.device
    attention: str


def load_encoder(checkpoint: "Checkpoint", settings: EncoderSettings) -> Encoder:
    """The checkpoint as an encoder. Loads only the layers asked for; prints nothing. Refuses layers,
    poolings, lengths, devices and dtypes that do not exist, and a checkpoint that lacks weights of its
    encoder."""
    layer = _layer(checkpoint, settings)
    modules = _modules(checkpoint, settings, layer)
    pooling = resolve_pooling(modules.pooling if modules else settings.pooling)
    if settings.dtype not in DTYPES:
        raise unknown_names("dtype", [settings.dtype], DTYPES, f"One of: {', '.join(DTYPES)}.")
    device = resolve_device(settings.device)
    tokenizer = load_tokenizer(checkpoint)
    if modules is not None and modules.lower_case:
        _lower(tokenizer)
    prompt = _prompt(modules)
    probe = tokenizer(PROBE, truncation=True, max_length=PROBE_LENGTH)["input_ids"]
    tower = load_tower(checkpoint, layer, probe, dtype=DTYPES[settings.dtype], device=device)
    pack(tower.model)
    dense = tuple(load_dense(folder, device) for folder in modules.dense) if modules else ()
    return Encoder(
        name=checkpoint.name,
        model=tower.model,
        tokenizer=tokenizer,
        layers=tuple(range(1, layer + 1)) if settings.all_layers else (layer,),
        all_layers=settings.all_layers,
        pooling=pooling,
        dense=dense,
        normalise=modules is not None and modules.normalise,
        prompt=prompt,
        skipped=_skipped(modules, prompt, tokenizer),
        specials=torch.tensor(_special_ids(tokenizer), device=device),
        width=dense[-1].width if dense else tower.width,
        max_length=_max_length(checkpoint, settings.max_length, modules, tokenizer, tower.positions),
        dtype=settings.dtype,
        device=device,
        attention=tower.attention,
    )


def resolve_device(name: str) -> torch.device:
    """`auto` is the first CUDA device where there is one, else the CPU; a device that is absent is
    refused."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise HarnessError(f"'{name}' names no device.", DEVICES) from error
    if device.type not in ("cpu", "cuda"):
        raise HarnessError(f"--device {name} is not supported.", DEVICES)
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise HarnessError(
            f"--device {name}: PyTorch sees {torch.cuda.device_count()} CUDA devices here.",
            "Use --device cpu, or a PyTorch built for this machine's GPU.",
        )
    return device


def _layer(checkpoint: "Checkpoint", settings: EncoderSettings) -> int:
    if settings.all_layers:
        if settings.layer is not None:
            raise HarnessError("A layer and all layers exclude each other.", "Give one of the two.")
        return checkpoint.layers
    layer = checkpoint.default_layer if settings.layer is None else settings.layer
    if not 1 <= layer <= checkpoint.layers:
        raise HarnessError(
            f"{checkpoint.name} has layers 1 to {checkpoint.layers}; {layer} is none of them.",
            f"Use --layer with 1 to {checkpoint.layers}.",
        )
    return layer


def _modules(checkpoint: "Checkpoint", settings: EncoderSettings, layer: int) -> "SentenceModules | None":
    """The folder's own modules where they are asked for. They were trained on the last layer: no other has
    them."""
    if settings.pooling != SENTENCE_TRANSFORMERS:
        return None
    if checkpoint.sentence is None:
        raise HarnessError(
            f"{checkpoint.name} is no sentence-transformers folder: it has no pooling of its own.",
            "Use --pooling mean.",
        )
    if settings.all_layers or layer != checkpoint.layers:
        raise HarnessError(
            f"The sentence-transformers modules of {checkpoint.name} belong to its last layer, {checkpoint.layers}.",
            "Use --pooling mean for other layers.",
        )
    return checkpoint.sentence


def _lower(tokenizer: Any) -> None:
    """Lower-case before anything else, as sentence-transformers does, whatever the tokenizer itself does."""
    from tokenizers.normalizers import Lowercase, Sequence

    own = tokenizer.backend_tokenizer.normalizer
    tokenizer.backend_tokenizer.normalizer = Sequence([Lowercase(), *([own] if own is not None else [])])


def _prompt(modules: "SentenceModules | None") -> str:
    """What sentence-transformers puts before each sentence."""
    if modules is None or modules.default_prompt is None:
        return ""
    return modules.prompts[modules.default_prompt]


def _skipped(modules: "SentenceModules | None", prompt: str, tokenizer: Any) -> int:
    """Tokens at the front that are not pooled: the prompt's, and what stands before them (INSTRUCTOR)."""
    if not prompt or modules is None or modules.include_prompt:
        return 0
    if modules.pooling == "weighted_mean":
        raise HarnessError("A weighted mean without the prompt's tokens is not supported.", "Use --pooling mean.")
    ids = tokenizer(prompt)["input_ids"]
    return len(ids) - (ids[-1] in tokenizer.all_special_ids)


def _special_ids(tokenizer: Any) -> list[int]:
    """Ids of the special tokens without the unknown token's, which stands for a word of the sentence
    (unless it is another special token too, as GPT-2's is its end of text)."""
    names = ("bos_token", "eos_token", "sep_token", "cls_token", "pad_token", "mask_token")
    others = {getattr(tokenizer, f"{name}_id", None) for name in names}
    return sorted(one for one in tokenizer.all_special_ids if one != tokenizer.unk_token_id or one in others)


def _max_length(
    checkpoint: "Checkpoint",
    asked: int | None,
    modules: "SentenceModules | None",
    tokenizer: Any,
    positions: int | None,
) -> int:
    """Longest input in tokens: as asked; else the sentence-transformers folder's own; else at most 512."""
    limits = [positions, tokenizer.model_max_length if tokenizer.model_max_length < NO_LENGTH else None]
    if asked is None:
        limits.append(modules.max_length if modules else DEFAULT_MAX_LENGTH)
        return min((limit for limit in limits if limit is not None), default=DEFAULT_MAX_LENGTH)
    shortest = tokenizer.num_special_tokens_to_add() + 1
    if asked < shortest or (positions is not None and asked > positions):
        upper = f"at most {positions}" if positions is not None else "any number"
        raise HarnessError(
            f"A maximum length of {asked} tokens does not fit {checkpoint.name}: it takes {shortest} or more, {upper}.",
            "Change --max-length.",
        )
    return asked

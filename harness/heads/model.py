"""The model for a form: a checkpoint with a new head, or with the head that it was saved with.

The head is transformers' own class where the architecture has one, so that what is saved is an ordinary
folder; else ours stands on the same hidden states and is saved beside an ordinary base folder."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from harness.checkpoint import kinds
from harness.errors import HarnessError
from harness.heads.head import Head
from harness.heads.own import OwnHead, sees_ahead, tower_name
from harness.heads.tokeniser import Tokeniser
from harness.retrieval.merge import merge_adapter
from harness.retrieval.tower import quiet

if TYPE_CHECKING:
    from harness.checkpoint import Checkpoint

# The spread of new weights in a model that names none (BERT's).
SPREAD = 0.02


@dataclass(frozen=True, eq=False)
class Model:
    """`module(**inputs)` gives logits, `encoder` is the part of it that was trained before, `labels` name the
    columns (classes, tags). `description` says in a signature what stands on what."""

    module: nn.Module
    encoder: nn.Module
    labels: tuple[str, ...]
    description: str


@dataclass(frozen=True)
class NewHead:
    """What a new head is made of: its columns (classes, tags; none for spans and options), the seed of its
    weights, and the number format of all weights."""

    head: Head
    labels: tuple[str, ...]
    seed: int
    dtype: torch.dtype = torch.float32


def build(checkpoint: "Checkpoint", tokeniser: Tokeniser, new: NewHead) -> Model:
    """The checkpoint with a new head, whose bytes follow from the seed alone. A head of the same form that the
    checkpoint was saved with is not kept. HarnessError: its encoder lacks weights."""
    native = _native(checkpoint, new)
    module = _own(checkpoint, new) if native is None else native
    config = module.base_model.config
    if config.is_encoder_decoder and getattr(config, "decoder_start_token_id", None) is None:
        config.decoder_start_token_id = tokeniser.pad
    text = config.get_text_config()
    if text.pad_token_id is None or checkpoint.kind in (kinds.CAUSAL, kinds.VISION_LANGUAGE):
        # transformers' causal classes find the last token of a row by what is no padding.
        text.pad_token_id = tokeniser.pad
    return describe(module, new.labels)


def describe(module: Any, labels: tuple[str, ...]) -> Model:
    """A module that is ready, with what a caller must know about it."""
    own = isinstance(module, OwnHead)
    inner = type(module.base).__name__ if own else type(module).__name__
    return Model(module, module.base_model, labels, f"a linear map on {inner}" if own else inner)


def has_class(head: Head, checkpoint: "Checkpoint") -> bool:
    """Whether transformers has a class of this form for the architecture."""
    from transformers.models.auto import modeling_auto

    return not checkpoint.trust_remote_code and checkpoint.model_type in getattr(modeling_auto, head.table)


def _native(checkpoint: "Checkpoint", new: NewHead) -> Any | None:
    """transformers' class with a new head; None where it has none, or where that class does not find all its
    weights: the decoder of an encoder-decoder of which only the encoder was saved, or those that it looks for
    under another name (LlamaForQuestionAnswering in a folder of LlamaForCausalLM)."""
    if not has_class(new.head, checkpoint):
        return None
    model, info = load_native(checkpoint, new.head, new.labels, new.dtype)
    base = model.base_model
    if base is model:
        # T5ForQuestionAnswering and its like: encoder and head are not told apart.
        return None
    inside = {id(weight) for weight in base.parameters()}
    lacking = set(info["missing_keys"]) | {name for name, *_ in info["mismatched_keys"]}
    named = dict(model.named_parameters())
    if any(id(named.get(name)) in inside and "pooler" not in name.split(".") for name in lacking):
        return None
    if checkpoint.adapter is not None:
        setattr(model, model.base_model_prefix, merge_adapter(base, checkpoint.adapter))
        inside = {id(weight) for weight in model.base_model.parameters()}
        named = dict(model.named_parameters())
    fresh = {name: one for name, one in named.items() if id(one) not in inside or name in lacking}
    initialise(fresh, model, new.seed)
    return model


def _own(checkpoint: "Checkpoint", new: NewHead) -> OwnHead:
    base = load_base(checkpoint, new.dtype)
    tower = tower_name(base)
    pooling = "none" if not new.head.pooled else "mean" if sees_ahead(base, tower) else "last"
    model = OwnHead(base, tower, new.head.outputs(new.labels), pooling).to(new.dtype)
    initialise({f"head.{name}": one for name, one in model.head.named_parameters()}, base, new.seed)
    return model


def load_native(
    checkpoint: "Checkpoint", head: Head, labels: tuple[str, ...], dtype: torch.dtype
) -> tuple[Any, dict[str, Any]]:
    """transformers' class for the form, and its report on the tensors; `labels` name the columns."""
    import transformers

    options: dict[str, Any] = {"num_labels": head.outputs(labels)} if head.form != "choice" else {}
    if labels:
        names = dict(enumerate(labels))
        options |= {"id2label": names, "label2id": {name: number for number, name in names.items()}}
    return load(checkpoint, getattr(transformers, head.auto), dtype, options)


def load_base(checkpoint: "Checkpoint", dtype: torch.dtype) -> Any:
    """The model that gives hidden states, every tensor of its text tower read from the checkpoint."""
    import transformers

    auto = transformers.AutoModel
    if checkpoint.backbone and not checkpoint.trust_remote_code:
        auto = getattr(transformers, checkpoint.backbone)
    base, info = load(checkpoint, auto, dtype, {})
    part = base.get_submodule(tower_name(base))
    used = {id(weight) for weight in part.parameters()}
    named = dict(base.named_parameters())
    lacking = [name for name in info["missing_keys"] if id(named.get(name)) in used and "pooler" not in name.split(".")]
    if lacking:
        raise HarnessError(
            f"{checkpoint.name} lacks weights of its encoder: {', '.join(sorted(lacking)[:5])}.",
            "They would be initialised at random. Save the whole model again.",
        )
    if checkpoint.adapter is not None:
        base = merge_adapter(base, checkpoint.adapter)
    return base


def load(
    checkpoint: "Checkpoint", auto: Any, dtype: torch.dtype, options: dict[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """(model, transformers' report on its tensors). SDPA by name: the default differs between machines."""
    settings = {"dtype": dtype, "trust_remote_code": checkpoint.trust_remote_code, **options}
    if hasattr(auto, "base_model_prefix"):
        settings.pop("trust_remote_code")
    reason: Exception | None = None
    for attention in ("sdpa", "eager"):
        try:
            # Loading draws the weights that are missing, which are drawn anew below.
            with quiet(), torch.random.fork_rng(devices=[]):
                model, info = auto.from_pretrained(
                    checkpoint.path,
                    attn_implementation=attention,
                    output_loading_info=True,
                    ignore_mismatched_sizes=True,
                    **settings,
                )
            for name in ("use_cache", "reference_compile"):
                if hasattr(model.config, name):
                    setattr(model.config, name, False)
            return model, info
        except (OSError, ValueError, RuntimeError, ImportError, KeyError, AttributeError) as error:
            reason = error
            if "attention" not in str(error):
                break
    lines = [line for line in str(reason).splitlines() if line.strip()]
    raise HarnessError(
        f"{checkpoint.name} could not be loaded as {auto.__name__}: {lines[0] if lines else type(reason).__name__}",
        "Check the folder with: harness doctor --model DIR",
    ) from reason


def initialise(weights: dict[str, nn.Parameter], model: Any, seed: int) -> None:
    """New weights in the order of their names: normal with the spread that the configuration names, biases 0,
    norms 1. The same seed gives the same bytes."""
    text = model.config.get_text_config()
    spread = next(
        (float(value) for name in ("initializer_range", "init_std") if (value := getattr(text, name, None))), SPREAD
    )
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in sorted(weights.items()):
            if weight.ndim > 1:
                drawn = torch.empty(weight.shape, dtype=torch.float32).normal_(0.0, spread, generator=generator)
                weight.copy_(drawn)
            else:
                weight.fill_(0.0 if name.endswith("bias") else 1.0)

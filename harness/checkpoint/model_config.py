"""What config.json says: the architecture's own numbers, and whether code from the folder would have to run
to read it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.checkpoint.json_file import read_object
from harness.errors import HarnessError, nearest

NAME = "config.json"
# Position tables of the RoBERTa family begin after the padding index: 514 rows hold 512 tokens.
PADDED_POSITIONS = (
    "altclip_text_model",
    "camembert",
    "data2vec-text",
    "ibert",
    "lilt",
    "longformer",
    "luke",
    "markuplm",
    "mpnet",
    "roberta",
    "roberta-prelayernorm",
    "xlm-roberta",
    "xlm-roberta-xl",
    "xmod",
)


@dataclass(frozen=True)
class ModelConfig:
    """`config` is transformers' object, `text` the part of it that describes the tower which reads text (the
    encoder of an encoder-decoder). With `code` the folder's own Python code was run to read it."""

    config: Any
    text: Any
    code: bool

    @property
    def layers(self) -> int:
        """Transformer layers of the text tower."""
        return int(self.text.num_hidden_layers)

    @property
    def width(self) -> int:
        """Width of the text tower's hidden states."""
        return int(self.text.hidden_size)

    @property
    def vocabulary(self) -> int:
        """Rows of the token embedding; 0 where there is none (characters by hash)."""
        return int(getattr(self.text, "vocab_size", 0))

    @property
    def max_positions(self) -> int | None:
        """The longest input in tokens, special ones included; None without a limit."""
        rows = getattr(self.text, "max_position_embeddings", None)
        if not isinstance(rows, int) or rows <= 0:
            return None
        padded = self.text.model_type in PADDED_POSITIONS and self.text.pad_token_id is not None
        return rows - int(self.text.pad_token_id) - 1 if padded else rows

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of a trained head's classes, in the order of its outputs."""
        return tuple(str(self.config.id2label[number]) for number in sorted(self.config.id2label))


def load_config(folder: Path, trust_remote_code: bool) -> ModelConfig:
    """The configuration of a folder; own code runs only where transformers does not know the model and trust
    is given."""
    raw = _read(folder)
    code = _needs_code(folder, raw)
    if code and not trust_remote_code:
        files = ", ".join(sorted(path.name for path in folder.glob("*.py"))) or "fetched from the hub"
        raise HarnessError(
            f"{folder} is a '{raw['model_type']}', which only its own Python code can load ({files}).",
            "Read that code; if you trust it, add --trust-remote-code.",
        )
    from huggingface_hub.errors import StrictDataclassError
    from transformers import AutoConfig

    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=code)
        result = ModelConfig(config, _text(config), code)
        _ = result.layers, result.width
    except (
        OSError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        ImportError,
        StrictDataclassError,
    ) as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise HarnessError(
            f"{folder / NAME} is no configuration that transformers can use: {reason}",
            "Save the model again.",
        ) from error
    return result


def _read(folder: Path) -> dict[str, Any]:
    raw = read_object(folder / NAME)
    if not isinstance(raw.get("model_type"), str):
        raise HarnessError(f"{folder / NAME} has no model_type.", "Save the model again with save_pretrained.")
    return raw


def _needs_code(folder: Path, raw: dict[str, Any]) -> bool:
    """Whether transformers lacks this model type. Where it has it, its own class is used whatever auto_map
    names."""
    import transformers
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    if raw["model_type"] in CONFIG_MAPPING_NAMES:
        return False
    if isinstance(raw.get("auto_map"), dict) and "AutoConfig" in raw["auto_map"]:
        return True
    hint = nearest(raw["model_type"], CONFIG_MAPPING_NAMES)
    raise HarnessError(
        f"{folder / NAME}: the model type '{raw['model_type']}' is unknown to transformers {transformers.__version__}.",
        hint or "Upgrade transformers, or convert the checkpoint.",
    )


def _text(config: Any) -> Any:
    text = config.get_text_config(encoder=True) if config.is_encoder_decoder else config.get_text_config()
    return text if hasattr(text, "num_hidden_layers") else getattr(text, "encoder", text)

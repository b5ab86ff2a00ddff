"""A PEFT adapter: which base model it changes, and which trained head it carries."""

from dataclasses import dataclass
from pathlib import Path

from harness.checkpoint import kinds
from harness.checkpoint.json_file import read_object
from harness.checkpoint.weights import Shapes, Weights, find_weights
from harness.errors import HarnessError

CONFIG = "adapter_config.json"
FILES = ("adapter_model.safetensors", "adapter_model.bin")
PREFIX = "base_model.model."
DELTAS = ("lora_", "ia3_", "prompt_", "oft_", "boft_", "vera_", "hada_", "adaption_", "randlora_")
# peft's task types whose head is trained with the adapter and saved in it
TASKS = {"SEQ_CLS": kinds.SEQUENCE, "TOKEN_CLS": kinds.TOKEN, "QUESTION_ANS": kinds.QUESTION}


@dataclass(frozen=True)
class Adapter:
    """`base` is a folder, or a hub id (with @revision); `declared` is the kind of its task type, or ""."""

    folder: Path
    method: str
    base: str
    declared: str
    weights: Weights

    def new_modules(self, base: Shapes) -> Shapes:
        """Name -> shape of the modules that the adapter holds whole (PEFT's `modules_to_save`) and the base
        lacks: a head trained with it. Names differ by a prefix where the base was saved as another class."""
        own = {name.removeprefix(PREFIX): shape for name, shape in self.weights.shapes.items() if not _delta(name)}
        return {name: shape for name, shape in own.items() if not any(_same(name, other) for other in base)}

    @property
    def embedding_rows(self) -> int:
        """Rows of an embedding that was trained and saved with the adapter (0 without): the vocabulary may
        have grown."""
        shapes = [shape for name, shape in self.weights.shapes.items() if "embed" in name and not _delta(name)]
        return max((shape[0] for shape in shapes if len(shape) == 2), default=0)


def is_adapter(folder: Path) -> bool:
    """Whether a folder holds a PEFT adapter."""
    return (folder / CONFIG).is_file()


def read_adapter(folder: Path) -> Adapter:
    """The adapter in a folder. A relative base is looked for beside the adapter, then from the working
    folder."""
    options = read_object(folder / CONFIG)
    base = str(options.get("base_model_name_or_path") or "")
    if not base:
        raise HarnessError(
            f"{folder / CONFIG} names no base model.",
            "Write it as base_model_name_or_path, a folder or hub id.",
        )
    local = next((path for path in (folder / base, Path(base).expanduser()) if path.is_dir()), None)
    revision = f"@{options['revision']}" if options.get("revision") and local is None else ""
    return Adapter(
        folder=folder,
        method=str(options.get("peft_type") or "PEFT"),
        base=str(local.resolve()) if local else f"{base}{revision}",
        declared=TASKS.get(str(options.get("task_type") or ""), ""),
        weights=find_weights(folder, FILES),
    )


def _delta(name: str) -> bool:
    """Whether a tensor is a change to the base (lora_A, prompt embeddings, ia3_l) rather than a whole
    module."""
    parts = name.split(".")
    return not name.endswith((".weight", ".bias")) or any(part.startswith(DELTAS) for part in parts)


def _same(name: str, other: str) -> bool:
    return name == other or name.endswith(f".{other}") or other.endswith(f".{name}")

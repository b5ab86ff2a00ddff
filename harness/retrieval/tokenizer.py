"""A checkpoint's own tokenizer, as transformers loads it."""

from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.retrieval.tower import quiet

if TYPE_CHECKING:
    from harness.checkpoint import Checkpoint


def load_tokenizer(checkpoint: "Checkpoint") -> Any:
    """The tokenizer; HarnessError where it cannot be loaded, with its own reason."""
    from transformers import AutoTokenizer

    folder = checkpoint.tokenizer or checkpoint.path
    try:
        with quiet():
            return AutoTokenizer.from_pretrained(folder, trust_remote_code=checkpoint.trust_remote_code)
    except (OSError, ValueError, ImportError, KeyError, AttributeError) as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise HarnessError(
            f"The tokenizer of {checkpoint.name} could not be loaded: {reason}",
            f"Put the files of its tokenizer (tokenizer.json ...) into {folder}.",
        ) from error

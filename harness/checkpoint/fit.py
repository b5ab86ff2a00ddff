"""Which tensors a transformers class would invent when it loads given weights.

transformers itself answers, on the meta device: no weight is read, and renamed, tied and prefixed tensors
are judged by the code that will load them later. What is missing here would be random there."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from harness.checkpoint.weights import Shapes
from harness.errors import HarnessError


@dataclass(frozen=True)
class Fit:
    """`missing` tensors would be newly initialised; `mismatched` are (name, shape in the file, shape by
    config.json)."""

    class_name: str
    missing: tuple[str, ...]
    mismatched: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]

    @property
    def complete(self) -> bool:
        """Whether the class loads with every tensor from the file."""
        return not self.missing and not self.mismatched


def fit(model_class: Any, config: Any, shapes: Shapes) -> Fit:
    """Load `shapes` (as empty meta tensors) into `model_class` and report what it lacked."""
    import copy

    import torch

    tensors = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    with _quiet():
        try:
            _, info = model_class.from_pretrained(
                None,
                config=copy.deepcopy(config),
                state_dict=tensors,
                device_map="meta",
                output_loading_info=True,
                ignore_mismatched_sizes=True,
                attn_implementation="eager",  # what config.json asks for may not be installed
            )
        except (RuntimeError, ValueError, TypeError, KeyError, AttributeError, ImportError, OSError) as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise HarnessError(
                f"transformers cannot build {model_class.__name__} from this config.json: {reason}",
                "Check it with AutoModel.from_pretrained.",
            ) from error
    mismatched = tuple((name, tuple(a), tuple(b)) for name, a, b in sorted(info["mismatched_keys"]))
    return Fit(model_class.__name__, tuple(sorted(info["missing_keys"])), mismatched)


@contextmanager
def _quiet() -> Iterator[None]:
    """Loading on purpose with a wrong class must not print transformers' report of missing keys."""
    from transformers.utils import logging as reports

    level, bar = reports.get_verbosity(), reports.is_progress_bar_enabled()
    reports.set_verbosity(logging.CRITICAL)
    reports.disable_progress_bar()
    try:
        yield
    finally:
        reports.set_verbosity(level)
        if bar:
            reports.enable_progress_bar()

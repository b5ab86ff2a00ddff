"""Zero-shot multilingual evaluation of any checkpoint. Importing this loads nothing heavy."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.api import Results, evaluate, make_checkpoint, open_results

__all__ = ["Results", "evaluate", "make_checkpoint", "open_results"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from harness import api

        return getattr(api, name)
    raise AttributeError(f"module 'harness' has no attribute '{name}'")

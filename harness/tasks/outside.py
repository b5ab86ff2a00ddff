"""Tasks from outside the package: a file named with --include, or an installed package's entry point.

A file defines `TASK` (or several in `TASKS`), each a `harness.tasks.task.Task`. A package names its task under the
entry-point group `harness.tasks`. docs/tasks.md has a whole example."""

import importlib.util
import sys
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.errors import HarnessError
from harness.tasks.task import Task

GROUP = "harness.tasks"
# What a file may raise while it is run.
BROKEN = (
    SyntaxError,
    ImportError,
    NameError,
    TypeError,
    AttributeError,
    ValueError,
    LookupError,
    OSError,
    RuntimeError,
)


def read_file(path: str | Path) -> tuple[Task, ...]:
    """The tasks that a Python file defines. Running it runs its code, as importing it would."""
    file = Path(path)
    if not file.is_file():
        raise HarnessError(f"{file} does not exist.", "Check the path given to --include.")
    spec = importlib.util.spec_from_file_location(f"harness_included_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise HarnessError(f"{file} is no Python file.", "Give --include a .py file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except BROKEN as error:
        line = getattr(error, "lineno", None)
        place = f", line {line}" if line else ""
        raise HarnessError(f"{file}{place} cannot be imported: {error}.", "Mend it; nothing was scored.") from error
    return checked(_defined(module), str(file))


def installed() -> tuple[Task, ...]:
    """The tasks that installed packages offer."""
    found: list[Task] = []
    for point in entry_points(group=GROUP):
        try:
            loaded = point.load()
        except (ImportError, AttributeError) as error:
            raise HarnessError(
                f"The entry point {point.name} ({point.value}) cannot be loaded: {error}.", "Reinstall that package."
            ) from error
        found += checked(_defined(loaded) if isinstance(loaded, ModuleType) else [loaded], f"entry point {point.name}")
    return tuple(found)


def _defined(module: ModuleType) -> list[Any]:
    return [*getattr(module, "TASKS", ()), *([module.TASK] if hasattr(module, "TASK") else [])]


def checked(found: Sequence[Any], where: str) -> tuple[Task, ...]:
    """The objects, which must be tasks; there must be one."""
    if not found or not all(isinstance(one, Task) for one in found):
        raise HarnessError(
            f"{where} defines no TASK that is a harness.tasks.task.Task.", "docs/tasks.md shows a whole example."
        )
    return tuple(found)

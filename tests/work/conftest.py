"""Jobs of a tiny encoder on the bundled data."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from executors import make_model

from harness.api import settings_from
from harness.checkpoint import open_checkpoint
from harness.plan import Job, plan
from harness.protocols import PROTOCOLS
from harness.run import name_checkpoints
from harness.tasks import select
from harness.tasks.source import open_source

Planned = Callable[..., tuple[Job, ...]]


@pytest.fixture(scope="session")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Planned:
    """A function that gives the jobs of some tasks and settings."""
    model = make_model(tmp_path_factory.mktemp("model") / "tiny")
    checkpoints = name_checkpoints([(None, open_checkpoint(str(model)))], "tiny")

    def jobs(tasks: str, **options: Any) -> tuple[Job, ...]:
        settings = settings_from({"device": "cpu", **options})
        return plan(checkpoints, select(tasks.split(",")), open_source("bundled"), settings, PROTOCOLS).jobs

    return jobs


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """An empty folder of kept models."""
    return tmp_path / ".cache"

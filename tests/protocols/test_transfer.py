"""Planning a fine-tuning: what is trained on is worked out once a plan, whoever trains on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import tiny_models as tiny

from harness.checkpoint import Checkpoint, open_checkpoint
from harness.examples import Question
from harness.plan import plan
from harness.protocols import PROTOCOLS, transfer
from harness.settings import Settings
from harness.tasks import get_task
from harness.tasks.source import Source, open_source
from harness.tasks.task import Task

SETTINGS = Settings(languages=("en", "de"))


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Checkpoint]:
    folder = tmp_path_factory.mktemp("models")
    return {name: open_checkpoint(str(tiny.save_model(folder / name, seed=at))) for at, name in enumerate("ab")}


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tasks whose scored sets are read, in their order."""
    names: list[str] = []
    read = transfer.evaluated_texts

    def counted(source: Source, task: Task) -> Iterator[tuple[Question, ...]]:
        names.append(task.name)
        return read(source, task)

    monkeypatch.setattr(transfer, "evaluated_texts", counted)
    return names


def test_training_data_are_read_once_a_plan(checkpoints: dict[str, Checkpoint], looked_at: list[str]) -> None:
    tasks = [get_task(name) for name in ("xquad", "mlqa", "pawsx")]
    planned = plan(checkpoints, tasks, open_source("bundled"), SETTINGS, PROTOCOLS)
    assert len({(job.name, job.task.name) for job in planned.jobs}) == 6
    # XQuAD and MLQA share one model, so each has to lack what either scores: once for both.
    assert sorted(looked_at) == ["mlqa", "pawsx", "xquad"]
    plan(checkpoints, tasks[:1], open_source("bundled"), SETTINGS, PROTOCOLS)
    assert sorted(looked_at[3:]) == ["mlqa", "xquad"], "another plan may find other data"


def test_what_is_remembered_is_what_would_be_read(checkpoints: dict[str, Checkpoint]) -> None:
    tasks = [get_task(name) for name in ("xquad", "mlqa")]
    planned = plan(checkpoints, tasks, open_source("bundled"), SETTINGS, PROTOCOLS)
    for job in planned.jobs:
        fresh = transfer.resolve(job.checkpoint, job.task, SETTINGS, open_source("bundled"))
        assert job.training == fresh.training
        assert fresh.settings.items() <= job.settings.items()


def test_a_source_remembers_within_a_plan_alone(tmp_path: Path) -> None:
    made: list[int] = []
    plain = Source(tmp_path)
    for source in (plain, plain.remembering(), plain.remembering()):
        assert [source.once("key", lambda: made.append(0) or len(made)) for _ in range(2)]
        assert source == plain
    assert len(made) == 2 + 1 + 1

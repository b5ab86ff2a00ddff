"""Planning a fine-tuning: what is trained on is worked out once a plan, whoever trains on it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import tiny_models as tiny

from harness.checkpoint import Checkpoint, open_checkpoint
from harness.errors import HarnessError
from harness.examples import Question
from harness.plan import asked_languages, plan
from harness.protocols import PROTOCOLS, transfer
from harness.protocols.tuning import model_key
from harness.settings import Settings
from harness.tasks import get_task
from harness.tasks.source import MissingDataError, Source, open_source
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


def test_notes_on_the_training_are_not_those_on_a_language(checkpoints: dict[str, Checkpoint], tmp_path: Path) -> None:
    """One model for all languages, whichever of their answers had to be found again."""

    def put(name: str, start: int) -> None:
        path = tmp_path / "tydiqa" / "tydiqa-goldp-v1.1-{}".format(name.split(".")[3]) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        texts = [f"Context {number} has one answer here." for number in range(30)]
        rows = [
            {
                "context": text,
                "qas": [
                    {
                        "id": f"{name}-{at}",
                        "question": "how many?",
                        "answers": [{"text": "one", "answer_start": text.index("one") + start}],
                    }
                ],
            }
            for at, text in enumerate(texts)
        ]
        path.write_text(json.dumps({"data": [{"title": "t", "paragraphs": rows}]}), encoding="utf-8")

    put("tydiqa.goldp.en.train.json", 2)
    put("tydiqa.goldp.en.dev.json", 0)
    put("tydiqa.goldp.fi.dev.json", 1)
    settings = Settings(languages=("en", "fi"), allow_contaminated=True)
    jobs = plan({"a": checkpoints["a"]}, [get_task("tydiqa")], Source(tmp_path), settings, PROTOCOLS).jobs
    notes = {
        job.language: (job.settings.get("answers moved"), job.settings["answers moved in training"]) for job in jobs
    }
    assert notes == {"en": (None, "30"), "fi": ("30", "30")}
    assert len({model_key(job) for job in jobs}) == 1


def test_a_published_set_is_trained_on_whole_where_nothing_is_selected(checkpoints: dict[str, Checkpoint]) -> None:
    task, source = get_task("tydiqa"), open_source("bundled")
    last = transfer.resolve(checkpoints["a"], task, SETTINGS, source)
    best = transfer.resolve(checkpoints["a"], task, replace(SETTINGS, training={"selection": "best"}), source)
    assert last.training is not None and best.training is not None
    assert not last.training.dev and best.training.dev
    assert len(last.training.train) == len(best.training.train) + len(best.training.dev)
    assert last.settings["training_data"] != best.settings["training_data"]


def test_a_task_from_outside_is_tuned_as_the_one_of_its_form(checkpoints: dict[str, Checkpoint]) -> None:
    task = replace(get_task("xnli"), name="mine")
    found = transfer.resolve(checkpoints["a"], task, SETTINGS, open_source("bundled")).settings
    own = transfer.resolve(checkpoints["a"], get_task("xnli"), SETTINGS, open_source("bundled")).settings
    assert found["preset"] == "xtreme of xnli"
    assert found["learning_rate"] == own["learning_rate"]


def test_a_preset_without_a_task_leaves_that_task_out(checkpoints: dict[str, Checkpoint]) -> None:
    settings = replace(SETTINGS, preset="stilts", languages=("en", "et"))
    with pytest.raises(MissingDataError, match="'stilts' has no settings for xcopa"):
        transfer.resolve(checkpoints["a"], get_task("xcopa"), settings, open_source("bundled"))
    tasks = [get_task("xcopa"), get_task("xnli")]
    planned = plan(checkpoints, tasks, open_source("bundled"), settings, PROTOCOLS)
    assert {job.task.name for job in planned.jobs} == {"xnli"}


def test_xtreme_r_has_further_languages() -> None:
    further = Settings(languages=("xtreme-r",))
    counts = {
        name: (len(asked_languages(get_task(name), Settings())), len(asked_languages(get_task(name), further)))
        for name in ("panx", "xquad", "xnli")
    }
    assert counts == {"panx": (40, 48), "xquad": (11, 12), "xnli": (15, 15)}


def test_what_is_all_scored_is_trained_on_only_if_asked(checkpoints: dict[str, Checkpoint], tmp_path: Path) -> None:
    rows = "".join(f"sentence {at}\tother {at}\tneutral\n" for at in range(4))
    (tmp_path / "xnli").mkdir()
    for name in ("test-de.tsv", "train-en.tsv"):
        (tmp_path / "xnli" / name).write_text(rows, encoding="utf-8")
    source, task = Source(tmp_path), get_task("xnli")
    with pytest.raises(HarnessError, match=r"All . training items of .* occur in the evaluated sets"):
        transfer.resolve(checkpoints["a"], task, SETTINGS, source)
    allowed = transfer.resolve(checkpoints["a"], task, replace(SETTINGS, allow_contaminated=True), source)
    assert allowed.training is not None and allowed.training.train
    assert "contaminated" in allowed.marks

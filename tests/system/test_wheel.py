"""What must be in the package wherever it is installed; `make wheel-test` runs this against the built wheel."""

import os
from importlib.resources import files
from pathlib import Path

import harness
from harness.checkpoint.zoo import list_models
from harness.cli import main
from harness.tasks import NAMES, get_task


def test_the_package_under_test_is_the_one_meant_wheel() -> None:
    """With HARNESS_WHEEL set the tests must not have found the source tree."""
    inside = Path(str(harness.__file__)).resolve()
    assert ("build/wheel/site" in inside.as_posix()) == bool(os.environ.get("HARNESS_WHEEL"))


def test_zoo_data_tables_and_types_are_in_the_wheel() -> None:
    assert len(list_models()) >= 15
    package = Path(str(files("harness")))
    assert (package / "py.typed").is_file()
    assert (package / "data/demo/tatoeba/tatoeba.deu-eng.deu").is_file()
    assert get_task("tatoeba").languages
    assert len(NAMES) == len({get_task(name).name for name in NAMES})


def test_the_command_answers_in_the_wheel() -> None:
    assert main(["list", "kinds"]) == 0

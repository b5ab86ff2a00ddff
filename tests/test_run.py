"""What a run makes of the results that lie in its folder."""

from pathlib import Path

import pytest
from tiny_models import save_model

from harness.cli import main
from harness.store import AVERAGE, Result, Store


def evaluate(model: Path, output: Path, *more: str) -> int:
    given = ["--model", str(model), "--name", "tiny", "--tasks", "bucc2018", "--data", "bundled"]
    return main(["eval", *given, "--output", str(output), "--quiet", *more])


def average(output: Path) -> Result | None:
    found = [one for one in Store(output).results() if one.language == AVERAGE]
    return found[0] if found else None


def test_an_average_is_of_one_model(tmp_path: Path) -> None:
    """Retrained under the same name and scored in one language, it has none until the others are scored too."""
    old, new = (save_model(tmp_path / name, "bert", "masked-lm", seed=at) for at, name in enumerate(("old", "new")))
    output = tmp_path / "results"
    assert evaluate(old, output) == 0
    first = average(output)
    assert first is not None
    assert evaluate(new, output, "--languages", "de", "--redo-stale") == 0
    assert average(output) is None
    assert evaluate(new, output, "--redo-stale") == 0
    second = average(output)
    assert second is not None
    assert second.fingerprint["weights"] != first.fingerprint["weights"]
    assert {one.fingerprint["weights"] for one in Store(output).results()} == {second.fingerprint["weights"]}


def test_another_model_under_a_known_name_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also where it scores other tasks: tables and exports would mix two models."""
    old, new = (save_model(tmp_path / name, "bert", "masked-lm", seed=at) for at, name in enumerate(("old", "new")))
    output = tmp_path / "results"
    assert evaluate(old, output, "--languages", "de") == 0
    kept = Store(output)
    (before,) = (one for one in kept.results() if one.language == "de")
    items = kept.items(before)
    capsys.readouterr()
    assert evaluate(new, output, "--tasks", "tatoeba", "--languages", "de") == 2
    said = capsys.readouterr().err
    assert "Other weights were scored under this name before: " in said and "(1 in all)" in said
    assert [one.status for one in kept.results() if one.task == "tatoeba"] == []
    assert evaluate(new, output, "--tasks", "tatoeba", "--languages", "de", "--redo-stale") == 0
    (aside,) = (one for one in kept.results() if one.task == "bucc2018" and one.language == "de")
    assert (aside.status, aside.scores, kept.items(aside)) == ("stale", before.scores, items)
    # It is no obstacle any more, and scored anew when it is asked for.
    assert evaluate(new, output, "--tasks", "tatoeba", "--languages", "sw") == 0
    assert evaluate(new, output, "--languages", "de") == 0
    scored = [one for one in kept.results() if one.status == "scored"]
    assert {one.task for one in scored} == {"bucc2018", "tatoeba"}
    assert len({one.fingerprint["weights"] for one in scored}) == 1

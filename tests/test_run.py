"""What a run makes of the results that lie in its folder."""

from pathlib import Path

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

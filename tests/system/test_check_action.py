"""The GitHub action's script: exit code, summary, output and files, run as the runner would run it."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from made_results import Made, correlated, write

ROOT = Path(__file__).resolve().parents[2]
ACTION = ROOT / ".github" / "actions" / "check"


@pytest.mark.parametrize(("drop", "code", "word"), [(0.0, 0, "passed"), (0.08, 1, "failed")])
def test_the_script_passes_the_gates_verdict_on(tmp_path: Path, drop: float, code: int, word: str) -> None:
    base = np.random.default_rng(0).random(3000) < 0.7
    write(tmp_path / "old results", Made("m"), {"de": base})
    write(
        tmp_path / "results", Made("m"), {"de": correlated(np.random.default_rng(1), base, 0.08 if drop else 0.0, drop)}
    )
    given = {
        "RESULTS": "results", "BASELINE": "old results", "ANCHOR": "", "TOLERANCE": "1", "INCONCLUSIVE": "fail",
        "CHECKPOINT": "", "HARNESS": f"{sys.executable} -m harness", "PYTHONPATH": str(ROOT),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"), "GITHUB_OUTPUT": str(tmp_path / "output"),
    }  # fmt: skip
    done = subprocess.run(["bash", str(ACTION / "run")], cwd=tmp_path, env={**os.environ, **given}, check=False)
    assert done.returncode == code
    assert f"Gate {word}" in (tmp_path / "summary").read_text("utf-8")
    assert (tmp_path / "output").read_text("utf-8") == f"code={code}\n"
    assert {path.name for path in (tmp_path / "harness-check").iterdir()} == {"junit.xml", "summary.md"}


def test_every_input_reaches_the_script_as_a_variable() -> None:
    """An input pasted into the script's text could be run as code."""
    action = yaml.safe_load((ACTION / "action.yml").read_text("utf-8"))
    (step, _) = action["runs"]["steps"]
    assert "${{" not in step["run"]
    assert {name.lower() for name in step["env"]} == set(action["inputs"]) - {"artifact"}
    script = (ACTION / "run").read_text("utf-8")
    assert all(f"${name}" in script for name in step["env"])

"""Reading, changing and breaking the files of tiny checkpoints, and opening them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from harness.checkpoint import Checkpoint, open_checkpoint
from harness.errors import HarnessError


def write_json(path: Path, value: Any) -> None:
    """A JSON file, its folders made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1), encoding="utf-8")


def edit_json(path: Path, **values: Any) -> None:
    """Set keys of a JSON object in a file; None deletes one."""
    data = {**json.loads(path.read_text("utf-8")), **values}
    write_json(path, {key: value for key, value in data.items() if key not in values or value is not None})


def drop_tensors(folder: Path, *starts: str) -> Path:
    """Take tensors out of model.safetensors whose names begin so."""
    from safetensors.torch import load_file, save_file

    path = folder / "model.safetensors"
    tensors = load_file(path)
    kept = {name: tensor for name, tensor in tensors.items() if not name.startswith(starts)}
    assert len(kept) < len(tensors), "nothing was dropped"
    save_file(kept, path, metadata={"format": "pt"})
    return folder


def copy(source: Path, target: Path) -> Path:
    """A writable copy of a folder."""
    shutil.copytree(source, target)
    for path in target.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return target


def opened(folder: Path, **options: Any) -> Checkpoint:
    """The checkpoint in a folder."""
    return open_checkpoint(str(folder), **options)


def mistake(folder: Path, **options: Any) -> str:
    """The sentence that a broken folder earns, its remedy included."""
    try:
        checkpoint = opened(folder, **options)
    except HarnessError as error:
        assert error.remedy, "what to do is missing"
        return str(error)
    raise AssertionError(f"it was opened: {checkpoint}")


def run_python(code: str, **environment: str) -> str:
    """Standard output of a fresh interpreter: for what is decided at import."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[1],
    )
    assert done.returncode == 0, done.stderr
    return done.stdout

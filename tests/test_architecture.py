"""Imports point one way, files and functions stay small, and each outside library has one owner."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1] / "harness"
FILES = sorted(ROOT.rglob("*.py"))

# A module may import from its own level and from levels before it.
LEVELS = [
    {"errors", "languages", "execute", "lock", "folder", "whole_file"},
    {"examples", "metrics"},
    {"tasks", "prompts"},
    {"checkpoint"},
    {"settings"},
    {"plan"},
    {"heads", "retrieval"},
    {"train", "likelihood"},
    {"protocols"},
    {"store"},
    {"work", "claims"},
    {"run", "mining"},
    {"trajectory"},
    {"report", "doctor"},
    {"flags"},
    {"api", "study"},
    {"cli", "__main__", "__init__"},
]
OWNERS = {
    "faiss": {"retrieval/faiss_index.py"},
    "sacrebleu": {"metrics/text.py"},
    "datasets": {"tasks/hub.py"},
    "lm_eval": {"protocols/"},
    "ray": {"execute/ray.py"},
    "fsspec": {"folder.py"},
    "upath": {"folder.py"},
    "jinja2": {"report/page/", "report/latex.py"},
    "matplotlib": {"report/plots"},
    "PIL": {"retrieval/images.py"},
    "rich": {"cli.py", "report/console"},
}
LIGHT = ("tasks", "metrics", "prompts", "errors", "languages", "examples", "flags", "cli")
HEAVY = {"torch", "transformers", "datasets", "lm_eval", "faiss", "sacrebleu", "pandas"}


def _level(name: str) -> int:
    return next(at for at, names in enumerate(LEVELS) if name in names)


def _home(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def _imports(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def test_there_is_something_to_check() -> None:
    assert len(FILES) > 25


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    own = _level(_home(path))
    wrong = []
    for name in _imports(ast.parse(path.read_text("utf-8"))):
        parts = name.split(".")
        if parts[0] == "harness" and len(parts) > 1 and _level(parts[1]) > own:
            wrong.append(name)
    assert not wrong


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_outside_library_has_one_owner(path: Path) -> None:
    relative = str(path.relative_to(ROOT))
    for name in _imports(ast.parse(path.read_text("utf-8"))):
        library = name.split(".")[0]
        if library in OWNERS:
            assert any(relative.startswith(owner) for owner in OWNERS[library]), f"{relative} imports {library}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_light_modules_load_nothing_heavy(path: Path) -> None:
    if _home(path) not in LIGHT:
        pytest.skip("may load heavy libraries")
    top = [node for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.Import | ast.ImportFrom)]
    for node in top:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        assert not {name.split(".")[0] for name in names} & HEAVY


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_are_small(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= 60, f"{node.name} has {length} lines"
            arguments = node.args
            count = len(arguments.posonlyargs) + len(arguments.args) + len(arguments.kwonlyargs)
            assert count - (bool(arguments.args) and arguments.args[0].arg == "self") <= 7, node.name


def test_executors_know_errors_alone() -> None:
    found = [
        name for path in FILES if _home(path) == "execute" for name in _imports(ast.parse(path.read_text("utf-8")))
    ]
    ours = {name for name in found if name.startswith("harness.")}
    assert ours
    assert all(name.startswith(("harness.execute", "harness.errors")) for name in ours)


def test_no_module_is_a_drawer() -> None:
    assert not {path.stem for path in FILES} & {"utils", "helpers", "common", "base", "manager"}

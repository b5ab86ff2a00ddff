"""What there is to choose from: tasks with their languages, models of the zoo, kinds of checkpoints."""

import json
from typing import Any

from harness.checkpoint.kinds import KINDS
from harness.tasks import BENCHMARKS, get_task, known_tasks


def listing(what: str, format_: str) -> str:
    """Lines for a terminal, or JSON."""
    rows = {"tasks": tasks, "models": models, "recipes": recipes, "kinds": kinds}[what]()
    if format_ == "json":
        return json.dumps(rows, ensure_ascii=False, indent=1)
    return "\n".join("  ".join(str(cell) for cell in line) for line in aligned(rows))


def tasks() -> list[dict[str, Any]]:
    """One row a task, then one a benchmark."""
    rows: list[dict[str, Any]] = []
    for name in known_tasks():
        task = get_task(name)
        codes = list(task.languages)
        rows.append({"name": name, "languages": len(codes), "title": task.title, "codes": codes, "files": task.files})
    for name, members in BENCHMARKS.items():
        rows.append({"name": name, "languages": "", "title": f"benchmark: {', '.join(members)}"})
    return rows


def models() -> list[dict[str, Any]]:
    """One row a zoo entry."""
    from harness.checkpoint.zoo import list_models

    return [
        {
            "name": one.name,
            "where": one.source,
            "kind": one.kind or "",
            "training_data": "unknown" if one.training_data is None else list(one.training_data),
        }
        for one in list_models()
    ]


def recipes() -> list[dict[str, Any]]:
    """One row a recipe, then one an alias."""
    from harness.train.recipes import ALIASES, RECIPES

    rows = [{"name": name, "form": one.form, "about": one.about} for name, one in RECIPES.items()]
    return rows + [{"name": name, "form": "", "about": ", ".join(names)} for name, names in ALIASES.items()]


def kinds() -> list[dict[str, Any]]:
    """One row a kind."""
    return [{"name": name, "meaning": kind.meaning} for name, kind in KINDS.items()]


def aligned(rows: list[dict[str, Any]]) -> list[list[str]]:
    """Cells padded to their column's width; long lists are cut."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[short(row.get(name, "")) for name in names] for row in rows]
    widths = [max(len(line[at]) for line in cells) for at in range(len(names))]
    return [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in cells]


def short(value: Any, most: int = 60) -> str:
    """One cell's text."""
    text = " ".join(value) if isinstance(value, list) else str(value)
    return text if len(text) <= most else f"{text[: most - 1]}…"

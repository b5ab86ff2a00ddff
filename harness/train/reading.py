"""Reads what a mixture is trained on, and takes out what a task of the harness scores."""

from collections.abc import Sequence

from harness.errors import HarnessError
from harness.tasks import NAMES, get_task
from harness.tasks.overlap import normalised_hash
from harness.tasks.scored_texts import scored_texts
from harness.tasks.source import BlankedLabelsError, MissingDataError, Source
from harness.train.material import Material, Wish, cut, without
from harness.train.recipes import Part


def read_materials(
    parts: Sequence[Part], source: Source, wish: Wish, limit: int | None = None, allow_contaminated: bool = False
) -> dict[str, list[Material]]:
    """Recipe -> its materials, each without the items that a task scores in the folder at hand. HarnessError names
    every recipe that lacks its data."""
    found: dict[str, list[Material]] = {}
    missing = []
    for part in parts:
        try:
            found[part.recipe.name] = part.recipe.read(source, wish)
        except (MissingDataError, BlankedLabelsError) as error:
            missing.append(f"{part.recipe.name}: {error}")
    if missing:
        raise HarnessError(f"There is nothing to train on: {'; '.join(missing)}.", "docs/training.md lists the files.")
    if not allow_contaminated:
        scored = _scored(source, [one for each in found.values() for one in each])
        found = {name: [without(one, scored) for one in each] for name, each in found.items()}
    return {name: [cut(one, limit) for one in each] for name, each in found.items()}


def _scored(source: Source, materials: Sequence[Material]) -> set[str]:
    """Hashes of all that is scored in these languages and in English."""
    codes = {code for one in materials for code in one.language.split("-")}
    texts = scored_texts(source, [get_task(name) for name in NAMES], sorted({"en", *codes}))
    return set(map(normalised_hash, set(texts)))

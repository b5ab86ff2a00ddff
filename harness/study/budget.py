"""What each recipe trains with, so that no recipe differs by its budget alone, and whether it has read what is
scored."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from harness.checkpoint.contamination import known_words, overlap
from harness.checkpoint.manifest import TrainingTexts
from harness.errors import HarnessError
from harness.study.readout import Scored, Settled
from harness.study.request import Request, Row
from harness.tasks.source import Source
from harness.train.intermediate import survey
from harness.train.request import request_from

Shared = Mapping[str, Mapping[str, Mapping[str, int]]]


@dataclass(frozen=True)
class Budget:
    """One recipe's training. `own_steps` is what its own settings come to, `steps` what is trained; `tokens` is
    expected. `overlap`: task -> language -> items of the scored set with a text in training (`exact`), with a 13-gram
    (`grams`), held-back word pairs that are in it (`words`); `selection` likewise of the development sets that recipes
    are picked on."""

    own_steps: int
    steps: int
    batch_size: int
    tokens_per_step: float
    names: tuple[str, ...]
    overlap: Shared
    selection: Shared = field(default_factory=dict)

    @property
    def tokens(self) -> int:
        """Tokens of the whole training."""
        return round(self.steps * self.tokens_per_step)


def budget_of(row: Row, request: Request, source: Source, settled: Settled) -> Budget:
    """What a row's training is made of, at its own length."""
    assert row.recipe is not None, "the base is not trained"
    options = {**request.train_options(row), "seed": request.seeds[0], "trust_remote_code": request.trust_remote_code}
    with TemporaryDirectory() as place:
        wanted = request_from(row.recipe, Path(place) / row.checkpoint(0), request.base, options)
        found = survey(replace(wanted, allow_contaminated=request.allow_contaminated), source)
    shared = overlaps(found.texts, settled.scored), overlaps(found.texts, settled.selection)
    return Budget(found.steps, found.steps, found.batch_size, found.tokens_per_step, found.names, *shared)


def overlaps(texts: TrainingTexts, scored: Mapping[str, Scored]) -> dict[str, dict[str, dict[str, int]]]:
    """Task -> language -> shared items, where any are."""
    out: dict[str, dict[str, dict[str, int]]] = {}
    for task, own in scored.items():
        for code, loaded in own.items():
            found = overlap(loaded.examples, texts)
            words = known_words(loaded.examples, texts)
            if found.exact or found.grams or words:
                counts = {"exact": found.exact, "grams": found.grams, "words": words}
                out.setdefault(task, {})[code] = counts
    return out


def refuse_overlap(budgets: Mapping[str, Budget]) -> None:
    """HarnessError where a text of a scored set is in a training, every recipe at once."""
    said = []
    for label, budget in budgets.items():
        for task, languages in budget.overlap.items():
            shown = _exact(languages)
            if shown:
                said.append(f"{label} has read items of {task} ({shown})")
    if said:
        raise HarnessError(
            f"Training and evaluation overlap: {'; '.join(said)}.",
            "Train on other text, leave the task out, or say --allow-contaminated (the table is marked).",
        )


def known_selections(budgets: Mapping[str, Budget]) -> dict[str, str]:
    """Task -> which rows have read how much of its development set: there the best would be who knows most of it."""
    found: dict[str, list[str]] = {}
    for label, budget in budgets.items():
        for task, languages in budget.selection.items():
            shown = _exact(languages)
            if shown:
                found.setdefault(task, []).append(f"{label} ({shown})")
    return {task: ", ".join(said) for task, said in found.items()}


def _exact(languages: Mapping[str, Mapping[str, int]]) -> str:
    """`de 3, fr 1`; "" where nothing is shared."""
    return ", ".join(f"{code} {one['exact']}" for code, one in languages.items() if one["exact"])


def matched(budgets: Mapping[str, Budget], match: str, fixed: float | None) -> tuple[dict[str, Budget], float | None]:
    """The budgets made equal, and the common one (steps or tokens). `fixed` is that of an earlier run of the study,
    which a further recipe does not move; without one it is the smallest of the recipes' own, which all of them can
    fill."""
    if match == "none" or not budgets:
        return dict(budgets), fixed
    if match == "steps":
        common = fixed or min(one.own_steps for one in budgets.values())
        return {label: replace(one, steps=int(common)) for label, one in budgets.items()}, common
    common = fixed or min(one.own_steps * one.tokens_per_step for one in budgets.values())
    steps = {label: max(1, round(common / one.tokens_per_step)) for label, one in budgets.items()}
    return {label: replace(one, steps=steps[label]) for label, one in budgets.items()}, common


def looked_again(known: Budget, later: Budget) -> Budget:
    """The budget of an earlier run, with what the sets that were added since share with its data."""
    return replace(known, overlap={**known.overlap, **later.overlap}, selection={**known.selection, **later.selection})


def as_record(budget: Budget) -> dict[str, Any]:
    """As the study's manifest holds it."""
    return {**asdict(budget), "names": list(budget.names), "tokens": budget.tokens}


def from_record(record: Mapping[str, Any]) -> Budget:
    """The reverse."""
    own = {name: record[name] for name in Budget.__dataclass_fields__ if name in record}
    return Budget(**{**own, "names": tuple(own["names"])})

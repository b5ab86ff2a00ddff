"""What a study is asked for, checked before anything is read."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.report.study.related import BEST, NONE
from harness.train.recipes import parse

MATCHES = ("steps", "tokens", "none")
SEEDS = (1, 2, 3)
# Options of an evaluation that say who does it, and no setting of it.
DONE_BY = ("executor", "workers")
# Those that move no score.
NO_SCORE = ("device", *DONE_BY)
LABEL = re.compile(r"[\w.+*-]+")


@dataclass(frozen=True)
class Row:
    """One row of the table: a recipe (None: the base as it is) under a label of its own (`de=mnli`)."""

    label: str
    recipe: str | None

    @property
    def parts(self) -> tuple[str, ...]:
        """The recipes of its mixture, `all9` taken apart."""
        return tuple(part.recipe.name for part in parse(self.recipe)) if self.recipe else ()

    def checkpoint(self, seed: int) -> str:
        """The checkpoint's name in the results and below `checkpoints/`."""
        # A star in a folder's name would be read as a pattern.
        return self.label.replace("*", "x") + (f".seed{seed}" if self.recipe else "")


@dataclass(frozen=True)
class Request:
    """`training` and `evaluation` are options of `harness train` and `harness eval` by their Python names, `own`
    further ones of single rows and tasks. `best` asks for a row that picks a recipe per task on its development set."""

    base: str
    rows: tuple[Row, ...]
    tasks: tuple[str, ...]
    seeds: tuple[int, ...] = SEEDS
    match: str = "steps"
    output: Path = Path("study")
    data: str | None = None
    training: Mapping[str, Any] = field(default_factory=dict)
    evaluation: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    treatment: str | None = None
    reference: str = NONE
    preset: str | None = None
    best: bool = False
    sweep: bool = True
    allow_contaminated: bool = False
    trust_remote_code: bool = False
    include: tuple[str, ...] = ()

    def row_options(self, row: Row) -> dict[str, Any]:
        """What a row without a training is read with of its own (`--set de:source-language=de`)."""
        return {} if row.recipe else dict(self.own.get(row.label, {}))

    @property
    def trained(self) -> tuple[Row, ...]:
        """Rows that need a training."""
        return tuple(row for row in self.rows if row.recipe)

    def train_options(self, row: Row) -> dict[str, Any]:
        """All options of a row's trainings but seed and steps. At equal budgets the last weights count, unless asked
        otherwise: a recipe that chose its best moment would have had another budget than the table says."""
        fixed = {} if self.match == "none" else {"selection": "last"}
        return {**fixed, **self.training, **self.own.get(row.label, {})}

    def eval_options(self, task: str) -> dict[str, Any]:
        """All options of a task's evaluations but the seed and what is pinned."""
        return {**self.evaluation, **self.own.get(task, {})}

    def settings(self, task: str) -> dict[str, Any]:
        """Those of them that are settings of the evaluation."""
        return {name: value for name, value in self.eval_options(task).items() if name not in DONE_BY}


def parse_rows(names: Sequence[str], reference: str = NONE) -> tuple[tuple[Row, ...], bool]:
    """(`none` first where it is the reference and not named, then the recipes in their order; whether best-per-target
    is asked for).
    HarnessError: unknown recipes and labels that cannot be, all at once, a label that stands twice."""
    wanted = [name for name in names if name != BEST]
    rows = [Row(NONE, None)] if reference == NONE and NONE not in wanted else []
    wrong: list[str] = []
    for name in wanted:
        label, _, recipe = name.rpartition("=") if "=" in name else (name, "", name)
        if not LABEL.fullmatch(label):
            wrong.append(f"'{label}' cannot name a row")
        if recipe == NONE:
            rows.append(Row(label, None))
            continue
        try:
            names_of = [part.recipe.name for part in parse(recipe)]
        except HarnessError as error:
            wrong.append(error.problem)
            continue
        if "mlm_scratch" in names_of:
            wrong.append("mlm_scratch has no base: make it first, then give it as --base")
        rows.append(Row(label, recipe))
    labels = [row.label for row in rows]
    wrong += [f"{one} stands twice" for one in dict.fromkeys(labels) if labels.count(one) > 1]
    if wrong:
        raise HarnessError(f"--recipes: {'; '.join(one.rstrip('.') for one in wrong)}.", "`harness list recipes`.")
    return tuple(rows), BEST in names


def check(request: Request) -> None:
    """What can be said before anything is read, all at once."""
    labels = [row.label for row in request.rows]
    wrong = []
    if request.match not in MATCHES:
        wrong.append(f"--match {request.match} is none of {', '.join(MATCHES)}")
    if not request.seeds or len(set(request.seeds)) < len(request.seeds) or min(request.seeds) < 1:
        wrong.append(f"--seeds {','.join(map(str, request.seeds))} are not distinct numbers from 1 on")
    if request.treatment is not None and request.treatment not in labels:
        wrong.append(f"--treatment {request.treatment} is none of the recipes {', '.join(labels)}")
    if request.reference not in labels:
        wrong.append(f"the reference {request.reference} is none of the recipes {', '.join(labels)}")
    if len(request.rows) < 2:
        wrong.append("there is no recipe beside none")
    if not request.tasks:
        wrong.append("no task was named")
    if request.evaluation.get("layer") == "all" or any(one.get("layer") == "all" for one in request.own.values()):
        wrong.append("--layer all pins nothing: all layers are scored anyway, unless --no-sweep")
    if BEST in labels:
        wrong.append(f"{BEST} is no recipe")
    both = sorted(set(labels) & set(request.tasks))
    if both:
        wrong.append(f"{', '.join(both)} names a recipe and a task")
    if wrong:
        raise HarnessError(f"This study cannot be: {'; '.join(wrong)}.", "Correct the flags.")

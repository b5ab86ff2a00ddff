"""From the flags of `harness study` to its request; a preset gives what was not said."""

import argparse
from pathlib import Path

from harness.errors import HarnessError
from harness.flags.study import own_options, split_options
from harness.study.presets import StudyPreset, study_preset
from harness.study.request import SEEDS, Request, parse_rows
from harness.tasks import include, select

_EMPTY = StudyPreset(recipes=(), tasks=(), match="steps", claims=())


def request_from(options: argparse.Namespace) -> Request:
    """The request. HarnessError: neither recipes nor a preset, unknown names, values that cannot be."""
    include(options.include)
    chosen = study_preset(options.preset) if options.preset else _EMPTY
    recipes, tasks = options.recipes or chosen.recipes, options.tasks or chosen.tasks
    lacking = [flag for flag, given in (("--recipes", recipes), ("--tasks", tasks)) if not given]
    if lacking:
        raise HarnessError(f"{' and '.join(lacking)} not given.", "Say which, or give a --preset.")
    rows, best = parse_rows(recipes, chosen.reference)
    known = [task.name for task in select(list(tasks))]
    training, evaluation = split_options(options)
    trained = [row.label for row in rows if row.recipe]
    given = own_options(options.set, trained, [*known, *(row.label for row in rows if not row.recipe)])
    own = {name: {**chosen.own.get(name, {}), **given.get(name, {})} for name in (*chosen.own, *given)}
    return Request(
        base=options.base,
        rows=rows,
        tasks=tuple(tasks),
        seeds=tuple(options.seeds or SEEDS),
        match=options.match or chosen.match,
        output=Path(options.output),
        data=options.data,
        training=training,
        evaluation={**chosen.evaluation, **evaluation},
        own=own,
        treatment=options.treatment,
        reference=chosen.reference,
        preset=options.preset,
        best=best,
        sweep=options.sweep,
        allow_contaminated=options.allow_contaminated,
        trust_remote_code=options.trust_remote_code,
        include=tuple(options.include),
    )

"""`harness compare` from its options to what is printed."""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.report.compare.compare import Comparison, as_json, compare
from harness.report.compare.flips import Flip, flips
from harness.report.compare.side import open_side
from harness.report.compare.why import Cause, why
from harness.tasks import include
from harness.tasks.source import open_source


@dataclass(frozen=True)
class Done:
    """With --why the causes alone; else the comparison and the flipped items that were asked for."""

    comparison: Comparison | None
    causes: tuple[Cause, ...] = ()
    flips: tuple[Flip, ...] = ()


def run(options: argparse.Namespace, progress: Callable[[str, int, int], None]) -> Done:
    """Reads both sides and compares them."""
    include(options.include)
    a, b = (open_side(Path(options.results), given) for given in (options.a, options.b))
    if options.why:
        return Done(None, tuple(why(a, b)))
    source = None if options.data is None else open_source(options.data)
    comparison = compare(a, b, progress)
    return Done(comparison, (), tuple(flips(a, b, options.show, source)) if options.show else ())


def comparison_json(done: Done) -> str:
    """What was found, as JSON."""
    if done.comparison is None:
        return json.dumps([asdict(one) for one in done.causes], ensure_ascii=False, indent=1)
    whole = json.loads(as_json(done.comparison))
    if done.flips:
        whole["flips"] = [asdict(one) for one in done.flips]
    return json.dumps(whole, ensure_ascii=False, indent=1)

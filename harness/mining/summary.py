"""What a mining run, or the estimate of one, prints."""

import json
from dataclasses import asdict

from harness.mining.budget import show
from harness.mining.forecast import Estimate
from harness.mining.run import Mined


def summary(done: Mined | Estimate, format_: str) -> str:
    """All fields as JSON, or a few lines."""
    if format_ == "json":
        return json.dumps(asdict(done), indent=1, ensure_ascii=False)
    return _estimated(done) if isinstance(done, Estimate) else _mined(done)


def _mined(done: Mined) -> str:
    lines = [f"{done.pairs:,} pairs written"]
    if done.levels:
        lines.append("margin " + ", ".join(f">= {level:g}: {count:,}" for level, count in done.levels.items()))
    found = f"neighbours: {done.how}"
    lines.append(found if done.recall is None else f"{found}; recall {done.recall}")
    lines.append("seconds: " + ", ".join(f"{step} {taken:.1f}" for step, taken in done.seconds.items()))
    if done.anonymous:
        lines.append(f"peak memory {show(done.anonymous)} of its own, {show(done.mapped)} of mapped files")
    return "\n".join(lines)


def _estimated(done: Estimate) -> str:
    width = max(len(step.name) for step in done.steps)
    lines = [f"{done.size}", f"{'':{width}} {'time':>12} {'memory':>12} {'disk':>12}"]
    for step in done.steps:
        lines.append(f"{step.name:{width}} {clock(step.seconds):>12} {show(step.memory):>12} {show(step.disk):>12}")
    lines.append(f"{'in all':{width}} {clock(done.seconds):>12} {show(done.memory):>12} {show(done.disk):>12}")
    return "\n".join([*lines, *done.notes])


def clock(seconds: float | None) -> str:
    """Seconds for people; None is unknown."""
    if seconds is None:
        return "unknown"
    if seconds < 100:
        return f"{seconds:.1f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 4 * 86400 else f"{seconds / 86400:.0f} days"

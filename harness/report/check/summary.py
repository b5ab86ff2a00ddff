"""A gate as words: JSON, a Markdown summary for a pull request, JUnit XML for a CI server."""

import json
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from harness.metrics.gate import INCONCLUSIVE, MISSING, WORSE
from harness.report.check.check import FAILED, PASSED, Gate, Line
from harness.report.markdown import table
from harness.store import AVERAGE

OUTCOMES = {PASSED: "passed", FAILED: "failed"}


def outcome(gate: Gate) -> str:
    """passed, failed or inconclusive."""
    return OUTCOMES.get(gate.code, INCONCLUSIVE)


def headline(gate: Gate) -> str:
    """One sentence: the outcome and what it was judged by."""
    counts: dict[str, int] = {}
    for line in gate.lines:
        if line.gated:
            counts[line.verdict] = counts.get(line.verdict, 0) + 1
    said = ", ".join(f"{count} {verdict}" for verdict, count in sorted(counts.items()))
    return f"Gate {outcome(gate)}: {said} (tolerance {points(gate.limits.tolerance)} points; 5% for the whole gate)"


def points(fraction: float) -> str:
    """A fraction as percentage points without idle zeros."""
    return f"{100 * fraction:.4g}"


def cells(line: Line) -> list[str]:
    """A line for a table: baseline, task, over what, mode, both values, difference, lower bound, p, detectable drop."""
    what = f"mean of {len(line.languages)}" if line.language == AVERAGE else line.language
    head = [line.baseline, f"{line.task} {line.folder}", what, line.mode]
    if line.measured is None:
        return [*head, "", "", "", "", "", "", line.verdict, line.reason]
    one, judged = line.measured, line.judged
    values = [f"{100 * one.baseline:.2f}", f"{100 * one.candidate:.2f}", f"{100 * one.effect.difference:+.2f}"]
    bound = ["" if judged is None or judged.low is None else f"{100 * judged.low:+.2f}"]
    bound.append("" if judged is None or judged.p is None else f"{judged.p:.3g}")
    bound.append("" if judged is None or judged.detectable is None else points(judged.detectable))
    return [*head, *values, *bound, line.verdict, explain(line)]


HEADER = (
    *("baseline", "task", "over", "mode", "baseline %", "candidate %", "difference", "at least (95%)", "p of a drop"),
    *("detectable drop", "verdict", "remark"),
)


def explain(line: Line) -> str:
    """What a reader should know of a verdict."""
    parts = [line.reason] if line.reason else []
    one, judged = line.measured, line.judged
    if one is not None and one.differing:
        parts.append(f"{one.differing} of {one.units} clusters differ")
    if one is not None and one.retrained:
        parts.append(f"{one.seeds[0]} and {one.seeds[1]} seeds")
    if judged is not None and judged.verdict == INCONCLUSIVE and judged.detectable is not None:
        parts.append(f"this gate finds drops from {points(judged.detectable)} points on")
    return "; ".join(parts)


def as_markdown(gate: Gate) -> str:
    """For a pull request: gated numbers in full, single languages folded away."""
    gated = [line for line in gate.lines if line.gated]
    rest = [line for line in gate.lines if not line.gated]
    parts = [f"### {headline(gate)}", table(HEADER, [cells(line) for line in gated])]
    parts += [f"> {warning}" for warning in gate.warnings]
    if rest:
        folded = table(HEADER, [cells(line) for line in rest])
        parts += ["<details><summary>Languages (not gated)</summary>", folded, "</details>"]
    return "\n\n".join(parts) + "\n"


def as_json(gate: Gate) -> str:
    """Flat objects, fractions 0-1; an absent number is an absent key."""
    whole = {
        "outcome": outcome(gate),
        "code": gate.code,
        "tolerance": gate.limits.tolerance,
        "lines": [_flat(line) for line in gate.lines],
        "warnings": list(gate.warnings),
    }
    return json.dumps(whole, ensure_ascii=False, indent=1)


def _flat(line: Line) -> dict[str, Any]:
    flat: dict[str, Any] = {
        "baseline_file": line.baseline,
        "task": line.task,
        "folder": line.folder,
        "language": line.language,
        "languages": list(line.languages),
        "gated": line.gated,
        "mode": line.mode,
        "verdict": line.verdict,
        "reason": line.reason,
    }
    if line.measured is not None:
        one = line.measured
        flat |= {"baseline": one.baseline, "candidate": one.candidate, "difference": one.effect.difference}
        flat |= {"paired": one.paired, "differing": one.differing, "units": one.units, "seeds": list(one.seeds)}
    if line.judged is not None:
        judged = line.judged
        flat |= {"low": judged.low, "p": judged.p, "detectable": judged.detectable}
    return {key: value for key, value in flat.items() if value not in (None, "")}


def as_junit(gate: Gate) -> str:
    """One suite per baseline, one case per gated number: worse and missing fail, inconclusive is an error (skipped
    where it passes)."""
    root = Element("testsuites", name="harness check")
    for label in dict.fromkeys(line.baseline for line in gate.lines):
        lines = [line for line in gate.lines if line.baseline == label and line.gated]
        suite = SubElement(root, "testsuite", name=_plain(label), tests=str(len(lines)))
        tallies = {"failure": 0, "error": 0, "skipped": 0}
        for line in lines:
            case = SubElement(suite, "testcase", classname=_plain(f"{line.task}.{line.folder}"), name=line.language)
            for tag in _tags(line, gate):
                tallies[tag] += 1
                SubElement(case, tag, message=_plain(" | ".join(part for part in (line.verdict, line.reason) if part)))
            SubElement(case, "system-out").text = _plain(_sentence(line))
        suite.attrib |= {"failures": str(tallies["failure"]), "errors": str(tallies["error"])}
        suite.attrib |= {"skipped": str(tallies["skipped"])}
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _tags(line: Line, gate: Gate) -> Iterator[str]:
    if line.verdict in (WORSE, MISSING):
        yield "failure"
    elif line.verdict == INCONCLUSIVE:
        yield "skipped" if gate.limits.inconclusive_passes else "error"


def _sentence(line: Line) -> str:
    return "; ".join(f"{name} {cell}" for name, cell in zip(HEADER, cells(line), strict=True) if cell)


def _plain(text: str) -> str:
    """Without the control characters that XML 1.0 cannot hold."""
    return "".join(character for character in text if character in "\t\n" or character.isprintable())

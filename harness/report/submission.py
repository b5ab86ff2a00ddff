"""What the official XTREME scorer would say of a folder of predictions and one of labels.

Its keys and units (percent) are kept. Its silences are not: it skips a missing task and crashes on a missing
language; here both are listed under `incomplete`, and nothing is averaged over a part. XTREME-R has no
official overall score: `lareqa` stands in its table with no languages (google-research/xtreme,
`evaluate.py`)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import HarnessError, unknown_names
from harness.metrics.accuracy import ACCURACY
from harness.metrics.entities import RULES, tag_metrics
from harness.metrics.mining import rank_metric, set_metrics
from harness.metrics.score import Metric, evaluate
from harness.metrics.spans import mlqa_metrics, squad_metrics
from harness.report.layout import form_of, read_labels, read_predictions
from harness.report.matching import Matched, match
from harness.tasks.xtreme import BENCHMARKS, GROUPS, OfficialTask

MISTAKES_SHOWN = 20
EXAMPLE = "It holds one folder per task with files like xnli/test-de.tsv."


@dataclass(frozen=True)
class Folders:
    """Where predictions and labels lie."""

    predictions: Path
    labels: Path

    def files(self, task: OfficialTask, language: str) -> dict[str, Path]:
        """The two files of one task and language, by side."""
        roots = {"predictions": self.predictions, "labels": self.labels}
        return {side: root / task.name / task.file(language) for side, root in roots.items()}


@dataclass(frozen=True)
class Found:
    """What reading the folders brought. `scores`: task -> metric -> language -> percent; `absent`: task ->
    language -> sides without a file."""

    scores: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    absent: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    mistakes: list[HarnessError] = field(default_factory=list)


def score_submission(
    predictions: Path, labels: Path, benchmark: str = "xtreme", pos_rule: str = "legacy"
) -> dict[str, Any]:
    """The official report: task -> metric -> language -> percent, `avg_<metric>` and `avg_metric` of a task,
    the groups and `all_task`, the averages only where nothing is missing. Beside them:

    `incomplete` task -> languages not scored; `missing` side -> task -> languages without a file there;
    `warnings` sentences; `benchmark`; `pos_rule` (`legacy` or `seqeval1`, which only udpos depends on).
    HarnessError for unknown names, absent folders, nothing to score, and for all unreadable files at once."""
    _check_names(benchmark, pos_rule)
    # `harness export --with-labels` puts the labels into a folder of the submission.
    inside = labels / "labels"
    folders = Folders(predictions, inside if inside.is_dir() else labels)
    _check_folders(folders, benchmark)
    found = Found()
    for task in BENCHMARKS[benchmark].values():
        _score_task(task, folders, pos_rule, found)
    _raise_all(found.mistakes)
    if not any(found.scores.values()):
        raise HarnessError(f"No language of {benchmark} has a file in both {predictions} and {labels}.", EXAMPLE)
    found.warnings.extend([*_unread(folders, benchmark), *_unscored(benchmark)])
    return {
        **_scores(benchmark, found),
        "incomplete": {name: list(languages) for name, languages in found.absent.items()},
        "missing": {side: _absent_on(side, found) for side in ("predictions", "labels")},
        "warnings": found.warnings,
        "benchmark": benchmark,
        "pos_rule": pos_rule,
    }


def averages(task: OfficialTask, values: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """`avg_<metric>`: means over all languages of the task; `avg_metric`: the mean of those that count."""
    out = {f"avg_{name}": sum(values[name].values()) / len(task.languages) for name in task.metrics}
    out["avg_metric"] = sum(out[f"avg_{name}"] for name in task.averaged) / len(task.averaged)
    return out


def official_metrics(task: str, language: str, pos_rule: str = "legacy") -> tuple[Metric, ...]:
    """The official metrics of one task in one language, under the report's names, for items from `match`."""
    form = form_of(task)
    if form == "tags":
        return tag_metrics(pos_rule if task == "udpos" else "legacy")
    if form == "answers":
        return mlqa_metrics(language) if task == "mlqa" else squad_metrics()
    if form == "pairs":
        return set_metrics()
    return (rank_metric(),) if form == "ranks" else (ACCURACY,)


def _score_task(task: OfficialTask, folders: Folders, pos_rule: str, found: Found) -> None:
    """Adds the task's scores, absences, warnings and mistakes to `found`."""
    values: dict[str, dict[str, float]] = {}
    for language in task.languages:
        files = folders.files(task, language)
        if absent := [side for side, path in files.items() if not path.is_file()]:
            found.absent.setdefault(task.name, {})[language] = absent
            continue
        try:
            matched = _match_files(task.name, files)
        except HarnessError as error:
            found.mistakes.append(error)
            continue
        found.warnings.extend(matched.warnings)
        for metric in official_metrics(task.name, language, pos_rule):
            values.setdefault(metric.name, {})[language] = 100 * evaluate(metric, matched.items)
    found.scores[task.name] = values


def _match_files(task: str, files: Mapping[str, Path]) -> Matched:
    return match(task, read_predictions(task, files["predictions"]), read_labels(task, files["labels"]))


def _scores(benchmark: str, found: Found) -> dict[str, Any]:
    tasks = BENCHMARKS[benchmark]
    whole = {
        name: averages(tasks[name], values)
        for name, values in found.scores.items()
        if values and name not in found.absent
    }
    overall = {"all_task": tuple(tasks), **GROUPS[benchmark]}
    means = {
        key: sum(whole[name]["avg_metric"] for name in members) / len(members)
        for key, members in overall.items()
        if all(name in whole for name in members)
    }
    details = {name: {**values, **whole.get(name, {})} for name, values in found.scores.items() if values}
    return {**means, **details}


def _absent_on(side: str, found: Found) -> dict[str, list[str]]:
    lists = {
        task: [language for language, sides in languages.items() if side in sides]
        for task, languages in found.absent.items()
    }
    return {task: languages for task, languages in lists.items() if languages}


def _unread(folders: Folders, benchmark: str) -> Iterator[str]:
    """Folders and files beside those of the benchmark."""
    tasks = {name: task for name, task in BENCHMARKS[benchmark].items() if task.languages}
    for root in (folders.predictions, folders.labels):
        for folder in sorted(path for path in root.iterdir() if path.is_dir() and path.name[0] != "."):
            if folder.name not in tasks:
                yield f"{folder} was not scored: {benchmark} has {', '.join(tasks)}."
                continue
            known = {tasks[folder.name].file(language) for language in tasks[folder.name].languages}
            names = {path.name for path in folder.iterdir() if path.name[0] != "."}
            if names - known:
                yield f"{folder}: not read: {', '.join(sorted(names - known))} (names are like {min(known)})."


def _unscored(benchmark: str) -> Iterator[str]:
    for name, task in BENCHMARKS[benchmark].items():
        if not task.languages:
            yield f"{name} has no official prediction file and cannot be scored; nothing is averaged over it."


def _check_names(benchmark: str, pos_rule: str) -> None:
    if benchmark not in BENCHMARKS:
        raise unknown_names("benchmark", [benchmark], BENCHMARKS, f"Benchmarks: {', '.join(BENCHMARKS)}.")
    if pos_rule not in RULES:
        raise unknown_names("rule for parts of speech", [pos_rule], RULES, f"Rules: {', '.join(RULES)}.")


def _check_folders(folders: Folders, benchmark: str) -> None:
    roots = (folders.predictions, folders.labels)
    if absent := [str(root) for root in roots if not root.is_dir()]:
        raise HarnessError(f"No such folder: {', '.join(absent)}.", EXAMPLE)
    if bare := [str(root) for root in roots if not any((root / name).is_dir() for name in BENCHMARKS[benchmark])]:
        raise HarnessError(f"No task of {benchmark} in {' or '.join(bare)}.", EXAMPLE)


def _raise_all(mistakes: list[HarnessError]) -> None:
    if len(mistakes) == 1:
        raise mistakes[0]
    if mistakes:
        rest = len(mistakes) - MISTAKES_SHOWN
        lines = [str(mistake) for mistake in mistakes[:MISTAKES_SHOWN]] + [f"and {rest} more"] * (rest > 0)
        raise HarnessError("\n".join([f"{len(mistakes)} languages cannot be scored:", *lines]))

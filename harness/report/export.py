"""Results as the official submission folder, so that a number here can be checked by the official scorer."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError, unknown_names
from harness.report.layout import label_path, prediction_path, write_labels, write_predictions
from harness.store import AVERAGE, Result, Store, bearer, replace, writable
from harness.tasks.xtreme import XTREME, XTREME_R

MANIFEST = "MANIFEST"


@dataclass(frozen=True)
class Exported:
    """What was written: files, and tasks that the official layout does not have."""

    files: int
    left_out: tuple[str, ...]


def export(store: Store, checkpoint: str, output: Path, with_labels: bool, setting: str | None = None) -> Exported:
    """Writes predictions (and labels from the results' own gold) of one checkpoint; one setting per task.

    `setting` names the folder (`retrieve@layer4`) where a task has several."""
    results = [one for one in store.results() if one.status == "scored" and one.language != AVERAGE]
    names = dict.fromkeys(one.checkpoint for one in results)
    if checkpoint not in names:
        raise unknown_names("checkpoint", [checkpoint], names, f"Scored in {store.root}: {', '.join(names) or 'none'}.")
    own = [one for one in results if one.checkpoint == checkpoint]
    tasks = list(dict.fromkeys(one.task for one in own))
    left_out = [task for task in tasks if task not in XTREME and task not in XTREME_R]
    official = [task for task in tasks if task not in left_out]
    chosen = [one for task in official for one in choose([one for one in own if one.task == task], task, setting)]
    _one_model(chosen, checkpoint)
    writable(output)
    _nothing_else(chosen, output)
    lines = [write(store, result, output, with_labels) for result in chosen]
    if not lines:
        raise HarnessError(
            f"{checkpoint} has no scored task of XTREME ({', '.join(left_out)} has no official layout).",
            "Score tatoeba, bucc2018 or another XTREME task first.",
        )
    replace(output / MANIFEST, ("".join(f"{line}\n" for line in sorted(lines))).encode("utf-8"))
    return Exported(len(lines), tuple(left_out))


def _one_model(results: Sequence[Result], checkpoint: str) -> None:
    """Refuses results of two models under one name."""
    weights: dict[str, dict[str, str]] = {}
    for one in results:
        places = weights.setdefault(bearer(one.protocol, one.task), {})
        places.setdefault(one.fingerprint["weights"], f"{one.task}/{one.language}")
    mixed = next((tuple(places.values()) for places in weights.values() if len(places) > 1), ())
    if mixed:
        raise HarnessError(
            f"The results of {checkpoint} come from different weights (those of {' and '.join(mixed[:2])}).",
            "Score all again with `harness eval --redo-stale`, or each model under a --name of its own.",
        )


def _nothing_else(results: Sequence[Result], output: Path) -> None:
    """Refuses a folder with prediction files that this export does not write: they would be scored with it."""
    own = {prediction_path(output, one.task, one.language) for one in results}
    there = {prediction_path(output, task, code) for task in {**XTREME, **XTREME_R} for code in _languages(task)}
    others = sorted(str(path) for path in there - own if path.is_file())
    if others:
        raise HarnessError(
            f"{output} holds predictions of an earlier export that this one does not write: {', '.join(others[:3])}"
            f"{' ...' if len(others) > 3 else ''}.",
            "Delete them, or choose another --output.",
        )


def _languages(task: str) -> list[str]:
    return [code for table in (XTREME, XTREME_R) if task in table for code in table[task].languages]


def choose(results: Sequence[Result], task: str, setting: str | None) -> list[Result]:
    """The results of one setting and seed of a task: the one asked for, the only one, or the default."""
    folders = list(dict.fromkeys(one.folder for one in results))
    plain = [one for one in folders if "@" not in one]
    wanted = setting or next(iter(plain), folders[0])
    if wanted not in folders or (setting is None and len(folders) > 1 and len(plain) != 1):
        raise HarnessError(
            f"{task} was scored under {', '.join(folders)}.",
            f"Choose one with --setting, for example --setting {folders[0]}.",
        )
    seed = min(one.seed for one in results if one.folder == wanted)
    return [one for one in results if one.folder == wanted and one.seed == seed]


def write(store: Store, result: Result, output: Path, with_labels: bool) -> str:
    """One language's files; returns its line of the MANIFEST: task, language, split, seed, signature."""
    items = store.items(result)
    write_predictions(result.task, items, prediction_path(output, result.task, result.language))
    if with_labels:
        write_labels(result.task, items, label_path(output / "labels", result.task, result.language))
    main = result.main
    return "\t".join([result.task, result.language, result.split, f"seed{result.seed}", main.signature if main else ""])

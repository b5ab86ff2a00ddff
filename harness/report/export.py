"""Results as the official submission folder, so that a number here can be checked by the official scorer."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError, unknown_names
from harness.report.layout import label_path, prediction_path, write_labels, write_predictions
from harness.store import AVERAGE, Result, Store, replace, writable
from harness.tasks.xtreme import XTREME, XTREME_R


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
    writable(output)
    lines: list[str] = []
    left_out: list[str] = []
    for task in dict.fromkeys(one.task for one in own):
        if task not in XTREME and task not in XTREME_R:
            left_out.append(task)
            continue
        for result in choose([one for one in own if one.task == task], task, setting):
            lines.append(write(store, result, output, with_labels))
    if not lines:
        raise HarnessError(
            f"{checkpoint} has no scored task of XTREME ({', '.join(left_out)} has no official layout).",
            "Score tatoeba, bucc2018 or another XTREME task first.",
        )
    replace(output / "MANIFEST", ("".join(f"{line}\n" for line in sorted(lines))).encode("utf-8"))
    return Exported(len(lines), tuple(left_out))


def choose(results: Sequence[Result], task: str, setting: str | None) -> list[Result]:
    """The results of one setting and seed of a task: the one asked for, the only one, or the default."""
    folders = list(dict.fromkeys(one.folder for one in results))
    wanted = setting or next((one for one in folders if "@" not in one), folders[0])
    if wanted not in folders or (setting is None and "@" in wanted and len(folders) > 1):
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

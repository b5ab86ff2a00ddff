"""The runs on one side of a gate: from a results folder, or from one frozen JSON file."""

import binascii
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from harness.errors import HarnessError, unknown_names
from harness.report.check.sheet import Sheet, decode, encode, sheet_of
from harness.store import AVERAGE, Store, replace
from harness.tasks import find_task

SCHEMA = 1
KIND = "harness baseline"
Replica = tuple[str, int]


@dataclass(frozen=True)
class Runs:
    """(task, folder) -> language -> (checkpoint, seed) -> sheet; `label` is where they come from."""

    label: str
    sheets: Mapping[tuple[str, str], Mapping[str, Mapping[Replica, Sheet]]]

    @property
    def checkpoints(self) -> tuple[str, ...]:
        """All names, in order."""
        found = (sheet for languages in self.sheets.values() for runs in languages.values() for sheet in runs.values())
        return tuple(dict.fromkeys(sheet.checkpoint for sheet in found))


def read_runs(where: Path, names: Sequence[str] | None = None) -> Runs:
    """A results folder, or a file that `--freeze` wrote; `names` (patterns) choose checkpoints."""
    if not where.exists():
        raise HarnessError(f"{where} does not exist.", "Give a results folder, or a file that --freeze wrote.")
    sheets = _frozen(where) if where.is_file() else _scored(Store(where))
    known = dict.fromkeys(sheet.checkpoint for sheet in sheets)
    if names:
        strange = [name for name in names if not any(fnmatchcase(one, name) for one in known)]
        if strange:
            raise unknown_names("checkpoint", strange, known, f"In {where}: {', '.join(known) or 'none'}.")
        sheets = [one for one in sheets if any(fnmatchcase(one.checkpoint, name) for name in names)]
    if not sheets:
        raise HarnessError(f"{where} holds no scored result.", "Run `harness eval` first.")
    grouped: dict[tuple[str, str], dict[str, dict[Replica, Sheet]]] = {}
    for one in sheets:
        grouped.setdefault((one.task, one.folder), {}).setdefault(one.language, {})[one.replica] = one
    return Runs(str(where), grouped)


def freeze(runs: Runs, file: Path) -> None:
    """Writes the runs as one file; equal runs give equal bytes."""
    records = [
        encode(sheet)
        for _, languages in sorted(runs.sheets.items())
        for _, replicas in sorted(languages.items())
        for _, sheet in sorted(replicas.items())
    ]
    whole = {"kind": KIND, "schema": SCHEMA, "sheets": records}
    replace(file, (json.dumps(whole, ensure_ascii=False, indent=1, allow_nan=False) + "\n").encode("utf-8"))


def _scored(store: Store) -> list[Sheet]:
    out = []
    for result in store.results():
        task = find_task(result.task)
        if result.status == "scored" and result.language != AVERAGE:
            if task is None:
                raise HarnessError(f"The task {result.task} is not known here.", "Name its file with --include.")
            out.append(sheet_of(result, store.items(result), task.metrics(result.language)[0]))
    return out


def _frozen(file: Path) -> list[Sheet]:
    remedy = "Write it again with `harness check RESULTS --freeze`."
    try:
        whole = json.loads(file.read_text("utf-8"))
        if not isinstance(whole, dict) or whole.get("kind") != KIND:
            raise HarnessError(f"{file} is no frozen baseline.", remedy)
        if whole.get("schema") != SCHEMA:
            raise HarnessError(f"{file} has schema {whole.get('schema')}, this version reads {SCHEMA}.", remedy)
        return [decode(record) for record in whole["sheets"]]
    except (OSError, ValueError, KeyError, TypeError, zlib.error, binascii.Error) as error:
        raise HarnessError(f"{file} cannot be read ({type(error).__name__}: {error}).", remedy) from error

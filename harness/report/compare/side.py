"""Which results stand on each side of a comparison, and which of them can be paired.

Trap: two scores of one task are comparable item by item only when their data are the same bytes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import HarnessError, unknown_names
from harness.metrics.score import Item
from harness.store import AVERAGE, Result, Store

Group = dict[str, dict[int, Result]]


@dataclass(frozen=True)
class Side:
    """One checkpoint's results: (task, folder) -> language -> seed -> result; `label` is what the user wrote."""

    label: str
    store: Store
    groups: dict[tuple[str, str], Group]


@dataclass(frozen=True)
class Matched:
    """One task on both sides: language -> results of the same seeds, pairwise; `notes` say what was left out."""

    task: str
    folder_a: str
    folder_b: str
    languages: dict[str, tuple[tuple[Result, Result], ...]]
    notes: tuple[str, ...] = ()

    @property
    def first(self) -> tuple[Result, Result]:
        """Any of its pairs: for what all of them share."""
        return next(iter(self.languages.values()))[0]


def open_side(root: Path, given: str) -> Side:
    """`NAME`, `NAME:FOLDER` (`minilm:retrieve@layer4`), or `RESULTS/NAME` of another results folder."""
    store, name = (Store(Path(given).parent), Path(given).name) if "/" in given else (Store(root), given)
    results = [one for one in store.results() if one.status == "scored" and one.language != AVERAGE]
    names = dict.fromkeys(one.checkpoint for one in results)
    folder = ""
    if name not in names and ":" in name:
        name, _, folder = name.rpartition(":")
    if name not in names:
        raise unknown_names("checkpoint", [name], names, f"Scored in {store.root}: {', '.join(names) or 'none'}.")
    groups: dict[tuple[str, str], Group] = {}
    for one in results:
        if one.checkpoint == name and folder in ("", one.folder):
            groups.setdefault((one.task, one.folder), {}).setdefault(one.language, {})[one.seed] = one
    if not groups:
        raise HarnessError(f"{name} has no results under {folder}.", "See `harness leaderboard`.")
    return Side(given, store, groups)


def match(a: Side, b: Side) -> tuple[list[Matched], list[str]]:
    """Tasks that can be paired, and why others cannot. A task is paired where both sides have it under the same
    settings folder, or each under exactly one."""
    matched: list[Matched] = []
    unpaired: list[str] = []
    for task in dict.fromkeys(task for task, _ in (*a.groups, *b.groups)):
        folders = [[folder for name, folder in side.groups if name == task] for side in (a, b)]
        missing = [side.label for side, own in zip((a, b), folders, strict=True) if not own]
        both = [folder for folder in folders[0] if folder in folders[1]]
        if missing:
            unpaired.append(f"{task}: not scored for {missing[0]}")
        elif both or len(folders[0]) == len(folders[1]) == 1:
            chosen = [(one, one) for one in both] or [(folders[0][0], folders[1][0])]
            for one, other in chosen:
                matched.append(_match_languages(task, (one, other), (a, b)))
        else:
            kinds = " and ".join(", ".join(own) for own in folders)
            unpaired.append(f"{task}: scored under {kinds}; name one as {a.label}:FOLDER")
    differing = [line for one in matched for line in data_differences(one)]
    if differing:
        more = f" (and {len(differing) - 3} more)" if len(differing) > 3 else ""
        raise HarnessError(
            f"These results were made of different data and cannot be paired: {'; '.join(differing[:3])}{more}.",
            "Score both on the same data, or see all differences with --why.",
        )
    return [one for one in matched if one.languages], unpaired


def _match_languages(task: str, folders: tuple[str, str], sides: tuple[Side, Side]) -> Matched:
    group_a, group_b = (side.groups[task, folder] for side, folder in zip(sides, folders, strict=True))
    shared = [code for code in group_a if code in group_b]
    alone = [code for code in (*group_a, *group_b) if code not in shared]
    notes = [f"scored on one side only and left out: {' '.join(alone)}"] if alone else []
    languages = {}
    for code in shared:
        seeds_a, seeds_b = group_a[code], group_b[code]
        same = sorted(set(seeds_a) & set(seeds_b))
        chosen = [(one, one) for one in same] or list(zip(sorted(seeds_a), sorted(seeds_b), strict=False))
        languages[code] = tuple((seeds_a[one], seeds_b[other]) for one, other in chosen)
        dropped = len(seeds_a) + len(seeds_b) - 2 * len(chosen)
        if dropped:
            notes.append(f"seeds that only one side has are left out ({dropped} results of {code})")
    return Matched(task, *folders, languages, tuple(notes))


def data_differences(matched: Matched) -> list[str]:
    """What forbids pairing: other data, split or task version, named with both values."""
    lines = []
    for code, pairs in matched.languages.items():
        for a, b in pairs:
            fields = {
                "data": (a.fingerprint.get("data"), b.fingerprint.get("data")),
                "split": (a.split, b.split),
                "task version": (a.fingerprint.get("task"), b.fingerprint.get("task")),
            }
            unequal = [f"{name} {one} and {other}" for name, (one, other) in fields.items() if one != other]
            if unequal:
                lines.append(f"{matched.task} {code}: {', '.join(unequal)}")
                break
    return lines


def align(a: Sequence[Item], b: Sequence[Item], open_ended: bool, where: str) -> tuple[list[Item], list[Item]]:
    """Both sides' items in the order of a. `open_ended`: items without gold or candidate are not stored (mining), so
    an id that one side lacks is an item without output there; otherwise the ids must be the same."""
    by_a, by_b = ({item.id: item for item in side} for side in (a, b))
    strange = set(by_a) ^ set(by_b)
    if strange and not open_ended:
        raise HarnessError(
            f"{where}: the items differ although the data are the same (for example {min(strange)}).",
            "Score both again with the same version of the harness.",
        )
    ids = dict.fromkeys([*by_a, *by_b])
    return _filled(ids, by_a, by_b), _filled(ids, by_b, by_a)


def _filled(ids: Iterable[str], own: dict[str, Item], other: dict[str, Item]) -> list[Item]:
    return [own[one] if one in own else Item(one, [], None, other[one].cluster) for one in ids]

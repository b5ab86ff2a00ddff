"""What is known of a checkpoint beside its scores: its kind, the commands that scored it, what it has read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from harness.checkpoint.zoo import ZooEntry, list_models
from harness.report.page.entry import Entry
from harness.store import AVERAGE, Result, Store

UNKNOWN_KIND = "unknown kind"
NO_COMMAND = "(no command was recorded: made from Python)"


@dataclass(frozen=True)
class Known:
    """`commands` by language; `seen` are the languages of its pretraining (None: the zoo does not say); `read` its
    training data."""

    kind: str
    commands: Mapping[str, str]
    seen: frozenset[str] | None
    read: tuple[str, ...] | None


def known(store: Store, group: Sequence[Result]) -> Known:
    """From the run records of the group's languages (of their first seed), and the zoo's entry of that name."""
    firsts: dict[str, Result] = {}
    for one in group:
        if one.status == "scored" and one.language != AVERAGE:
            firsts.setdefault(one.language, one)
    runs = {code: store.run(one) for code, one in firsts.items()}
    entry = _zoo().get(group[0].checkpoint)
    kind = next(iter(runs.values())).get("kind")
    return Known(
        kind=str(kind or (entry.kind if entry else None) or UNKNOWN_KIND),
        commands={code: str(run.get("command") or NO_COMMAND) for code, run in runs.items()},
        seen=frozenset(entry.seen) if entry is not None and entry.seen is not None else None,
        read=entry.training_data if entry is not None else None,
    )


@cache
def _zoo() -> Mapping[str, ZooEntry]:
    """Entries by every name that results may have for them: the short one, the hub's, and the hub's folder."""
    names: dict[str, ZooEntry] = {}
    for entry in list_models():
        hub = entry.hub or ""
        names |= {name: entry for name in (entry.name, hub.replace("/", "__"), hub.rpartition("/")[2]) if name}
    return names


@dataclass(frozen=True)
class KnownEntry:
    """An entry with what is known of its checkpoint."""

    entry: Entry
    known: Known

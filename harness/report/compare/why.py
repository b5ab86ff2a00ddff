"""Why is my number different? Every setting, fingerprint and version in which two results differ, with the numbers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.report.compare.side import Side
from harness.store import Result, Store

# What the run record holds that says nothing about a difference.
IDLE = ("seconds", "command")


@dataclass(frozen=True)
class Cause:
    """One field with its two values, and the languages in which it differs; `value_a` and `value_b` are absent (None)
    where a side does not have the field."""

    task: str
    field: str
    value_a: Any
    value_b: Any
    languages: tuple[str, ...]


def why(a: Side, b: Side) -> list[Cause]:
    """All differences of the results that both sides have, task by task, whatever their settings folders."""
    out: list[Cause] = []
    for (task, folder_a), group_a in a.groups.items():
        for (other, folder_b), group_b in b.groups.items():
            exact = (task, folder_a) in b.groups
            if other != task or (exact and folder_a != folder_b):
                continue
            found: dict[tuple[str, str, str], list[str]] = {}
            values: dict[tuple[str, str, str], tuple[Any, Any]] = {}
            for code in [code for code in group_a if code in group_b]:
                one, two = (group[code][min(group[code])] for group in (group_a, group_b))
                for field, value_a, value_b in differences((a.store, one), (b.store, two)):
                    key = (field, repr(value_a), repr(value_b))
                    found.setdefault(key, []).append(code)
                    values[key] = value_a, value_b
            out += [Cause(task, key[0], *values[key], tuple(codes)) for key, codes in found.items()]
    return out


def differences(a: tuple[Store, Result], b: tuple[Store, Result]) -> Iterator[tuple[str, Any, Any]]:
    """(field, value on a, value on b) of two results: what defines the score first, then how it was run."""
    fields_a, fields_b = (_fields(*side) for side in (a, b))
    for name in dict.fromkeys([*fields_a, *fields_b]):
        if fields_a.get(name) != fields_b.get(name):
            yield name, fields_a.get(name), fields_b.get(name)


def _fields(store: Store, result: Result) -> dict[str, Any]:
    main = result.main
    score = {f"score {main.metric}": main.value} if main else {}
    top = {"protocol": result.protocol, "split": result.split, "seed": result.seed, "folder": result.folder}
    made = {key: value for key, value in result.fingerprint.items() if key != "settings"}
    run = {key: value for key, value in store.run(result).items() if key not in IDLE}
    return {**score, **top, **_flat(made, ""), **_flat(result.settings, "setting "), **_flat(run, "run ")}


def _flat(values: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in values.items():
        out |= _flat(value, f"{prefix}{key} ") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return out

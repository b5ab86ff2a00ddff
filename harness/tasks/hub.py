"""The Hugging Face hub through `datasets`: one split of one configuration at its pinned commit, checked.

Traps: `datasets` falls back silently to whatever revision of a data set its cache holds, so it is given an empty cache
of its own; and it downloads all splits of a configuration unless the builder is left with one alone."""

import logging
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError
from harness.tasks.data_set import Columns, Table, UnreachableError

if TYPE_CHECKING:
    from datasets import Dataset

# Seconds before the second and the third attempt; huggingface_hub itself repeats only some of its requests.
WAITS = (1.0, 3.0)
# After so many seconds an attempt is not repeated: huggingface_hub has repeated it itself.
PATIENCE = 15.0
BUSY = (408, 429, 500, 502, 503, 504)
ABSENT = (401, 403, 404, 410)
# Names of errors of any of the HTTP libraries that huggingface_hub has used.
SLOW = {"TimeoutException", "TimeoutError"}
DOWN = {"ConnectError", "ProxyError", "ConnectionError", "OfflineModeIsEnabled"}
LATER = "Try again later."
NETWORK = "Check the network (HF_ENDPOINT, proxies)."
WAIT = "HF_HUB_DOWNLOAD_TIMEOUT=60 waits longer."
LOGIN = "Ask for access on the hub, then: hf auth login."
NEWER = "The pinned data set is not what this version knows; report it, or give the official files with --data."


def is_offline() -> bool:
    """Whether HF_HUB_OFFLINE (or HF_DATASETS_OFFLINE) forbids the network."""
    from huggingface_hub import is_offline_mode

    return is_offline_mode() or os.environ.get("HF_DATASETS_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def load(table: Table, columns: Mapping[str, str], classes: Mapping[str, tuple[str, ...]]) -> Columns:
    """The wanted columns of a table, each a list of one value a row.

    `columns` maps names to kinds (see `kind`), `classes` names to the class names in order. UnreachableError where the
    hub cannot be reached, is out of service or times out; HarnessError for a repository, revision, configuration or
    split that is not there, a gated or script-based data set, a file cut short, other columns, classes or rows."""
    _look_up(table)
    began = time.monotonic()
    for wait in (*WAITS, None):
        try:
            with tempfile.TemporaryDirectory(prefix="harness-hub-") as cache, _quiet():
                found = _read(table, cache)
                check(table, found.features, columns, classes)
                if table.rows is not None and len(found) != table.rows:
                    raise HarnessError(f"{table} has {len(found)} rows instead of {table.rows}.", NEWER)
                return {name: found[name][:] for name in columns}
        except HarnessError:
            raise
        except _failures() as error:
            if wait is None or _status(error) not in BUSY or time.monotonic() - began > PATIENCE:
                raise _explain(error, table) from error
            time.sleep(wait)
    raise AssertionError


def kind(feature: Any) -> str:
    """A column's kind in words: `string`, `int`, `class`, `[string]`, `{text: [string]}`."""
    name = type(feature).__name__
    if isinstance(feature, Mapping):
        return "{" + ", ".join(f"{key}: {kind(feature[key])}" for key in sorted(feature)) + "}"
    if name == "ClassLabel":
        return "class"
    if name in ("List", "LargeList", "Sequence"):
        return f"[{kind(feature.feature)}]"
    if name == "Value":
        stored = str(feature.dtype)
        return "int" if stored.startswith(("int", "uint")) else stored.removeprefix("large_")
    return name


def check(
    table: Table,
    features: Mapping[str, Any],
    columns: Mapping[str, str],
    classes: Mapping[str, tuple[str, ...]],
) -> None:
    """Refuses a table whose columns or class names are not the expected ones, all of them at once."""
    wrong = [
        f"no column '{name}'" if name not in features else f"'{name}' is {kind(features[name])}, not {expected}"
        for name, expected in columns.items()
        if name not in features or kind(features[name]) != expected
    ]
    if not wrong:
        named = {name: _class_names(features[name]) for name in classes}
        wrong = [
            f"the classes of '{name}' are {list(names)}" for name, names in named.items() if names != classes[name]
        ]
    if wrong:
        raise HarnessError(f"{table}: {'; '.join(wrong)}.", NEWER)


def _class_names(feature: Any) -> tuple[str, ...]:
    return tuple(feature.names) if hasattr(feature, "names") else _class_names(feature.feature)


def _look_up(table: Table) -> None:
    """Asks for the repository at the commit, first of all: here every error still has its own name."""
    from huggingface_hub import HfApi, constants

    for wait in (*WAITS, None):
        try:
            info = HfApi().dataset_info(table.hub, revision=table.revision, timeout=constants.HF_HUB_ETAG_TIMEOUT)
        except _failures() as error:
            # A refused connection is tried again too: a name server or proxy may be slow to wake up.
            if wait is None or not (_status(error) in BUSY or _status(error) is None):
                raise _explain(error, table) from error
            time.sleep(wait)
            continue
        if info.sha != table.revision:
            raise HarnessError(f"{table.hub}: asked for the commit {table.revision}, given {info.sha}.", NEWER)
        script = f"{table.hub.rpartition('/')[2]}.py"
        if script in {one.rfilename for one in info.siblings or ()}:
            raise HarnessError(f"{table.hub} has a loading script ({script}), which is never run.", NEWER)
        return


def _read(table: Table, cache: str) -> "Dataset":
    """The one split, downloaded and read; errors as huggingface_hub and datasets raise them."""
    from datasets import load_dataset_builder
    from datasets.data_files import DataFilesDict

    builder = load_dataset_builder(table.hub, table.config, revision=table.revision, cache_dir=cache)
    files = builder.config.data_files or {}
    if table.split not in files:
        known = ", ".join(map(str, files))
        raise HarnessError(f"{table}: no split '{table.split}' (there are {known}).", NEWER)
    builder.config.data_files = DataFilesDict({table.split: files[table.split]})
    for name, value in table.reading:
        if hasattr(builder.config, name):
            setattr(builder.config, name, value)
    # Its checks compare with all the splits of the README; ours come after.
    builder.download_and_prepare(verification_mode="no_checks")
    found: Dataset = builder.as_dataset(split=table.split)
    return found


def _failures() -> tuple[type[Exception], ...]:
    from datasets.exceptions import DatasetsError
    from huggingface_hub.errors import HfHubHTTPError

    # The base of all errors of the HTTP library in use, network ones included.
    http = next(one for one in HfHubHTTPError.__bases__ if one.__name__ == "HTTPError")
    return (http, DatasetsError, OSError, RuntimeError, ValueError)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what caused it. `__cause__` alone would miss what `raise ... from None` hides."""
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__


def _status(error: BaseException) -> int | None:
    """The HTTP status behind an error, None where there was no answer."""
    answers = (getattr(one, "response", None) for one in _chain(error))
    return next((int(one.status_code) for one in answers if one is not None), None)


def _explain(error: BaseException, table: Table) -> HarnessError:
    """The error in one sentence. By names, not classes: huggingface_hub has changed its HTTP library more than once."""
    names = {base.__name__ for one in _chain(error) for base in type(one).__mro__}
    status = _status(error)
    reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    short = "RemoteProtocolError" in names or "Consistency check failed" in reason
    unknown = NEWER if isinstance(error, ValueError | RuntimeError) else LATER
    rules: tuple[tuple[bool, type[HarnessError], str, str], ...] = (
        ("GatedRepoError" in names, HarnessError, f"{table.hub} is gated.", LOGIN),
        ("RevisionNotFoundError" in names, HarnessError, f"{table.hub} has no revision {table.revision}.", NEWER),
        (status in ABSENT, HarnessError, f"{table.hub} is not on the hub, or private (HTTP {status}).", NEWER),
        (status in BUSY, UnreachableError, f"the hub answers HTTP {status} again and again.", LATER),
        (bool(SLOW & names), UnreachableError, "the hub did not answer in time.", f"{LATER} {WAIT}"),
        (short, HarnessError, f"{table}: a file ended before its promised size ({reason}).", LATER),
        (bool(DOWN & names), UnreachableError, "the hub cannot be reached.", NETWORK),
        (True, HarnessError, f"{table}: {reason}", unknown),
    )
    _, form, problem, remedy = next(rule for rule in rules if rule[0])
    return form(problem, remedy)


@contextmanager
def _quiet() -> Iterator[None]:
    """No bars or warnings of either library: the caller reports progress, and every failure becomes one sentence."""
    import datasets.utils.logging as of_datasets
    from datasets import disable_progress_bars, enable_progress_bars
    from datasets.utils import are_progress_bars_disabled
    from huggingface_hub.utils import logging as of_hub

    levels = of_datasets.get_verbosity(), of_hub.get_verbosity()
    bars = not are_progress_bars_disabled()
    of_datasets.set_verbosity(logging.CRITICAL)
    of_hub.set_verbosity(logging.CRITICAL)
    disable_progress_bars()
    try:
        yield
    finally:
        of_datasets.set_verbosity(levels[0])
        of_hub.set_verbosity(levels[1])
        if bars:
            enable_progress_bars()

"""The hub path against a small hub on 127.0.0.1: a normal fetch, every way to fail, and going on afterwards.

Endpoint, time limits and offline mode are read when huggingface_hub is imported, so the client is another process: one
for each environment, in which the cases run one after the other, each with a repository of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from loopback_hub import Fault, Hub, classes, parquet, repository, serve, text, whole

REVISION, OLD = "b" * 40, "a" * 40
ROWS = 6
NAMES = ("entailment", "neutral", "contradiction")
# Fetches one small table per language of each case; prints what came of it as JSON lines.
CLIENT = """
import json, sys, time
from pathlib import Path
from harness.errors import HarnessError
from harness.tasks import fetch, hub, official
from harness.tasks.data_set import Part, Table
hub.WAITS = (0.1, 0.2)
columns = {"premise": "string", "hypothesis": "string", "label": "class"}
for asked in json.loads(sys.argv[2]):
    parts = [
        Part("xnli", code, "test", (f"xnli/test-{code}.tsv",),
             Table(asked["hub"], asked["revision"], code, "test", asked["rows"]), columns, {"label": official.XNLI},
             write=lambda found: official.pairs(found, official.XNLI))
        for code in asked["languages"]
    ]
    began = time.monotonic()
    try:
        done = fetch.fetch(parts, Path(sys.argv[1]) / asked["folder"])
        said = {"written": done.written, "kept": done.kept}
    except HarnessError as error:
        said = {"error": str(error)}
    print(json.dumps({**said, "seconds": time.monotonic() - began}))
"""


def table(rows: int = ROWS, names: tuple[str, ...] = NAMES, word: str = "premise") -> bytes:
    columns = {
        "premise": [f"{word} {row}" for row in range(rows)],
        "hypothesis": [f"hypothesis {row}" for row in range(rows)],
        "label": [row % 3 for row in range(rows)],
    }
    return parquet(columns, {"premise": text(), "hypothesis": text(), "label": classes(*names)})


def table_files() -> dict[str, bytes]:
    """Two languages; a train split that must never be downloaded."""
    words = {"de": "premise", "sw": "dhana"}
    return repository({(code, one): table(word=words[code]) for code in words for one in ("train", "test")})


def plain_labels() -> dict[str, bytes]:
    columns = {"premise": ["p"] * ROWS, "hypothesis": ["h"] * ROWS, "label": [0] * ROWS}
    own = {"premise": text(), "hypothesis": text(), "label": whole(64)}
    return repository({("de", "test"): parquet(columns, own)})


@dataclass(frozen=True)
class Case:
    """What the hub has and how it fails, and what is asked of it; REPO in a fault's pattern is the case's own."""

    faults: tuple[Fault, ...] = ()
    asked: Mapping[str, Any] = field(default_factory=dict)
    files: Callable[[], dict[str, bytes]] = table_files


@dataclass(frozen=True)
class Outcome:
    """What was printed, what was written, and what the hub was asked."""

    printed: Mapping[str, Any]
    files: Mapping[str, str]
    log: Sequence[str]

    @property
    def error(self) -> str:
        return str(self.printed["error"])


def ask(hub: Hub, root: Path, asked: Sequence[Mapping[str, Any]], environment: Mapping[str, str]) -> list[Any]:
    """One process; what it prints for each of `asked`. Nothing may stand on stderr."""
    own = {"HF_ENDPOINT": hub.url, "HF_HOME": str(root / ".home"), "HF_HUB_DISABLE_TELEMETRY": "1", **environment}
    removed = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "HF_TOKEN", "HF_HUB_CACHE", "HF_DATASETS_CACHE")
    merged = {key: value for key, value in os.environ.items() if key not in removed} | own
    full = [{"hub": "org/normal", "revision": REVISION, "languages": ["de"], "rows": ROWS, **one} for one in asked]
    command = [sys.executable, "-c", CLIENT, str(root), json.dumps(full)]
    done = subprocess.run(command, env=merged, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return [json.loads(line) for line in done.stdout.splitlines()]


def run(cases: Mapping[str, Case], root: Path, environment: Mapping[str, str]) -> dict[str, Outcome]:
    """The outcomes of cases that share an environment."""
    with serve() as hub:
        for name, case in cases.items():
            hub.add(f"org/{name}", REVISION, case.files())
            hub.faults += [replace(one, pattern=one.pattern.replace("REPO", f"org/{name}/.*")) for one in case.faults]
        asked = [{"hub": f"org/{name}", "folder": name, **case.asked} for name, case in cases.items()]
        printed = ask(hub, root, asked, environment)
        logs = {name: [line for line in hub.log if f"org/{name}/" in line] for name in cases}
    outcomes = {}
    for name, said in zip(cases, printed, strict=True):
        folder = root / name
        files = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}
        outcomes[name] = Outcome(said, files, logs[name])
    return outcomes


BOTH = {"languages": ["de", "sw"]}
ONLINE = {
    "normal": Case(),
    "slow": Case((Fault("REPOparquet", times=2, seconds=1.0),)),
    "once": Case((Fault("GET .*REPOparquet", times=1, status=503), Fault("REPOrevision", times=1, status=503))),
    "always": Case((Fault("REPO", status=503),), BOTH),
    "broken-off": Case((Fault("GET .*REPOparquet", status=503),)),
    "cut": Case((Fault("GET .*REPOparquet", cut=True),)),
    "revision": Case(asked={"revision": OLD}),
    "repository": Case(asked={"hub": "org/nothing"}),
    "configuration": Case(asked={"languages": ["xx", "de"]}),
    "gated": Case((Fault("REPO", status=403, code="GatedRepo"),)),
    "script": Case(files=lambda: {"script.py": b"raise SystemExit", "README.md": b""}),
    "not-parquet": Case(files=lambda: repository({("de", "test"): b"PAR1 not a table PAR1"})),
    "rows": Case(asked={"rows": 2490}),
    "classes": Case(files=lambda: repository({("de", "test"): table(names=tuple(sorted(NAMES)))})),
    "no-classes": Case(files=plain_labels),
    "split": Case(files=lambda: repository({("de", "validation"): table()})),
}
HURRIED = {
    "silent": Case((Fault("REPOrevision", seconds=20.0),)),
    "stalled": Case((Fault("GET .*REPOparquet", seconds=20.0),)),
}
ENVIRONMENTS: Mapping[str, tuple[Mapping[str, Case], Mapping[str, str]]] = {
    "online": (ONLINE, {}),
    "hurried": (HURRIED, {"HF_HUB_DOWNLOAD_TIMEOUT": "1", "HF_HUB_ETAG_TIMEOUT": "1"}),
    "offline": ({"offline": Case(asked=BOTH)}, {"HF_HUB_OFFLINE": "1"}),
    "down": ({"down": Case(asked=BOTH)}, {"HF_ENDPOINT": "http://127.0.0.1:9"}),
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """Case -> outcome. The environments run at the same time: most of it is waiting."""
    with ThreadPoolExecutor() as pool:
        started = [
            pool.submit(run, cases, tmp_path_factory.mktemp(name), environment)
            for name, (cases, environment) in ENVIRONMENTS.items()
        ]
        return {name: outcome for one in started for name, outcome in one.result().items()}


EXPECTED = "".join(
    f"premise {row}\thypothesis {row}\t{('entailment', 'neutral', 'contradiction')[row % 3]}\n" for row in range(ROWS)
)


@pytest.mark.parametrize("name", ["normal", "slow", "once"])
def test_fetches(outcomes: dict[str, Outcome], name: str) -> None:
    outcome = outcomes[name]
    assert outcome.printed["written"] == ["xnli/test-de.tsv"]
    assert outcome.files["xnli/test-de.tsv"] == EXPECTED
    assert set(outcome.files) == {"xnli/test-de.tsv", "FETCHED.jsonl"}
    assert json.loads(outcome.files["FETCHED.jsonl"])["origin"] == f"org/{name}@{REVISION[:10]} de/test"
    assert not [line for line in outcome.log if "train" in line], "a split that nobody asked for was downloaded"


def test_a_slow_answer_is_waited_for_and_a_503_asked_again(outcomes: dict[str, Outcome]) -> None:
    assert outcomes["slow"].printed["seconds"] >= 2.0
    assert len([line for line in outcomes["once"].log if line.endswith(f"revision/{REVISION}")]) >= 2


REFUSED = {
    "always": "answers HTTP 503 again and again",
    "broken-off": "answers HTTP 503 again and again",
    "cut": "ended before its promised size",
    "silent": "did not answer in time",
    "stalled": "did not answer in time",
    "revision": f"has no revision {OLD}",
    "repository": "org/nothing is not on the hub",
    "gated": "org/gated is gated",
    "script": "loading script (script.py)",
    "not-parquet": "Parquet",
    "rows": "has 6 rows instead of 2490",
    "classes": "the classes of 'label' are ['contradiction', 'entailment', 'neutral']",
    "no-classes": "'label' is int, not class",
    "split": "no split 'test' (there are validation)",
    "down": "the hub cannot be reached",
    "offline": "HF_HUB_OFFLINE forbids fetching",
}


@pytest.mark.parametrize("name", REFUSED)
def test_says_what_is_wrong_and_writes_nothing(outcomes: dict[str, Outcome], name: str) -> None:
    outcome = outcomes[name]
    assert REFUSED[name] in outcome.error
    assert "\n" not in outcome.error
    assert "test-de.tsv" in outcome.error
    assert outcome.files == {}
    assert outcome.printed["seconds"] < 30


def test_every_case_is_looked_at() -> None:
    names = {name for cases, _ in ENVIRONMENTS.values() for name in cases}
    assert names == {"normal", "slow", "once", "configuration", *REFUSED}


@pytest.mark.parametrize("name", ["offline", "down", "always"])
def test_several_missing_files_make_one_message(outcomes: dict[str, Outcome], name: str) -> None:
    assert "xnli (test-de.tsv test-sw.tsv)" in outcomes[name].error
    assert len(outcomes[name].log) <= 3, "the second table is not asked for where the hub is down"


def test_offline_says_how_to_fetch(outcomes: dict[str, Outcome]) -> None:
    assert "harness data fetch --tasks xnli --languages de,sw --data" in outcomes["offline"].error
    assert outcomes["offline"].log == []


def test_one_bad_table_does_not_keep_the_others(outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes["configuration"]
    assert "'xx' not found" in outcome.error
    assert "test-xx.tsv" in outcome.error
    assert "test-de.tsv" not in outcome.error
    assert outcome.files["xnli/test-de.tsv"] == EXPECTED


def test_goes_on_and_never_takes_another_revision(tmp_path: Path) -> None:
    file = tmp_path / "data" / "xnli" / "test-de.tsv"
    with serve() as hub:
        hub.add("org/normal", REVISION, table_files())
        hub.faults = [Fault("GET .*/sw/.*parquet", times=1, status=404), Fault(f"revision/{OLD}", times=3, status=503)]
        here, there = {"folder": "data", **BOTH}, {"folder": "data", "revision": OLD}
        # The third finds the old revision in every cache, while the new one cannot be had: it must not pass for it.
        first, second, third = ask(hub, tmp_path, [here, here, there], {})
        assert "xnli (test-sw.tsv)" in first["error"]
        assert (second["written"], second["kept"]) == (["xnli/test-sw.tsv"], ["xnli/test-de.tsv"])
        assert (
            len([line for line in hub.log if line.startswith("GET") and "/de/test" in line and "parquet" in line]) == 1
        )
        assert "answers HTTP 503" in third["error"]
        assert file.read_text() == EXPECTED
        hub.add("org/normal", OLD, repository({("de", "test"): table(3)}))
        (fourth,) = ask(hub, tmp_path, [{**there, "rows": 3}], {})
        assert fourth["written"] == ["xnli/test-de.tsv"]
        assert file.read_text().count("\n") == 3

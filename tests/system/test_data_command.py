"""`harness data list | verify | fetch` as a user runs them: on odd folders, on the real files, from a small hub."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from loopback_hub import Hub, classes, parquet, repository, serve, text, whole

from harness.cli import main
from harness.tasks import catalogue, get_task
from harness.tasks.data_set import HubSet
from harness.tasks.source import Source

LABELS = ("entailment", "neutral", "contradiction")
Verify = Callable[[], dict[str, Any]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder with good files of three tasks."""
    pairs = "".join(f"premise {row}\thypothesis {row}\t{label}\n" for row, label in enumerate(LABELS))
    put(tmp_path, "xnli/dev-de.tsv", pairs)
    put(tmp_path, "xnli/test-de.tsv", pairs)
    put(tmp_path, "tatoeba/tatoeba.deu-eng.deu", "eins\nzwei\n")
    put(tmp_path, "tatoeba/tatoeba.deu-eng.eng", "one\ntwo\n")
    put(tmp_path, "panx/dev-sw.tsv", "Dar\tB-LOC\nni\tO\n")
    put(tmp_path, "README.md", "what this is\n")
    return tmp_path


def put(root: Path, name: str, content: str | bytes) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.fixture
def verify(folder: Path, capsys: pytest.CaptureFixture[str]) -> Verify:
    """Runs `harness data verify --format json`; exit code 1 exactly where a file is odd."""

    def run() -> dict[str, Any]:
        code = main(["data", "verify", "--data", str(folder), "--format", "json"])
        captured = capsys.readouterr()
        assert captured.err == ""
        report: dict[str, Any] = json.loads(captured.out)
        assert code == (1 if report["odd"] else 0)
        return report

    return run


def odd(report: dict[str, Any]) -> dict[str, str]:
    return {one["file"]: one["reason"] for one in report["odd"]}


def test_a_good_folder(verify: Verify, folder: Path) -> None:
    report = verify()
    found = {(one["task"], one["split"], one["language"]): one["count"] for one in report["found"]}
    assert found == {
        ("xnli", "validation", "de"): 3,
        ("xnli", "test", "de"): 3,
        ("tatoeba", "test", "de"): 2,
        ("panx", "validation", "sw"): 1,
    }
    assert (report["odd"], report["behind"], report["unused"]) == ([], [], {})
    assert report["root"] == str(folder)


def test_every_kind_of_odd_file_is_named_at_once(verify: Verify, folder: Path) -> None:
    put(folder, "xnli/dev-fr.tsv", "")
    put(folder, "xnli/dev-es.tsv", "uno\tdos\tneutral\nuno\n")
    put(folder, "xnli/dev-sw.tsv", "moja\tmbili\tmaybe\n")
    put(folder, "xnli/dev-de.tsv.bak", "old\n")
    put(folder, "panx/dev-fr.tsv", "Là\tO\n".encode("latin-1"))
    put(folder, "tatoeba/tatoeba.fra-eng.eng", "one\n")
    put(folder, "tatoba/tatoeba.spa-eng.spa", "uno\n")
    put(folder, "notes.txt", "mine\n")
    put(folder, "xquad/xquad.de.json", '{"data": [')
    put(folder, "hellaswag/hellaswag_val.jsonl", "")
    reasons = odd(verify())
    assert set(reasons) == {
        "xnli/dev-fr.tsv",
        "xnli/dev-es.tsv",
        "xnli/dev-sw.tsv",
        "xnli/dev-de.tsv.bak",
        "panx/dev-fr.tsv",
        "tatoeba/tatoeba.fra-eng.eng",
        "tatoba/tatoeba.spa-eng.spa",
        "notes.txt",
        "xquad/xquad.de.json",
        "hellaswag/hellaswag_val.jsonl",
    }
    assert "empty" in reasons["xnli/dev-fr.tsv"]
    assert "line 2" in reasons["xnli/dev-es.tsv"]
    assert "'maybe'" in reasons["xnli/dev-sw.tsv"]
    assert "no reader accepts" in reasons["xnli/dev-de.tsv.bak"]
    assert "not valid UTF-8" in reasons["panx/dev-fr.tsv"]
    assert "tatoeba.fra-eng.fra" in reasons["tatoeba/tatoeba.fra-eng.eng"]
    assert "called tatoba" in reasons["tatoba/tatoeba.spa-eng.spa"]
    assert "not JSON" in reasons["xquad/xquad.de.json"]
    assert "empty" in reasons["hellaswag/hellaswag_val.jsonl"]


def test_blanked_labels_are_said_and_are_not_odd(verify: Verify, folder: Path) -> None:
    put(folder, "xnli/test-de.tsv", "premise\thypothesis\n")
    report = verify()
    (blanked,) = [one for one in report["found"] if one["note"]]
    assert (blanked["task"], blanked["split"], blanked["language"]) == ("xnli", "test", "de")
    assert blanked["note"] == "labels blanked"
    assert report["odd"] == []


def test_files_behind_others_and_sets_without_a_task(verify: Verify, folder: Path) -> None:
    tree = "1\tni\tni\tAUX\t_\t_\t0\troot\t_\t_\n\n"
    put(folder, "udpos/dev-de.tsv", "ist\tAUX\n")
    put(folder, "ud/UD_German-GSD/de_gsd-ud-dev.conllu", tree)
    put(folder, "ud/UD_German-GSD/de_gsd-ud-test.conllu", tree)
    put(folder, "ud/UD_German-HDT/de_hdt-ud-dev.conllu", "1\tni\n\n")
    put(folder, "anli/R1/dev.jsonl", "{}\n")
    put(folder, "udpos_hub/dev-de.tsv", "ist\tAUX\n")
    report = verify()
    assert report["behind"] == ["ud/UD_German-GSD/de_gsd-ud-dev.conllu"]
    assert report["unused"] == {"anli": 1, "udpos_hub": 1}
    # A broken file behind others is odd all the same, under its own name.
    reasons = odd(report)
    assert set(reasons) == {"ud/UD_German-HDT/de_hdt-ud-dev.conllu"}
    assert str(folder) in reasons["ud/UD_German-HDT/de_hdt-ud-dev.conllu"]


def test_a_fetched_file_that_was_changed(verify: Verify, folder: Path) -> None:
    record = {"file": "xnli/dev-de.tsv", "origin": "facebook/xnli@b8dd5d7af5 de/validation", "sha256": "0" * 64}
    put(folder, "FETCHED.jsonl", json.dumps(record) + "\n")
    assert "changed since it was fetched" in odd(verify())["xnli/dev-de.tsv"]


def test_the_report_for_people(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(folder, "xnli/dev-fr.tsv", "")
    assert main(["data", "verify", "--data", str(folder)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "  xnli validation: de 3" in lines
    assert "odd files: 1" in lines
    assert lines[-1].startswith("  xnli/dev-fr.tsv: ")


def test_the_real_files(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "verify", "--data", str(shared / "data"), "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    found = {(one["task"], one["split"], one["language"]): (one["count"], one["note"]) for one in report["found"]}
    pinned = {
        ("tatoeba", "test", "sw"): 390,
        ("flores200", "validation", "de"): 997,
        ("flores200", "test", "zh"): 1012,
        ("bucc2018", "validation", "zh"): 128,
        ("xnli", "validation", "sw"): 2490,
        ("pawsx", "validation", "fr"): 2000,
        ("udpos", "validation", "ar"): 909,
        ("udpos", "test", "es"): 427,
        ("panx", "validation", "sw"): 1000,
        ("xquad", "test", "zh"): 1190,
        ("mlqa", "validation", "ar-es"): 161,
    }
    assert {key: found[key][0] for key in pinned} == pinned
    blanked = {key[:1] + key[2:] for key, (count, note) in found.items() if note == "labels blanked" and count == 0}
    assert blanked == {("xnli", "sw"), ("pawsx", "fr"), ("panx", "sw"), ("tydiqa", "sw")}
    assert len([key for key in found if key[0] == "flores200"]) == 22
    assert report["odd"] == []
    assert all(one.startswith("ud/UD_English-ParTUT/") for one in report["behind"])


def test_list_as_table_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "list"]) == 0
    table = capsys.readouterr().out
    assert main(["data", "list", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == [entry.name for entry in catalogue.ENTRIES]
    assert len(table.splitlines()) == len(rows) + 1
    xnli = next(row for row in rows if row["name"] == "xnli")
    assert (xnli["hub"], xnli["licence"]) == ("facebook/xnli", "CC BY-NC 4.0")
    assert len(xnli["revision"]) == 40
    assert "sw" in xnli["languages"]["test"]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["fetch", "--tasks", "xnlii"], "Did you mean xnli"),
        (["fetch", "--tasks", "bucc2018", "--languages", "sw"], "Nothing of bucc2018 can be fetched in sw"),
        (["fetch", "--tasks", "xnli", "--languages", "xx"], "Unknown language"),
        (["verify", "--data", "/no/such/folder"], "does not exist"),
    ],
)
def test_wrong_use(flags: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", *flags]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert "Traceback" not in error


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub with two of the catalogue's data sets at their pins, in their real sizes."""
    with serve() as running:
        pins = {entry.name: entry for entry in catalogue.ENTRIES if isinstance(entry, HubSet)}
        codes = ("eng_Latn", "deu_Latn", "swh_Latn")
        flores = {code: [f"{code} {row}" for row in range(1012)] for code in codes}
        made = repository({("default", "devtest"): parquet(flores, dict.fromkeys(codes, text()))})
        running.add(pins["flores200"].hub, pins["flores200"].revision, made)
        xcopa = {("sw", "validation"): copa(100, whole()), ("sw", "test"): copa(500, whole())}
        running.add(pins["xcopa"].hub, pins["xcopa"].revision, repository(xcopa))
        own = {("copa", "train"): copa(400, NAMED), ("copa", "validation"): copa(100, NAMED)}
        running.add(pins["copa"].hub, pins["copa"].revision, repository(own))
        yield running


NAMED = classes("choice1", "choice2")


def copa(rows: int, label: dict[str, Any]) -> bytes:
    columns: dict[str, list[Any]] = {
        "premise": [f"premise {row}" for row in range(rows)],
        "choice1": [f"first {row}" for row in range(rows)],
        "choice2": [f"second {row}" for row in range(rows)],
        "question": [("cause", "effect")[row % 2] for row in range(rows)],
        "idx": list(range(rows)),
        "label": [row % 2 for row in range(rows)],
        "changed": [False] * rows,
    }
    features = {name: text() for name in ("premise", "choice1", "choice2", "question")}
    changed = {"dtype": "bool", "_type": "Value"}
    return parquet(columns, {**features, "idx": whole(), "label": label, "changed": changed})


def command(hub: Hub, home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    own = {"HF_ENDPOINT": hub.url, "HF_HOME": str(home / "hf"), "HARNESS_DATA": str(home / "cache"), **environment}
    merged = {key: value for key, value in os.environ.items() if key not in ("HF_HUB_OFFLINE", "HF_HUB_CACHE")} | own
    words = [sys.executable, "-m", "harness", "data", *arguments]
    return subprocess.run(words, env=merged, capture_output=True, text=True, timeout=60, check=False)


def test_fetch_from_the_hub_and_read(hub: Hub, tmp_path: Path) -> None:
    asked = ("fetch", "--tasks", "flores200,xcopa", "--languages", "deu,sw")
    # XCOPA's training data, Social IQa, is not there: the rest is fetched, and one message says what lacks.
    first = command(hub, tmp_path, *asked)
    assert first.returncode == 2
    assert first.stderr.count("harness: ") == 1
    assert "siqa (train.jsonl dev.jsonl)" in first.stderr
    source = Source(tmp_path / "cache")
    loaded = get_task("flores200").load(source, "de", "test", None)
    assert (loaded.count, loaded.examples[3].source, loaded.examples[3].target) == (1012, "eng_Latn 3", "deu_Latn 3")  # type: ignore[union-attr]
    assert get_task("flores200").load(source, "de-sw", "test", None).count == 1012
    counts = [get_task("xcopa").load(source, "sw", split, None).count for split in ("validation", "test")]
    assert counts == [100, 500]
    before = len(hub.log)
    second = command(hub, tmp_path, "fetch", "--tasks", "flores200,xcopa,copa", "--languages", "de,sw,en")
    assert "siqa" in second.stderr
    assert not [line for line in hub.log[before:] if "flores" in line.lower() or "super_glue" in line]
    third = command(hub, tmp_path, "fetch", "--tasks", "flores200,copa", "--languages", "de,sw,en", HF_HUB_OFFLINE="1")
    assert third.returncode == 0, third.stderr
    assert third.stdout.startswith("0 files written, 5 kept")
    checked = command(hub, tmp_path, "verify", "--format", "json")
    assert checked.returncode == 0, checked.stdout
    assert json.loads(checked.stdout)["root"] == str(tmp_path / "cache")

"""What is fetched for a task, archives at the original addresses, and files that are never written over."""

import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from loopback_hub import Fault, Hub, serve

from harness.errors import HarnessError
from harness.tasks import archive, catalogue, fetch, get_task, hub, materialise
from harness.tasks.data_set import Archive, Part, Table
from harness.tasks.source import MissingDataError, Source, open_source

CONLLU = "1\tNaenda\tenda\tVERB\t_\t_\t0\troot\t_\t_\n2\tsasa\tsasa\tADV\t_\t_\t1\tadvmod\t_\t_\n\n"
PINNED = Table("facebook/xnli", "b" * 40, "de", "test")


@pytest.fixture
def server() -> Iterator[Hub]:
    with serve() as running:
        yield running


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "is_offline", lambda: False)
    monkeypatch.setattr(archive, "WAITS", (0.01, 0.01))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Table]:
    """Stands for the hub: every table has one row that names its configuration; the tables asked for."""
    tables: list[Table] = []

    def load(table: Table, columns: Mapping[str, str], classes: Mapping[str, Any]) -> Mapping[str, list[Any]]:
        tables.append(table)
        return {name: [0] if kind == "class" else [f"{name} {table.config}"] for name, kind in columns.items()}

    monkeypatch.setattr(hub, "load", load)
    return tables


def tar(members: Mapping[str, str], mode: str = "w:bz2") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as made:  # type: ignore[call-overload]
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content.encode())
            made.addfile(info, io.BytesIO(content.encode()))
    return buffer.getvalue()


def original(name: str, language: str, split: str, url: str) -> Part:
    """The catalogue's part, from another address."""
    (part,) = [
        entry.part(language, split)
        for entry in catalogue.entries(name)
        if language in entry.languages.get(split, ()) and isinstance(entry.part(language, split).origin, Archive)
    ]
    return replace(part, origin=Archive(url))


def bucc(server: Hub, content: bytes) -> Part:
    server.files["bucc2018-de-en.sample-gold.tar.bz2"] = content
    return original("bucc2018", "de", "validation", f"{server.url}/files/bucc2018-de-en.sample-gold.tar.bz2")


SIDES = {
    "bucc2018/de-en/de-en.sample.de": "de-000000001\teins\n",
    "bucc2018/de-en/de-en.sample.en": "en-000000001\tone\n",
    "bucc2018/de-en/de-en.sample.gold": "de-000000001\ten-000000001\n",
    "bucc2018/de-en/README": "no data\n",
}


def test_bucc_dev_from_its_own_archive(server: Hub, tmp_path: Path) -> None:
    done = fetch.fetch([bucc(server, tar(SIDES))], tmp_path)
    assert done.written == tuple(f"bucc2018/de-en.dev.{side}" for side in ("de", "en", "gold"))
    loaded = get_task("bucc2018").load(Source(tmp_path), "de", "validation", None)
    assert loaded.count == 1


def test_an_archive_is_fetched_once(server: Hub, tmp_path: Path) -> None:
    files = {
        "ud/UD_Marathi-A/mr_a-ud-test.conllu": CONLLU,
        "ud/UD_Marathi-B/mr_b-ud-test.conllu": CONLLU.replace("Naenda", "Natoka"),
        "ud/UD_Marathi-A/mr_a-ud-train.conllu": CONLLU.replace("Naenda", "Nalala"),
        "ud/UD_German-GSD/de_gsd-ud-test.conllu": CONLLU,
    }
    server.files["ud.tgz"] = tar(files, "w:gz")
    test, train = (original("udpos", "mr", split, f"{server.url}/files/ud.tgz") for split in ("test", "train"))
    assert fetch.fetch([test, test], tmp_path).written == ("udpos/test-mr.tsv",)
    assert fetch.fetch([test, train], tmp_path).written == ("udpos/train-mr.tsv",)
    assert server.log == ["GET /files/ud.tgz"]
    text = (tmp_path / "udpos" / "test-mr.tsv").read_text()
    assert text == "Naenda\tVERB\nsasa\tADV\n\nNatoka\tVERB\nsasa\tADV\n"
    assert "Nalala" in (tmp_path / "udpos" / "train-mr.tsv").read_text()
    loaded = get_task("udpos").load(Source(tmp_path), "mr", "test", None)
    assert (loaded.count, dict(loaded.notes)) == (2, {})


def test_only_wanted_members_are_unpacked_and_never_elsewhere(tmp_path: Path) -> None:
    path, folder = tmp_path / "a.tar.bz2", tmp_path / "into"
    folder.mkdir()
    path.write_bytes(tar({"../../de-en.sample.de": "x", "/de-en.sample.en": "y", "other": "z"}))
    archive.unpack(path, {"de-en.sample.*"}, folder)
    assert sorted(one.name for one in folder.iterdir()) == ["de-en.sample.de", "de-en.sample.en"]
    assert not (tmp_path.parent / "de-en.sample.de").exists()


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Fault("files", status=404), "is not there (HTTP 404)"),
        (Fault("files", status=503), "HTTP 503"),
        (Fault("files", cut=True), "bytes"),
    ],
)
def test_an_archive_that_cannot_be_had(server: Hub, tmp_path: Path, fault: Fault, words: str) -> None:
    part = bucc(server, tar(SIDES))
    server.faults = [fault]
    with pytest.raises(HarnessError) as stop:
        fetch.fetch([part], tmp_path)
    assert words in str(stop.value)
    assert "de-en.dev.gold" in str(stop.value)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    server.faults = []
    assert len(fetch.fetch([part], tmp_path).written) == 3


def test_a_broken_archive_is_fetched_again(server: Hub, tmp_path: Path) -> None:
    part = bucc(server, b"not an archive")
    with pytest.raises(HarnessError, match="broken archive"):
        fetch.fetch([part], tmp_path)
    assert len(fetch.fetch([bucc(server, tar(SIDES))], tmp_path).written) == 3


def test_a_part_that_the_archive_lacks(server: Hub, tmp_path: Path) -> None:
    server.files["ud.tgz"] = tar({"de_gsd-ud-test.conllu": CONLLU}, "w:gz")
    part = original("udpos", "mr", "test", f"{server.url}/files/ud.tgz")
    with pytest.raises(HarnessError, match="no test treebank of mr"):
        fetch.fetch([part], tmp_path)


def part(language: str = "de", text: str = "x\n", origin: Table = PINNED) -> Part:
    return Part(
        "xnli",
        language,
        "test",
        (f"xnli/test-{language}.tsv",),
        origin,
        {"premise": "string"},
        write=lambda found: (text,),
    )


def test_a_users_own_file_is_never_written_over(asked: list[Table], tmp_path: Path) -> None:
    (tmp_path / "xnli").mkdir()
    own = tmp_path / "xnli" / "test-de.tsv"
    own.write_text("my own\n")
    assert fetch.fetch([part()], tmp_path).kept == ("xnli/test-de.tsv",)
    assert asked == []
    with pytest.raises(HarnessError, match="is there already"):
        materialise.write(part(), ("x\n",), tmp_path, {})
    assert own.read_text() == "my own\n"


def test_another_pin_is_fetched_again(asked: list[Table], tmp_path: Path) -> None:
    fetch.fetch([part()], tmp_path)
    assert fetch.fetch([part()], tmp_path).written == ()
    newer = replace(PINNED, revision="c" * 40)
    assert fetch.fetch([part(text="y\n", origin=newer)], tmp_path).written == ("xnli/test-de.tsv",)
    assert (tmp_path / "xnli" / "test-de.tsv").read_text() == "y\n"
    assert [table.revision[0] for table in asked] == ["b", "c"]
    # A record cut short by a crash is no record.
    with (tmp_path / materialise.RECORD).open("a") as file:
        file.write('{"file": "xnli/te')
    assert set(materialise.read_records(tmp_path)) == {"xnli/test-de.tsv"}


def test_an_unwritable_folder(asked: list[Table], tmp_path: Path) -> None:
    (tmp_path / "xnli").write_text("a file where a folder must be")
    with pytest.raises(HarnessError, match="cannot be written"):
        fetch.fetch([part()], tmp_path)


def test_a_folder_given_by_the_user_is_never_fetched_into(asked: list[Table], tmp_path: Path) -> None:
    fetch.fetch_missing([(get_task("xnli"), "de", "test")], Source(tmp_path), fetch.silent)
    assert asked == []


def test_no_data_folder_is_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path / "cache"))
    assert open_source(None) == Source(tmp_path / "cache", fetched=True)
    assert not open_source(tmp_path).fetched
    monkeypatch.delenv("HARNESS_DATA")
    assert open_source(None).root == Path.home() / ".cache" / "harness" / "data"


def test_what_a_reader_finds_under_another_name_is_not_missing(asked: list[Table], tmp_path: Path) -> None:
    folder = tmp_path / "xnli" / "XNLI-1.0"
    folder.mkdir(parents=True)
    rows = "language\tsentence1\tsentence2\tgold_label\nde\teins\tzwei\tneutral\n"
    (folder / "xnli.test.tsv").write_text(rows)
    source = Source(tmp_path, fetched=True)
    fetch.fetch_missing([(get_task("xnli"), code, "test") for code in ("de", "sw")], source)
    assert [table.config for table in asked] == ["sw"]


def test_what_is_trained_on_is_fetched_to_its_end(asked: list[Table], tmp_path: Path) -> None:
    """A fetch that stopped half-way left a training set that can be read, but is not the one."""
    source, wanted = Source(tmp_path, fetched=True), [(get_task("xnli"), "en", "train")]
    fetch.fetch_missing(wanted, source)
    assert {table.split for table in asked} == {"train", "validation"}
    asked.clear()
    (tmp_path / "xnli" / "dev-en.tsv").unlink()
    fetch.fetch_missing(wanted, source)
    assert [table.split for table in asked] == ["validation"]
    fetch.fetch_missing(wanted, source)
    assert len(asked) == 1


def test_half_of_what_is_scored_is_not_taken_for_all(asked: list[Table], tmp_path: Path) -> None:
    source, task = Source(tmp_path, fetched=True), get_task("tatoeba")
    folder = tmp_path / "tatoeba"
    folder.mkdir()
    (folder / "tatoeba.deu-eng.deu").write_text("eins\n", encoding="utf-8")
    parts = [entry.part("de", "test") for entry in catalogue.entries("tatoeba")]
    assert [len(part.files) for part in parts][:1] == [2]
    assert fetch._lacks(task, "de", "test", parts, source)


def test_offline_says_all_that_is_missing_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "is_offline", lambda: True)
    wanted = [(get_task("xnli"), "de", "test"), (get_task("xnli"), "en", "train"), (get_task("bucc2018"), "de", "test")]
    with pytest.raises(HarnessError) as stop:
        fetch.fetch_missing(wanted, Source(tmp_path, fetched=True))
    for name in ("test-de.tsv", "train-en.tsv", "dev-en.tsv", "de-en.dev.gold", "de-en.test.gold"):
        assert name in stop.value.problem
    assert "--tasks xnli,bucc2018 --languages de,en" in stop.value.remedy


def test_what_can_be_fetched_from_nowhere_stays_missing(asked: list[Table], tmp_path: Path) -> None:
    source = Source(tmp_path, fetched=True)
    task = get_task("flores200")
    fetch.fetch_missing([(task, "de", "validation")], source)
    assert asked == []
    with pytest.raises(MissingDataError):
        task.load(source, "de", "validation", None)


def test_progress_and_records(asked: list[Table], tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    parts = [part(code, origin=replace(PINNED, config=code)) for code in ("de", "sw")]
    fetch.fetch(parts, tmp_path, lambda *state: seen.append(state))
    assert seen == [("data", 0, 2), ("data", 1, 2), ("data", 2, 2)]
    lines = (tmp_path / materialise.RECORD).read_text().splitlines()
    assert [json.loads(line)["file"] for line in lines] == ["xnli/test-de.tsv", "xnli/test-sw.tsv"]

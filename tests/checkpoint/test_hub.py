"""Checkpoints by hub id: downloaded once, then read from the cache; one sentence for each thing that can go wrong.

Each case is a fresh interpreter (huggingface_hub reads its settings at import) against a hub on 127.0.0.1."""

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import tiny_models as tiny

from harness.checkpoint.hub import is_hub_id

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OPEN = """
from harness.checkpoint import open_checkpoint
from harness.errors import HarnessError
try:
    checkpoint = open_checkpoint(MODEL)
    layer = (checkpoint.default_layer, checkpoint.layer_source)
    print(checkpoint.name, checkpoint.kind, *layer, checkpoint.fingerprint, sep="|")
except HarnessError as error:
    print(error)
"""
FETCH = """
from harness.errors import HarnessError
from harness.checkpoint.hub import download
try:
    print(download(MODEL))
except HarnessError as error:
    print(error)
"""


@dataclass
class Hub:
    """Repositories (id -> file -> content), refusals (id -> status, the hub's error code) and what was asked."""

    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refused: dict[str, tuple[int, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    url: str = ""


class Handler(BaseHTTPRequestHandler):
    hub: Hub

    def log_message(self, format: str, *arguments: object) -> None:
        """Quiet."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.hub.asked.append(f"{self.command} {path}")
        parts = path.strip("/").split("/")
        api = parts[:2] == ["api", "models"]
        repository = "/".join(parts[2:4] if api else parts[:2])
        if repository in self.hub.refused:
            return self.refuse(*self.hub.refused[repository])
        files = self.hub.repositories.get(repository)
        if files is None:
            return self.refuse(401, "RepoNotFound")
        rest = parts[4:] if api else parts[2:]
        revision = rest[1] if len(rest) > 1 else "main"
        if revision not in ("main", "v1", COMMIT):
            return self.refuse(404, "RevisionNotFound")
        if not api:
            return self.file(files, "/".join(rest[2:]))
        if rest[:1] == ["tree"]:
            return self.json(
                [{"type": "file", "path": name, "size": len(data), "oid": oid(data)} for name, data in files.items()]
            )
        return self.json({"id": repository, "sha": COMMIT, "siblings": [{"rfilename": name} for name in files]})

    def file(self, files: dict[str, bytes], name: str) -> None:
        if name not in files:
            return self.refuse(404, "EntryNotFound")
        data = files[name]
        return self.answer(200, data, {"ETag": f'"{oid(data)}"', "X-Repo-Commit": COMMIT})

    def json(self, value: object) -> None:
        self.answer(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def refuse(self, status: int, code: str) -> None:
        self.answer(status, b"", {"X-Error-Code": code, "X-Error-Message": code})

    def answer(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)


def oid(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@pytest.fixture
def hub() -> Iterator[Hub]:
    state = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": state}))
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield state
    server.shutdown()
    server.server_close()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def ask(code: str, hub: Hub, cache: Path, model: str, **environment: str) -> str:
    """What the code prints for a model, with an empty token and the loopback hub as the hub."""
    settings = {"HF_ENDPOINT": hub.url, "HF_HUB_CACHE": str(cache), "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}
    return tiny.run_python(code.replace("MODEL", repr(model)), **{**settings, **environment}).strip()


def fetch(hub: Hub, cache: Path, model: str, **environment: str) -> str:
    return ask(FETCH, hub, cache, model, **environment)


def fetched(hub: Hub) -> set[str]:
    return {path.partition(f"/resolve/{COMMIT}/")[2] for path in hub.asked if path.startswith("GET") and COMMIT in path}


MBERT = "google-bert/bert-base-multilingual-cased"


def test_download_once_then_offline(hub: Hub, tmp_path: Path) -> None:
    folder = tiny.save_model(tmp_path / "m", "bert", "masked-lm", layers=9)
    ours = tiny.opened(folder)
    extra = {
        "pytorch_model.bin": b"same weights again",
        "onnx/model.onnx": b"x",
        "README.md": b"#",
        "own.py": b"print(1)",
    }
    # The zoo knows this id, and its layer.
    hub.repositories[MBERT] = {**contents(folder), **extra}
    first = ask(OPEN, hub, tmp_path / "cache", "mbert")
    assert first == f"google-bert__bert-base-multilingual-cased|encoder-mlm|8|model zoo|{ours.fingerprint}"
    assert fetched(hub) >= {"model.safetensors", "config.json", "tokenizer.json"}
    assert not {*extra} & fetched(hub)
    hub.asked.clear()
    place = fetch(hub, tmp_path / "cache", MBERT, HF_HUB_OFFLINE="1")
    assert not hub.asked
    assert tiny.opened(Path(place)).fingerprint == ours.fingerprint


def test_pickles_only_where_there_is_nothing_else(hub: Hub, tmp_path: Path) -> None:
    hub.repositories["org/pickled"] = {"config.json": b"{}", "pytorch_model.bin": b"weights"}
    place = Path(fetch(hub, tmp_path / "cache", "org/pickled@v1"))
    assert (place / "pytorch_model.bin").read_bytes() == b"weights"


def test_sentence_folders_come_whole(hub: Hub, tmp_path: Path) -> None:
    folder = tiny.save_sentence_model(tmp_path / "s", dense=8)
    hub.repositories["org/sentence"] = contents(folder)
    place = Path(fetch(hub, tmp_path / "cache", "org/sentence"))
    assert tiny.opened(place).fingerprint == tiny.opened(folder).fingerprint


@pytest.mark.parametrize(
    ("status", "code", "sentence"),
    [
        (401, "RepoNotFound", "the hub has no such model"),
        (404, "RepoNotFound", "the hub has no such model"),
        (403, "GatedRepo", "'org/name' is gated"),
        (500, "", "the hub cannot be reached: Server error"),
    ],
)
def test_refusals(hub: Hub, tmp_path: Path, status: int, code: str, sentence: str) -> None:
    hub.refused["org/name"] = (status, code)
    text = fetch(hub, tmp_path / "cache", "org/name")
    assert sentence in text
    assert "Traceback" not in text


def test_unknown_revision(hub: Hub, tmp_path: Path) -> None:
    hub.repositories["org/name"] = {"config.json": b"{}"}
    assert "has no revision 'v7'" in fetch(hub, tmp_path / "cache", "org/name@v7")


def test_a_repository_that_is_no_checkpoint(hub: Hub, tmp_path: Path) -> None:
    hub.repositories["org/name"] = {"README.md": b"#", "data.json": b"{}"}
    assert "is no checkpoint: it has no config.json" in ask(OPEN, hub, tmp_path / "cache", "org/name")


def test_offline_and_not_in_the_cache(hub: Hub, tmp_path: Path) -> None:
    text = fetch(hub, tmp_path / "cache", "org/name@v2", HF_HUB_OFFLINE="1")
    assert "'org/name@v2' is no local folder and not in the cache" in text
    assert "HF_HUB_OFFLINE" in text
    assert "hf download org/name --revision v2" in text
    assert not hub.asked


def test_no_network(tmp_path: Path) -> None:
    closed = Hub(url="http://127.0.0.1:9")  # the discard port: nothing listens
    assert "the hub cannot be reached" in fetch(closed, tmp_path / "cache", "org/name")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("org/name", True), ("org/name@v1.0", True), ("org/name@refs/pr/1", True), ("Org-1/na_me.x", True)]
    + [(text, False) for text in ("name", "./name", "/a/b", "a/b/c", "a/b/", "~/x", "../x", "org/name@", "")],
)
def test_form_of_an_id(text: str, expected: bool) -> None:
    assert is_hub_id(text) is expected

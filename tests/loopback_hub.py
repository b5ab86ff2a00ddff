"""A small dataset hub on 127.0.0.1: what `datasets` and huggingface_hub ask of the real one, and its ways to fail.

Repositories are dictionaries path -> bytes; parquet files are made on the spot. `/files/<name>` serves plain files, as
the original source of a data set does. A `Fault` makes the next requests that match it slow, refused or cut short."""

import hashlib
import io
import json
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

RESOLVE = re.compile(r"/datasets/([^/]+/[^/]+)/resolve/([^/]+)/(.+)")
API = re.compile(r"/api/datasets/([^/]+/[^/]+)/(revision|tree|paths-info)/([^/]+)(?:/(.*))?")
ERRORS = {"repo": "RepoNotFound", "revision": "RevisionNotFound", "entry": "EntryNotFound", "gated": "GatedRepo"}


@dataclass
class Fault:
    """What happens to the next `times` requests whose `METHOD path` matches `pattern`.

    `status` answers with that code; `seconds` waits first; `cut` promises the whole body and closes after half of it;
    `code` is the hub's name for the error."""

    pattern: str
    times: int = 1_000_000
    status: int = 0
    seconds: float = 0.0
    cut: bool = False
    code: str = ""


@dataclass
class Hub:
    """The server's state: `url` is where it listens, `log` what was asked, as `METHOD path`."""

    url: str = ""
    repositories: dict[tuple[str, str], dict[str, bytes]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    def add(self, repository: str, revision: str, files: Mapping[str, bytes]) -> None:
        """A data set repository at one commit."""
        self.repositories[repository, revision] = dict(files)


def parquet(columns: Mapping[str, Sequence[Any]], features: Mapping[str, Any]) -> bytes:
    """A parquet file as `datasets` writes it: with its features, so with the names of its classes."""
    table = pa.table({name: list(values) for name, values in columns.items()})
    table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": dict(features)}})})
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def text() -> dict[str, Any]:
    """The feature of a column of strings."""
    return {"dtype": "string", "_type": "Value"}


def whole(bits: int = 32) -> dict[str, Any]:
    """The feature of a column of whole numbers."""
    return {"dtype": f"int{bits}", "_type": "Value"}


def classes(*names: str) -> dict[str, Any]:
    """The feature of a column of class labels."""
    return {"names": list(names), "_type": "ClassLabel"}


def several(feature: Mapping[str, Any]) -> dict[str, Any]:
    """The feature of a column of lists."""
    return {"feature": dict(feature), "_type": "List"}


def repository(splits: Mapping[tuple[str, str], bytes]) -> dict[str, bytes]:
    """(configuration, split) -> parquet as the files of a repository with its README."""
    names = dict.fromkeys(config for config, _ in splits)
    lines = ["---", "configs:"]
    files: dict[str, bytes] = {}
    for name in names:
        lines += [f"- config_name: {name}", "  data_files:"]
        for (config, split), content in splits.items():
            if config == name:
                files[f"{name}/{split}-00000-of-00001.parquet"] = content
                lines += [f"  - split: {split}", f"    path: {name}/{split}-*"]
    return {"README.md": "\n".join([*lines, "---", ""]).encode(), **files}


@contextmanager
def serve() -> Iterator[Hub]:
    """A running hub; it stops with the block."""
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = _Server(("127.0.0.1", 0), handler)
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Quiet: a client that gave up is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        self._serve()

    def do_HEAD(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = unquote(urlsplit(self.path).path)
        asked = f"{self.command} {path}"
        self.hub.log.append(asked)
        fault = next((one for one in self.hub.faults if one.times > 0 and re.search(one.pattern, asked)), None)
        if fault is not None:
            fault.times -= 1
            time.sleep(fault.seconds)
            if fault.status:
                return self._refuse(fault.status, fault.code)
        return self._answer(path, body, fault is not None and fault.cut)

    def _answer(self, path: str, body: bytes, cut: bool) -> None:
        if path.startswith("/files/"):
            content = self.hub.files.get(path.removeprefix("/files/"))
            return self._refuse(404, "") if content is None else self._send(content, {}, cut)
        found = RESOLVE.fullmatch(path) or API.fullmatch(path)
        if found is None:
            return self._refuse(404, "")
        name, revision = (found[1], found[2]) if found.re is RESOLVE else (found[1], found[3])
        if not any(name == known for known, _ in self.hub.repositories):
            return self._refuse(401, ERRORS["repo"])
        files = self.hub.repositories.get((name, revision))
        if files is None:
            return self._refuse(404, ERRORS["revision"])
        if found.re is RESOLVE:
            return self._file(files, found[3], revision, cut)
        answers = {"revision": self._revision, "tree": self._tree, "paths-info": self._paths}
        answers[found[2]](files, name, revision, found[4] or "", body)
        return None

    def _file(self, files: dict[str, bytes], path: str, revision: str, cut: bool) -> None:
        content = files.get(path)
        if content is None:
            return self._refuse(404, ERRORS["entry"], {"X-Repo-Commit": revision})
        own = {"ETag": f'"{_digest(content)}"', "X-Repo-Commit": revision, "Accept-Ranges": "bytes"}
        return self._send(content, own, cut)

    def _send(self, content: bytes, headers: dict[str, str], cut: bool) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked else 0
        whole, rest = len(content), content[start:]
        if asked:
            headers = {**headers, "Content-Range": f"bytes {start}-{whole - 1}/{whole}"}
        # A cut file ends at its half for good: what comes after is never sent.
        sent = content[start : whole // 2] if cut else rest
        self.send_response(206 if asked else 200)
        for key, value in {**headers, "Content-Length": str(len(rest))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(sent)
        if cut:
            self.close_connection = True

    def _revision(self, files: dict[str, bytes], name: str, revision: str, folder: str, body: bytes) -> None:
        siblings = [{"rfilename": path} for path in files]
        self._json({"id": name, "sha": revision, "siblings": siblings, "private": False, "gated": False, "tags": []})

    def _tree(self, files: dict[str, bytes], name: str, revision: str, folder: str, body: bytes) -> None:
        start = f"{folder}/" if folder else ""
        inside = {path: content for path, content in files.items() if path.startswith(start)}
        if not inside:
            return self._refuse(404, ERRORS["entry"])
        direct = [_entry(path, files[path]) for path in inside if "/" not in path.removeprefix(start)]
        folders = {start + path.removeprefix(start).split("/")[0] for path in inside} - set(inside)
        return self._json([*direct, *(_folder(path) for path in sorted(folders))])

    def _paths(self, files: dict[str, bytes], name: str, revision: str, folder: str, body: bytes) -> None:
        asked = json.loads(body)["paths"] if body.startswith(b"{") else parse_qs(body.decode()).get("paths", [])
        found = [_entry(path, files[path]) for path in asked if path in files]
        self._json([*found, *(_folder(path) for path in asked if any(one.startswith(f"{path}/") for one in files))])

    def _json(self, document: Any) -> None:
        self._send(json.dumps(document).encode(), {"Content-Type": "application/json"}, False)

    def _refuse(self, status: int, code: str, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in {**(headers or {}), **({"X-Error-Code": code} if code else {})}.items():
            self.send_header(key, value)
        self.send_header("Content-Length", "0")
        self.end_headers()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _entry(path: str, content: bytes) -> dict[str, Any]:
    return {"type": "file", "path": path, "oid": _digest(content)[:40], "size": len(content)}


def _folder(path: str) -> dict[str, Any]:
    return {"type": "directory", "path": path, "oid": _digest(path.encode())[:40], "size": 0}

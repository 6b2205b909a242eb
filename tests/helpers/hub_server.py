"""A server on loopback that answers the calls of huggingface_hub's file system for one data set."""

import base64
import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

REPOSITORY = "team/pool"
_API, _FILES = f"/api/datasets/{REPOSITORY}", f"/datasets/{REPOSITORY}/resolve/main/"


class Hub(http.server.ThreadingHTTPServer):
    """The files of the data set by name, and what each commit changed."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.tokens: set[str] = set()
        self.commits: list[list[str]] = []

    def entries(self, below: str, recursive: bool) -> list[dict[str, Any]]:
        """Return what is below a folder, as the hub describes it."""
        prefix = f"{below}/" if below else ""
        names = [name for name in sorted(self.files) if name.startswith(prefix)]
        parents = {name[: at + len(prefix)] for name in names for at, c in enumerate(name[len(prefix) :]) if c == "/"}
        everything = [self.describe(name) for name in sorted({*names, *parents})]
        return [entry for entry in everything if recursive or "/" not in entry["path"][len(prefix) :]]

    def describe(self, name: str) -> dict[str, Any]:
        """Return a file or folder as the hub describes it."""
        if name not in self.files:
            return {"type": "directory", "path": name, "oid": hashlib.sha1(name.encode()).hexdigest(), "size": 0}
        content = self.files[name]
        return {"type": "file", "path": name, "oid": hashlib.sha1(content).hexdigest(), "size": len(content)}


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), "X-Repo-Commit": "0" * 40, **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def answer_json(self, value: object) -> None:
        self.answer(200, json.dumps(value).encode(), Content_Type="application/json")

    def do_GET(self) -> None:
        self.server.tokens.add(self.headers.get("Authorization", ""))
        url = urlsplit(self.path)
        path = unquote(url.path)
        if path.startswith(_FILES):
            self.send_file(path.removeprefix(_FILES))
        elif path.startswith(f"{_API}/tree/main"):
            below = path.removeprefix(f"{_API}/tree/main").strip("/")
            entries = self.server.entries(below, "recursive=true" in url.query.lower())
            self.answer_json(entries) if entries or not below else self.answer(404, X_Error_Code="EntryNotFound")
        elif path in (_API, f"{_API}/revision/main"):
            self.answer_json({"id": REPOSITORY, "sha": "0" * 40, "siblings": [], "private": False, "tags": []})
        else:
            self.answer(404, X_Error_Code="RepoNotFound")

    do_HEAD = do_GET

    def send_file(self, name: str) -> None:
        content = self.server.files.get(name)
        if content is None:
            self.answer(404, X_Error_Code="EntryNotFound")
            return
        etag = f'"{hashlib.sha1(content).hexdigest()}"'
        span = self.headers.get("Range", "").removeprefix("bytes=")
        if span:
            begin, _, end = span.partition("-")
            part = content[int(begin) : int(end or len(content)) + 1]
            self.answer(206, part, ETag=etag, Content_Range=f"bytes {begin}-{end}/{len(content)}")
        else:
            self.answer(200, content, ETag=etag)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        path = unquote(urlsplit(self.path).path)
        if path == f"{_API}/paths-info/main":
            self.answer_json(
                [
                    self.server.describe(name)
                    for name in json.loads(body)["paths"]
                    if name in self.server.files or self.server.entries(name, False)
                ]
            )
        elif path == f"{_API}/preupload/main":
            modes = [
                {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                for file in json.loads(body)["files"]
            ]
            self.answer_json({"files": modes})
        elif path == f"{_API}/commit/main":
            entries = [json.loads(line) for line in body.splitlines()]
            self.server.commits.append([entry["value"]["path"] for entry in entries if entry["key"] != "header"])
            for entry in entries:
                value = entry["value"]
                if entry["key"] == "file":
                    self.server.files[value["path"]] = base64.b64decode(value["content"])
                elif entry["key"] == "deletedFile":
                    self.server.files.pop(value["path"], None)
                elif entry["key"] == "deletedFolder":
                    for name in [name for name in self.server.files if name.startswith(value["path"])]:
                        del self.server.files[name]
            address = f"http://{self.headers['Host']}/datasets/{REPOSITORY}"
            self.answer_json({"commitUrl": f"{address}/commit/{'0' * 40}", "commitOid": "0" * 40})
        else:
            self.answer(404, X_Error_Code="RepoNotFound")


@contextmanager
def hub_server() -> Iterator[Hub]:
    """Serve an empty data set `hf://datasets/team/pool` until the block ends."""
    with Hub() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()

"""A server that speaks the chat completions protocol, well or badly, as a test tells it to."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Reply:
    """One reply: status, body, headers, and how long to let the client wait for it."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    wait: float = 0.0
    cut: bool = False  # close the connection without a reply
    drip: float = 0.0  # seconds between two bytes


def says(text: str | None, finish: str = "stop", wait: float = 0.0) -> Reply:
    """The model answers."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    body = {"id": "x", "object": "chat.completion", "model": "m", "choices": [choice]}
    return Reply(body=json.dumps(body).encode(), wait=wait)


def refuses(status: int, message: str = "no", **headers: str) -> Reply:
    """The server answers with an error of the protocol."""
    body = json.dumps({"error": {"message": message, "type": "error"}}).encode()
    return Reply(status, body, {name.replace("_", "-"): value for name, value in headers.items()})


def keywords_of(body: dict[str, Any], count: int = 2) -> str:
    """Return the first keywords of the cluster that a request asks about: an answer made of them is related to it."""
    line = next(line for line in body["messages"][-1]["content"].splitlines() if line.startswith("Keywords: "))
    return " ".join(line.removeprefix("Keywords: ").split(", ")[:count])


@dataclass
class ChatServer:
    """Where it listens, and what it was sent."""

    port: int
    bodies: list[dict[str, Any]]
    headers: list[dict[str, str]]
    paths: list[str]
    ended: threading.Event

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"


@contextmanager
def chat_server(reply: Callable[[int, dict[str, Any]], Reply] | list[Reply], port: int = 0) -> Iterator[ChatServer]:
    """Serve on a free port or on this one; `reply` answers request i, or is a list whose last one is repeated."""
    answer = reply if callable(reply) else (lambda i, body: reply[min(i, len(reply) - 1)])
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                index = len(served.bodies)
                served.bodies.append(body)
                served.headers.append({name.lower(): value for name, value in self.headers.items()})
                served.paths.append(self.path)
            reply = answer(index, body)
            served.ended.wait(reply.wait)
            if reply.cut:
                self.close_connection = True
                return
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if not reply.drip:
                self.wfile.write(reply.body)
                return
            for position in range(len(reply.body)):
                self.wfile.write(reply.body[position : position + 1])
                if served.ended.wait(reply.drip):
                    return

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """Say nothing of clients that went away."""

    server = Server(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    served = ChatServer(server.server_address[1], [], [], [], threading.Event())
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield served
    finally:
        served.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()

"""A stand-in for a language model on this machine: it answers every question with a new name after a moment."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Names(BaseHTTPRequestHandler):
    """Answers with a number."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer one question."""
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(0.15)
        words = f"Subject {time.monotonic_ns() % 10**6}"
        body = json.dumps(
            {"choices": [{"index": 0, "message": {"role": "assistant", "content": words}, "finish_reason": "stop"}]}
        ).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class Quiet(ThreadingHTTPServer):
    """Says nothing of clients that went away."""

    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Say nothing."""


def serve_names() -> str:
    """Serve on a free port as long as this process lives; return the base URL."""
    model = Quiet(("127.0.0.1", 0), Names)
    threading.Thread(target=model.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{model.server_address[1]}/v1"

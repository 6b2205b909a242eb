"""gem-explorer app: only the printed address opens it, and only its own pages connect."""

import http.client
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gem_core.errors import WorkspaceError
from gem_core.pipeline import Rename, edit
from gem_core.workspace import Workspace
from tests.helpers.cli_process import COMMAND, QUIET, wait_for

UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


class Server:
    """A running app, the address it printed, and requests to it."""

    def __init__(self, child: "subprocess.Popen[str]") -> None:
        assert child.stdout is not None
        self.child, lines = child, iter(child.stdout)
        self.address = next(line for line in lines if "token=" in line).removeprefix("GEM Explorer: ").strip()
        address_match = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/gem/\?token=([\w-]{32})", self.address)
        assert address_match, self.address
        self.port, self.token = int(address_match[1]), address_match[2]
        self.cookie = {"Cookie": f"gem-explorer-{self.port}={self.token}"}
        self.origin = {"Origin": f"http://127.0.0.1:{self.port}"}

    def ask(self, path: str, method: str = "GET", **headers: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, path, headers=headers)
        return connection.getresponse()

    def healthy(self) -> bool:
        assert self.child.poll() is None
        try:
            return self.ask("/gem/_stcore/health").status == 200
        except OSError:
            return False


@pytest.fixture(scope="module")
def server(built_sample: Path) -> Iterator[Server]:
    child = subprocess.Popen(
        [*COMMAND, "app", "--workspace", str(built_sample), "--headless", "--base-path", "/gem/"],
        env=QUIET,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        running = Server(child)
        assert wait_for(running.healthy)
        yield running
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(timeout=30)


def test_nothing_is_answered_without_the_token(server: Server) -> None:
    for path in ("/gem/", "/gem/explore", "/gem/_stcore/host-config", "/gem/?token=wrong", "/gem/static/index.js"):
        assert server.ask(path).status == 403, path
    assert server.ask("/gem/", Cookie=f"gem-explorer-{server.port}=wrong").status == 403
    assert server.ask("/gem/_stcore/upload_file/a/b", "PUT", **server.cookie).status == 403  # without its Origin


def test_the_token_becomes_a_cookie_and_leaves_the_address(server: Server) -> None:
    answer = server.ask(f"/gem/explore?cluster=3&token={server.token}")
    assert (answer.status, answer.getheader("location")) == (303, "/gem/explore?cluster=3")
    cookie = answer.getheader("set-cookie") or ""
    assert cookie.startswith(f"gem-explorer-{server.port}={server.token};")
    assert {"HttpOnly", "Path=/gem", "SameSite=lax"} <= set(cookie.split("; "))
    assert server.ask("/gem/", **server.cookie).status == 200


def test_the_token_never_leads_to_another_host(server: Server) -> None:
    answer = server.ask(f"//evil.example/gem?token={server.token}")
    assert (answer.getheader("location") or "/").startswith("/evil") or answer.status == 403


def test_a_socket_needs_the_token_and_this_servers_origin(server: Server) -> None:
    path = "/gem/_stcore/stream"
    assert server.ask(path, **UPGRADE).status == 403
    assert server.ask(path, **UPGRADE, **server.origin).status == 403
    assert server.ask(path, **UPGRADE, **server.cookie).status == 403
    assert server.ask(path, **UPGRADE, **server.cookie, Origin="http://127.0.0.1:9").status == 403
    assert server.ask(path, **UPGRADE, **server.cookie, Origin="http://evil.example").status == 403
    assert server.ask(path, **UPGRADE, **server.cookie, **server.origin).status == 101


def test_every_answer_refuses_to_be_framed_or_guessed(server: Server) -> None:
    for headers in ({}, server.cookie):
        answer = server.ask("/gem/", **headers)
        assert answer.getheader("content-security-policy") == "frame-ancestors 'none'"
        assert answer.getheader("x-content-type-options") == "nosniff"


def test_the_token_is_in_no_process_list(server: Server) -> None:
    assert server.token not in Path(f"/proc/{server.child.pid}/cmdline").read_text()


@pytest.mark.browser
def test_a_browser_opens_the_printed_address(server: Server, browser_page: Callable[..., Any]) -> None:
    page = browser_page(server.address, streamlit=False)
    page.get_by_text("Every point", exact=False).or_(page.get_by_role("link", name="Balance")).first.wait_for()
    assert "token" not in page.url


def test_a_read_only_server_changes_nothing(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEM_EXPLORER_READ_ONLY", "1")
    before = sample.taxonomy().key
    with pytest.raises(WorkspaceError, match=r"without changing them; got a change of sample\. .*--read-only"):
        edit(sample, Rename("cluster", 0, "No"))
    assert sample.taxonomy().key == before

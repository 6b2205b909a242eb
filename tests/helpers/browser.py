"""A real browser and a real Streamlit server for tests.

``browser_page(url, dark=..., width=..., height=..., scale=...)`` opens Chromium on a page; ``serve(script, *args,
env=...)`` starts Streamlit on a free port of this machine and ends it with the test. Without Chromium or Playwright
these tests are skipped, with GEM_REQUIRE_BROWSER=1 they fail instead.
"""

from __future__ import annotations

import os
import shutil
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.helpers.pages import ready
from tests.helpers.warm_streamlit import ServerProcess, WarmStreamlit

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-gpu-compositing",  # only the flat map needs WebGL; an emulated card for pages too costs processor time
    "--disable-gpu-rasterization",
    # Nothing leaves this machine. A handler of every request would do the same, but turns the browser's cache off.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]


def _missing(what: str) -> None:
    message = f"{what} is missing: pip install playwright, and apt-get install chromium (or set GEM_CHROMIUM to it)"
    if os.environ.get("GEM_REQUIRE_BROWSER") == "1":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One headless Chromium for the whole session, software rendering."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("Playwright")
    names = (os.environ.get("GEM_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    program = next((path for path in (shutil.which(name) for name in names if name) if path), None)
    if program is None:
        _missing("Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, headless=True, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def browser_page(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Opens pages; each carries ``outside`` (requests that would have left this machine, blocked) and ``errors``."""
    contexts = []

    def open_page(
        url: str | None = None,
        *,
        dark: bool = False,
        width: int = 1440,
        height: int = 900,
        scale: float = 1,
        calm: bool = True,
        streamlit: bool = True,
    ) -> Any:
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            device_scale_factor=scale,
            reduced_motion="reduce" if calm else "no-preference",
            accept_downloads=True,
        )
        contexts.append(context)
        outside: list[str] = []
        errors: list[str] = []

        def note(url: str) -> None:
            address = urlsplit(url)
            if address.scheme not in {"data", "blob", "about"} and address.hostname not in {"localhost", "127.0.0.1"}:
                outside.append(url)

        context.on("request", lambda request: note(request.url))
        page = context.new_page()
        page.set_default_timeout(60_000)  # The first page of a new server, on a busy machine, took over 30 s once.
        page.on("websocket", lambda socket: note(socket.url))
        page.on("console", lambda m: errors.append(m.text[:400]) if m.type == "error" else None)
        page.on("pageerror", lambda e: errors.append(str(e)[:400]))
        page.outside, page.errors = outside, errors
        if url is not None:
            page.goto(url, wait_until="domcontentloaded", timeout=60_000)
            if streamlit:
                ready(page)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def offline_page(chromium: Any) -> Iterator[Callable[[Path], Any]]:
    """Opens files from the disk without any network; each page carries ``asked`` (what it requested) and ``errors``."""
    contexts = []

    def open_file(path: Path) -> Any:
        context = chromium.new_context(viewport={"width": 1440, "height": 900}, offline=True, reduced_motion="reduce")
        contexts.append(context)
        page = context.new_page()
        page.requested_urls, page.errors = [], []
        page.on("request", lambda request: page.requested_urls.append(request.url))
        page.on("dialog", lambda dialog: (page.errors.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("console", lambda m: page.errors.append(m.text[:400]) if m.type == "error" else None)
        page.on("pageerror", lambda e: page.errors.append(str(e)[:400]))
        page.goto(path.as_uri())
        return page

    yield open_file
    for context in contexts:
        context.close()


@dataclass
class Served:
    """A running Streamlit: its address, what it prints, how to end it."""

    url: str
    process: ServerProcess
    log_file: Path = field(repr=False)

    def log(self) -> str:
        return self.log_file.read_text(encoding="utf-8", errors="replace")


@cache
def _warm_streamlit() -> WarmStreamlit:
    return WarmStreamlit()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(places: pytest.TempPathFactory) -> Iterator[Callable[..., Served]]:
    """Starts ``streamlit run script -- args`` from the repository's root; all end with this."""
    running: list[Served] = []

    def start(script: str | Path, *args: str, env: dict[str, str] | None = None, wait: float = 90) -> Served:
        pytest.importorskip("streamlit")
        port, log = free_port(), places.mktemp("served") / "streamlit.log"
        arguments = [
            *("run", str(script), "--server.port", str(port), "--server.address", "127.0.0.1"),
            *("--server.headless", "true", "--server.fileWatcherType", "none", "--browser.gatherUsageStats", "false"),
            *("--", *args),
        ]
        process = _warm_streamlit().start(arguments, {**os.environ, **(env or {})}, log)
        served = Served(f"http://127.0.0.1:{port}", process, log)
        running.append(served)
        until = time.monotonic() + wait
        while time.monotonic() < until:
            if not process.running():
                pytest.fail(f"streamlit ended:\n{served.log()[-2000:]}")
            try:
                with urllib.request.urlopen(f"{served.url}/_stcore/health", timeout=2) as answer:
                    if answer.status == 200:
                        return served
            except OSError:
                time.sleep(0.05)
        process.end()
        pytest.fail(f"streamlit did not answer within {wait} s:\n{served.log()[-2000:]}")

    try:
        yield start
    finally:
        for served in running:
            served.process.end()


@pytest.fixture
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Served]]:
    """Servers of one test."""
    with serving(tmp_path_factory) as start:
        yield start


@pytest.fixture(scope="module")
def serve_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Served]]:
    """Servers of all tests of a module."""
    with serving(tmp_path_factory) as start:
        yield start

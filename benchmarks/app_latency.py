"""Time what a person waits for in the app: first paint, and a move of the balance slider, in headless Chromium.

    python benchmarks/app_latency.py [WORKSPACE ...] [--moves 12]

Without a workspace the built-in sample is used. Each workspace gets a server and a browser of its own. First paint:
from the server's first healthy answer to the end of the first run of the start page. A move: from an arrow key on the
slider to the end of the run that shows the new preview; half of the moves go to strengths that were not tried before
(points of the balance path and strengths between them), half go back.
"""

import argparse
import datetime
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FLAGS = ["--no-sandbox", "--disable-quic", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
         "--ignore-gpu-blocklist"]
READY = "() => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"
# Waits in the page, frame by frame, until the run has ended and the caption names the strength on the slider.
SHOWN = """(before) => new Promise((found) => {
  const began = performance.now();
  const look = () => {
    const running = document.querySelector('[data-testid=stApp]').dataset.testScriptState !== 'notRunning';
    const caption = [...document.querySelectorAll('[data-testid=stMarkdownContainer] p')]
      .map((c) => c.textContent).find((t) => t.includes('Solid: draft') || t.includes('as applied. Line'));
    if ((!running && caption && caption !== before) || performance.now() - began > 60000) {
      requestAnimationFrame(() => found([performance.now(), caption]));
    } else requestAnimationFrame(look);
  };
  look();
})"""


@contextmanager
def served(workspace: Path | None) -> Iterator[tuple[str, float]]:
    """A server, and the moment of its first healthy answer."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app" / "main.py"), "--server.port", str(port)]
    command += ["--", "--workspace", str(workspace)] if workspace else []
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2):
                    yield f"http://127.0.0.1:{port}", time.perf_counter()
                    return
            except OSError:
                if process.poll() is not None:
                    raise SystemExit("the server ended before it answered") from None
                time.sleep(0.05)
    finally:
        process.terminate()
        process.wait()


def measure(browser: Any, workspace: Path | None, moves: int) -> list[str]:
    """One workspace: lines of the report."""
    with served(workspace) as (url, healthy):
        page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        page.set_default_timeout(120_000)
        page.goto(url, wait_until="domcontentloaded")
        page.wait_for_selector(".st-key-gem-header")
        header = time.perf_counter() - healthy
        page.wait_for_function(READY)
        paint = time.perf_counter() - healthy
        facts = page.locator(".st-key-gem-header").inner_text()
        page.goto(f"{url}/balance", wait_until="domcontentloaded")
        page.wait_for_selector("[data-testid=stSlider] input[type=range]", state="attached")
        page.wait_for_function(READY)
        thumb = page.locator("[data-testid=stSlider] input[type=range]").first
        thumb.focus()
        first, caption = move(page, "ArrowLeft", thumb_caption(page))
        new, again = [], []
        half = max(1, moves // 2)
        for key, back in (("ArrowLeft", "ArrowRight"), ("ArrowRight", "ArrowLeft")):  # weaker, then stronger
            for times, into, pressed in ((half, new, key), (half, again, back)):
                for _ in range(times):
                    seconds, caption = move(page, pressed, caption)
                    into.append(seconds)
            if key == "ArrowLeft":  # over the applied strength to the other side
                seconds, caption = move(page, back, caption)
    return [f"{facts}",
            f"  first paint after health      header {header:5.2f} s, whole page {paint:5.2f} s",
            f"  first preview after opening   {first:5.2f} s",
            f"  slider to preview, new        {summary(new)}",
            f"  slider to preview, tried      {summary(again)}"]


def move(page: Any, key: str, before: str | None) -> tuple[float, str | None]:
    """Press an arrow key on the slider; return seconds until the preview stands, and its caption."""
    began = page.evaluate("() => performance.now()")
    page.keyboard.press(key)
    ended, caption = page.evaluate(SHOWN, before)
    page.wait_for_timeout(250)
    return (ended - began) / 1000, caption


def thumb_caption(page: Any) -> str | None:
    """The line under the title of the share chart."""
    found = page.get_by_text("as applied. Line")
    return str(found.locator("xpath=ancestor::p").first.text_content()) if found.count() else None


def summary(values: list[float]) -> str:
    """Median and range."""
    return (f"{statistics.median(values):5.2f} s median, {min(values):.2f} to {max(values):.2f} s, "
            f"{len(values)} moves")


def main() -> None:
    """Measure each workspace and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path, nargs="*")
    parser.add_argument("--moves", type=int, default=12)
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    program = os.environ.get("GEM_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    print(f"{datetime.date.today()}, {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
          f"load before {os.getloadavg()[0]:.1f}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, headless=True, args=FLAGS)
        for workspace in options.workspace or [None]:
            print("\n".join(measure(browser, workspace and workspace.resolve(), options.moves)), flush=True)
        browser.close()
    print(f"load after {os.getloadavg()[0]:.1f}: on a busy machine every figure grows with the load")


if __name__ == "__main__":
    main()

"""Time what a person waits for in the app: first paint, and a preview after each control of Balance moved.

    python -m benchmarks.app.app_latency [WORKSPACE ...] [--moves 12]

Without a workspace the built-in sample is used. Each workspace gets a server and a browser of its own. First paint:
from the server's first healthy answer to the end of the first run of the start page. A move: from an arrow key on the
slider, or from a press on another control, to the end of the run that shows the new preview. Half of the moves of the
slider go to strengths that were not tried before (points of the balance path and strengths between them), half go
back, to what is applied at last. The other figures are of settings that were not tried before: whole fits from a start
of their own. In headless Chromium.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks._harness import READY, app_server, browser, machine

ROOT = Path(__file__).resolve().parents[2]
SLIDER = "[data-testid=stSlider] input[type=range]"
# What a preview shows: the figures above the charts and the line under the title of the share chart.
SEEN = """() => [...document.querySelectorAll('[data-testid=stMetricValue], [data-testid=stMarkdownContainer] p')]
  .map((e) => e.textContent).filter((t) => /^[0-9.,%]+$|Solid: preview|applied. Tick/.test(t)).join('|')"""
# Waits in the page, frame by frame, until the run has ended and something else than before stands there for half a
# second; the moment it came to stand counts.
SHOWN = f"""(before) => new Promise((found) => {{
  const began = performance.now();
  const seen = {SEEN};
  let stands = null, since = 0;
  const look = () => {{
    const now = performance.now();
    const running = document.querySelector('[data-testid=stApp]').dataset.testScriptState !== 'notRunning';
    const shown = running ? null : seen();
    if (shown !== stands) [stands, since] = [shown, now];
    if ((stands && stands !== before && now - since > 500) || now - began > 60500) {{
      requestAnimationFrame(() => found(stands && stands !== before ? since : now));
    }} else requestAnimationFrame(look);
  }};
  look();
}})"""
LIMIT = 60.0  # seconds after which a move counts as lost


def measure(browser: Any, workspace: Path | None, moves: int) -> list[str]:
    """One workspace: lines of the report."""
    with app_server(workspace) as server:
        page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        page.set_default_timeout(120_000)
        page.goto(server.url, wait_until="domcontentloaded")
        page.wait_for_selector(".st-key-gem-header")
        header = time.perf_counter() - server.healthy
        page.wait_for_function(READY)
        paint = time.perf_counter() - server.healthy
        facts = " ".join(page.locator(".st-key-gem-header").inner_text().split("\n")[:2])
        page.goto(f"{server.url}/balance", wait_until="domcontentloaded")
        page.wait_for_selector(SLIDER, state="attached")
        page.evaluate(SHOWN, "")
        page.locator(SLIDER).first.focus()
        first = move(page, lambda: page.keyboard.press("ArrowLeft"))
        new, again = slider(page, max(1, moves // 2))
        others = controls(page)
    return [
        f"{facts}",
        f"  first paint after health      header {header:5.2f} s, whole page {paint:5.2f} s",
        f"  first preview after opening   {first:5.2f} s",
        f"  slider to preview, new        {summary(new)}",
        f"  slider to preview, tried      {summary(again)}",
        *(f"  {name + ' to preview':30s}{summary(values)}" for name, values in others.items()),
    ]


def slider(page: Any, half: int) -> tuple[list[float], list[float]]:
    """Seconds of moves to strengths that are new, and of moves back."""
    new: list[float] = []
    again: list[float] = []
    for key, back in (("ArrowLeft", "ArrowRight"), ("ArrowRight", "ArrowLeft")):  # weaker, then stronger
        for into, pressed in ((new, key), (again, back)):
            into += [move(page, lambda pressed=pressed: page.keyboard.press(pressed)) for _ in range(half)]
        if key == "ArrowLeft":  # over the applied strength to the other side
            move(page, lambda back=back: page.keyboard.press(back))
    return new, again


def controls(page: Any) -> dict[str, list[float]]:
    """Seconds of every other control, each at four numbers of clusters; then numbers far away, then seeds."""
    seconds: dict[str, list[float]] = {
        name: [] for name in ("clusters", "target", "weighting", "concentration", "clusters far away", "seed")
    }
    page.locator(".stExpander summary", has_text="More").click()
    settle(page)
    clusters = int(number(page, "clusters").input_value())
    for _ in range(4):
        seconds["clusters"].append(move(page, lambda: step(page, "clusters")))
        for name, away, back in (
            ("target", "Natural", "Equal"),
            ("weighting", "Tokens", "Documents"),
            ("concentration", "Shared", "Per cluster"),
        ):
            seconds[name].append(move(page, lambda name=name, to=away: choose(page, name, to)))
            move(page, lambda name=name, to=back: choose(page, name, to))
    for many in (clusters // 2, clusters * 3 // 2, clusters * 2):
        seconds["clusters far away"].append(move(page, lambda many=many: fill(page, "clusters", many)))
    move(page, lambda: fill(page, "clusters", clusters))
    seconds["seed"] += [move(page, lambda: step(page, "seed")) for _ in range(4)]
    return seconds


def number(page: Any, name: str) -> Any:
    """The field of a number."""
    return page.locator(f"[class*='st-key-balance-{name}-'] input").first


def step(page: Any, name: str) -> None:
    """Press the plus beside a number."""
    page.locator(f"[class*='st-key-balance-{name}-'] [data-testid=stNumberInputStepUp]").first.click()


def fill(page: Any, name: str, value: int) -> None:
    """Type a number."""
    number(page, name).fill(str(value))
    page.keyboard.press("Enter")


def choose(page: Any, name: str, value: str) -> None:
    """Press one of the choices of a control."""
    page.locator(f"[class*='st-key-balance-{name}-'] button", has_text=value).first.click()


def settle(page: Any) -> None:
    """Wait until nothing runs any more."""
    page.wait_for_timeout(500)
    page.wait_for_function(READY)


def move(page: Any, press: Callable[[], object]) -> float:
    """Seconds from a press until another preview stands."""
    before = page.evaluate(SEEN)
    began = page.evaluate("() => performance.now()")
    press()
    seconds = (page.evaluate(SHOWN, before) - began) / 1000
    if seconds > LIMIT:
        raise SystemExit("a move changed nothing on the page")
    return float(seconds)


def summary(values: list[float]) -> str:
    """Median and range."""
    return f"{statistics.median(values):5.2f} s median, {min(values):.2f} to {max(values):.2f} s, {len(values)} moves"


def main() -> None:
    """Measure each workspace and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path, nargs="*")
    parser.add_argument("--moves", type=int, default=12)
    options = parser.parse_args()
    print(machine())
    with browser() as chromium:
        for workspace in options.workspace or [None]:
            print("\n".join(measure(chromium, workspace, options.moves)), flush=True)
    print(f"load after {os.getloadavg()[0]:.1f}: on a busy machine every figure grows with the load")


if __name__ == "__main__":
    main()

"""Time an edit in the app: from the press to the page that shows its result.

    python -m benchmarks.app.edit_latency WORKSPACE [--rounds 3]

On a copy of the workspace, in headless Chromium, on the Taxonomy screen: rename, merge two clusters, undo, redo, split
a cluster (after its parts were looked at), undo. A round begins with another cluster; the first one of all loads
libraries and is reported apart.
"""

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks._harness import READY, app_server, browser, machine
from gem_core.workspace import Workspace


def timed(page: Any, press: Callable[[], object], shows: Callable[[], bool]) -> tuple[float, float]:
    """Seconds from a press until the page shows the result, and until no script runs any more."""
    began = time.perf_counter()
    press()
    while not shows():
        if time.perf_counter() - began > 60:
            raise SystemExit("an edit did not show")
        page.wait_for_timeout(15)
    seconds_shown = time.perf_counter() - began
    page.wait_for_function(READY)
    return seconds_shown, time.perf_counter() - began


def still(page: Any) -> None:
    """Wait until nothing has run for a while."""
    page.wait_for_timeout(900)
    page.wait_for_function(READY)


def walk(page: Any, url: str, workspace: Workspace, cluster: int) -> dict[str, tuple[float, float]]:
    """All edits once, beginning with one cluster."""
    timings: dict[str, tuple[float, float]] = {}
    count = len(workspace.taxonomy().clusters)

    def button(name: str) -> Callable[[], object]:
        return page.get_by_role("button", name=name, exact=True).first.click

    def holds(number: int) -> Callable[[], bool]:
        return lambda: page.get_by_text(f"{number} clusters in").count() >= 1

    page.goto(f"{url}/taxonomy?cluster={cluster}", wait_until="domcontentloaded")
    field = page.get_by_role("textbox", name="Name")
    field.wait_for()
    still(page)
    name = f"Renamed {cluster} {time.time():.0f}"
    field.fill(name)
    timings["rename"] = timed(page, button("Rename"), lambda: page.get_by_text(name, exact=True).count() >= 1)
    still(page)
    page.get_by_role("button", name="All clusters").click()
    still(page)
    box = page.locator("[data-testid=stDataFrame]").first.bounding_box()
    group = next(p for p in workspace.taxonomy().groups if len(p.children) >= 2)
    row_index = 0
    for parent in workspace.taxonomy().groups:
        if parent.number == group.number:
            break
        row_index += 1 + len(parent.children)
    for row in (row_index + 1, row_index + 2):
        page.mouse.click(box["x"] + 24, box["y"] + 38 + 32 * row + 14)
        still(page)
    timings["merge two"] = timed(page, button("Merge 2"), holds(count - 1))
    still(page)
    timings["undo a merge"] = timed(page, button("Undo"), holds(count))
    still(page)
    timings["redo it"] = timed(page, button("Redo"), holds(count - 1))
    still(page)
    page.goto(f"{url}/taxonomy?cluster={cluster}", wait_until="domcontentloaded")
    if not workspace.taxonomy().has(cluster):
        page.goto(f"{url}/taxonomy?cluster={workspace.taxonomy().clusters[0].number}", wait_until="domcontentloaded")
    field.wait_for()
    still(page)
    timings["look at the parts"] = timed(page, button("Split"), lambda: page.get_by_text("2 parts, from").count() == 1)
    still(page)
    timings["split"] = timed(page, button("Split into 2"), holds(count))
    still(page)
    timings["undo a split"] = timed(page, button("Undo"), holds(count - 1))
    still(page)
    return timings


def middle(values: list[tuple[float, float]], column: int) -> float:
    """Median of one of the two times."""
    return statistics.median(value[column] for value in values)


def main() -> None:
    """Walk on a copy and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(machine())
    seconds: dict[str, list[tuple[float, float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder, browser() as chromium:
        copy = Path(shutil.copytree(options.workspace, Path(folder) / "copy"))
        workspace = Workspace(copy)
        with app_server(copy) as server:
            page = chromium.new_context(viewport={"width": 1440, "height": 900}).new_page()
            page.set_default_timeout(60_000)
            for number in range(options.rounds):
                cluster = workspace.taxonomy().clusters[-1 - number].number
                for name, value in walk(page, server.url, workspace, cluster).items():
                    seconds[name].append(value)
        print(
            f"{len(workspace):,} documents, {len(workspace.taxonomy().clusters)} clusters after {options.rounds} rounds"
        )
    print("seconds until the result is seen, and in brackets until nothing runs any more")
    for name, values in seconds.items():
        rest = [f"{middle(values[1:], column):.2f}" for column in (0, 1)] if values[1:] else ["-", "-"]
        worst = max(shown_seconds for shown_seconds, _ in values[1:] or values)
        print(
            f"  {name:20s} first {values[0][0]:5.2f} ({values[0][1]:.2f}), then median {rest[0]} ({rest[1]}), "
            f"worst {worst:.2f}"
        )
    print(f"load after {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()

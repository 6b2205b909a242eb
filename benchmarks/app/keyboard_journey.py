"""A person without a pointer: open the third cluster, read its second typical document, rename it, undo.

    python -m benchmarks.app.keyboard_journey WORKSPACE

Works on a copy of the workspace, prints the presses and seconds of each part, and ends at the first thing that cannot
be reached by keyboard.
"""

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks._harness import READY, app_server, browser, machine
from gem_core.workspace import Workspace

GLOBE = "canvas[role=application]"
MOST_PRESSES = 120  # Tabs after which a control counts as out of reach
PATIENCE = 120.0  # seconds
# What has the focus, through shadow roots: tag, name for a screen reader, text, and the key of its element.
FOCUS = """() => {
  let element = document.activeElement, key = "";
  const keyed = (node) => node.closest("[class*=st-key-]")?.className.match(/st-key-(\\S+)/)?.[1] ?? "";
  if (!element) return {tag: "", name: "", text: "", key: ""};
  key = keyed(element);
  while (element.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  return {
    tag: element.tagName,
    name: element.getAttribute("aria-label") ?? "",
    text: (element.innerText ?? "").trim(),
    key: keyed(element) || key,
  };
}"""

Focus = dict[str, str]


def tab_to(page: Any, reached: Callable[[Focus], bool]) -> int:
    """Press Tab until the focus is where it should be; return the number of presses."""
    for presses in range(1, MOST_PRESSES + 1):
        page.keyboard.press("Tab")
        if reached(page.evaluate(FOCUS)):
            return presses
    raise AssertionError(f"not reached with {MOST_PRESSES} Tabs; the focus is on {page.evaluate(FOCUS)}")


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait for the workspace, which the page cannot tell about."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"not within {PATIENCE:g} s: {what}"
        time.sleep(0.05)


def rename_by_keyboard(page: Any, workspace: Workspace, name: str) -> Iterator[tuple[str, int]]:
    """Do the journey on an open Explore page; yield each part with its presses of Tab."""
    clusters = sorted(workspace.taxonomy().clusters, key=lambda c: (-c.documents, c.number))
    third, exemplar = clusters[2], int(clusters[2].exemplars[1])
    yield "to the globe", tab_to(page, lambda focus: focus["tag"] == "CANVAS")
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUS)["tag"] != "CANVAS", "one Tab leaves the globe"
    yield "from the globe to the list", 1 + tab_to(page, lambda f: f["tag"] == "TR" and f["key"] == "panel_clusters")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    focus = page.evaluate(FOCUS)
    assert focus["tag"] == "TR", focus
    assert focus["text"].startswith(third.label), focus
    page.keyboard.press("Enter")
    page.locator(f".st-key-open_exemplar_{exemplar} button").wait_for()
    key = f"open_exemplar_{exemplar}"
    yield "to the second typical document", tab_to(page, lambda f: f["tag"] == "BUTTON" and f["key"] == key)
    page.keyboard.press("Enter")
    opening = " ".join(workspace.texts([exemplar])[0].split())[:40]
    page.get_by_text("Similar documents").first.wait_for()
    wait_until(lambda: opening in " ".join(page.locator("body").inner_text().split()), "the document is on screen")
    page.keyboard.press("Escape")
    page.get_by_role("textbox", name="Name", exact=True).wait_for()
    yield "to the name", tab_to(page, lambda f: f["tag"] == "INPUT" and f["name"] == "Name")
    page.keyboard.press("Control+a")
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    wait_until(lambda: workspace.taxonomy().cluster(third.number).label == name, "the cluster has its new name")
    page.get_by_role("heading", name=name).or_(page.get_by_text(name, exact=True)).first.wait_for()
    page.wait_for_function(READY)
    page.keyboard.press("Tab")  # Ctrl+Z inside a field belongs to its text.
    page.keyboard.press("Control+z")
    wait_until(lambda: workspace.taxonomy().cluster(third.number).label == third.label, "the old name is back")
    yield "renamed and undone", 1


def main() -> None:
    """Read the command line and do the journey in Chromium."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, browser() as chromium:
        shutil.copytree(options.workspace, Path(folder) / "corpus")
        workspace = Workspace(Path(folder) / "corpus")
        with app_server(workspace.root) as server:
            page = chromium.new_context(viewport={"width": 1280, "height": 720}, color_scheme="dark").new_page()
            page.set_default_timeout(1000 * PATIENCE)
            page.goto(server.url)
            page.wait_for_selector(GLOBE)
            print(machine())
            print(f"{len(workspace):,} documents, {len(workspace.taxonomy().clusters):,} clusters")
            began = time.perf_counter()
            for part, presses in rename_by_keyboard(page, workspace, "A name typed by hand"):
                print(f"{part:<34} {presses:3} Tabs, {time.perf_counter() - began:6.1f} s since the start", flush=True)


if __name__ == "__main__":
    main()

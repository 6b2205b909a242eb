"""A person compares GEM with k-means, takes two figures away, and sends a link that shows a colleague the same.

    python -m benchmarks.app.comparison_journey WORKSPACE [--seeds 4]

Works on a copy of the workspace. Runs a study of both methods from the button, reads means and intervals beside the
files that the study wrote, saves the balance path and the globe as SVG, and opens the address of a comparison in a
second browser. The first difference ends the program.
"""

import argparse
import shutil
import tempfile
import time
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from benchmarks._harness import READY, app_server, browser, machine
from gem_core.pipeline import ensure_path
from gem_core.pipeline.compare.stability import Stability, read_stability
from gem_core.workspace import Workspace

PATIENCE = 400  # seconds for a study
METHODS = {"gem": "GEM", "kmeans": "k-means"}


def wait_for_studies(workspace: Workspace, seeds: int) -> dict[str, Stability]:
    """Wait until both studies have all their fits; return them by method."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        studies = {name: read_stability(workspace, name) for name in ("gem", "kmeans")}
        complete = {
            name: s for name, s in studies.items() if s is not None and s.complete and len(s.seeds.ids) == seeds
        }
        if len(complete) == len(METHODS) and all(len(study.seeds.ids) == seeds for study in complete.values()):
            return complete
        time.sleep(0.3)
    raise AssertionError(f"no studies of both methods within {PATIENCE} s")


def compare_methods(page: Any, workspace: Workspace, seeds: int) -> str:
    """Run a study of GEM against k-means from the button; return what the page says of both."""
    page.get_by_text("Stability", exact=True).first.click()
    field = page.get_by_role("spinbutton", name="Seeds")
    field.fill(str(seeds))
    field.press("Enter")
    page.get_by_role("spinbutton", name="Resamples").fill("0")
    page.get_by_role("spinbutton", name="Resamples").press("Enter")
    page.get_by_text(f"{2 * seeds} fits in the background").wait_for()
    page.get_by_role("button", name="Run study").click()
    lines = []
    for name, study in wait_for_studies(workspace, seeds).items():
        mean = study.seeds.summary()
        assert mean is not None
        lines.append(f"{METHODS[name]} {mean.mean:.3f} ({mean.low:.3f} to {mean.high:.3f})")
        if name == "gem":
            page.get_by_role("heading", name=f"ARI {mean.mean:.2f}, {mean.low:.2f} to {mean.high:.2f}").wait_for()
    chart = page.locator(".st-key-steady_pairs .main-svg").first
    chart.wait_for()
    for method in METHODS.values():
        page.locator(".st-key-steady_pairs").get_by_text(method).first.wait_for()
    return "; ".join(lines)


def save_figure(page: Any, name: str, folder: Path) -> Path:
    """Save a figure of Explore as SVG and read it back."""
    page.locator(".st-key-figure_what").get_by_role("combobox").click()
    page.get_by_role("option", name=name, exact=True).click()
    page.wait_for_function(READY)
    page.locator(".st-key-figure_download img[alt]").wait_for()
    with page.expect_download() as waiting:
        page.locator(".st-key-figure_download [data-kind=svg]").click()
    path = folder / str(waiting.value.suggested_filename)
    waiting.value.save_as(path)
    root = ET.parse(path).getroot()
    assert root.tag.endswith("svg"), root.tag
    return path


def open_link(chromium: Any, page: Any) -> str:
    """Compare with k-means, then open the address in a new browser; return the sentence that both show."""
    page.get_by_text("Two groupings", exact=True).first.click()
    page.locator(".st-key-compare_b").get_by_role("combobox").click()
    page.get_by_role("option", name="k-means", exact=True).click()
    heading = page.get_by_role("heading", name="k-means").first
    heading.wait_for()
    page.wait_for_function(READY)
    sentence = str(heading.inner_text())
    page.wait_for_function("() => new URLSearchParams(location.search).get('b') === 'kmeans'")
    colleague = chromium.new_context(viewport={"width": 1440, "height": 900}).new_page()
    colleague.set_default_timeout(120_000)
    colleague.goto(page.url)
    colleague.get_by_role("heading", name=sentence, exact=True).wait_for()
    colleague.context.close()
    return sentence


def main() -> None:
    """Read the command line and do the journey in Chromium."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--seeds", type=int, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, browser() as chromium:
        folder = Path(name)
        shutil.copytree(options.workspace, folder / "corpus")
        workspace = Workspace(folder / "corpus")
        ensure_path(workspace)
        with app_server(workspace.root, home=folder) as server:
            page = chromium.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True).new_page()
            page.set_default_timeout(120_000)
            began = time.perf_counter()
            page.goto(f"{server.url}/compare")
            print(machine())
            print(f"study of {options.seeds} seeds: ARI {compare_methods(page, workspace, options.seeds)}", flush=True)
            print(f"the link shows: {open_link(chromium, page)}", flush=True)
            page.get_by_role("link", name="Explore", exact=True).first.click()
            page.get_by_role("button", name="Figure", exact=True).click()
            for figure in ("Balance path", "Globe"):
                path = save_figure(page, figure, folder)
                print(f"{figure}: {path.name}, {path.stat().st_size:,} bytes, well-formed SVG", flush=True)
            print(f"{time.perf_counter() - began:.0f} s in all")


if __name__ == "__main__":
    main()

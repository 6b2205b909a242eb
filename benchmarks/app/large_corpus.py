"""Build a corpus of 100,000 documents and time every screen on it in headless Chromium.

    python -m benchmarks.app.large_corpus build CORPUS.parquet VECTORS.npy FOLDER [--documents 100000]
    python -m benchmarks.app.large_corpus measure WORKSPACE [--only Explore ...]

`build` repeats a real corpus and jitters the vectors of the repeats to a cosine of 0.9, so that none becomes a
near-duplicate of its original at the usual threshold, then runs the product's own pipeline.
`measure` first goes through all screens twice in one window of a new server, as a person does; then it opens each
screen in a new browser, does what a person does there, and prints the time until the screen stands again, the largest
message to the browser and the sum of the messages. The screens are data (`SCREENS`): a new one is one more entry.
"""

import argparse
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks._harness import COMMAND, READY, ROOT, Server, app_server, browser, machine

COSINE = 0.9  # of a repeat to its original


def enlarge(corpus: Path, vectors: Path, folder: Path, documents: int, seed: int = 0) -> tuple[Path, Path]:
    """Write FOLDER/large.parquet and FOLDER/large.npy: the corpus repeated, vectors of the repeats jittered."""
    rng = np.random.default_rng(seed)
    table = pd.read_parquet(corpus)
    unit = np.load(vectors).astype(np.float32)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    n, d = unit.shape
    source = np.arange(documents) % n
    out = unit[source]
    for begin in range(n, documents, 8192):
        block = slice(begin, min(begin + 8192, documents))
        noise = rng.normal(size=(len(out[block]), d)).astype(np.float32)
        noise -= np.einsum("ij,ij->i", noise, out[block])[:, None] * out[block]
        noise /= np.linalg.norm(noise, axis=1, keepdims=True)
        out[block] = COSINE * out[block] + np.sqrt(1 - COSINE**2) * noise
    large = table.iloc[source].reset_index(drop=True)
    large["id"] = [f"{name}-{repeat}" for name, repeat in zip(large["id"], np.arange(documents) // n, strict=True)]
    folder.mkdir(parents=True, exist_ok=True)
    large.to_parquet(folder / "large.parquet", index=False)
    np.save(folder / "large.npy", out)
    return folder / "large.parquet", folder / "large.npy"


def build(corpus: Path, vectors: Path, folder: Path, documents: int) -> None:
    """Make FOLDER/workspace through the command line, as a person would."""
    large, own = enlarge(corpus, vectors, folder, documents)
    subprocess.run(
        [
            *COMMAND,
            "fit",
            str(large),
            "--embeddings",
            str(own),
            "--workspace",
            str(folder / "workspace"),
            "--name",
            "large",
        ],
        cwd=ROOT,
        check=True,
    )


# -- what a person does ----------------------------------------------------------------------------------------

Act = Callable[[Any], float | None]  # may say when the part that a person waits for began, by the page's clock
NOW = "() => performance.now()"
SETTLED = """(quiet) => new Promise((found) => {
  let since = performance.now();
  const began = since, look = () => {
    const running = document.querySelector('[data-testid=stApp]')?.dataset.testScriptState !== 'notRunning';
    const charts = [...document.querySelectorAll('[data-testid=stPlotlyChart]')];
    const drawing = charts.some((chart) => !chart.querySelector('.main-svg'))
      || document.querySelector('[data-testid=stSkeleton]');
    const now = performance.now();
    if (running || drawing) since = now;
    if (now - since > quiet || now - began > 120000) found(since); else requestAnimationFrame(look);
  };
  look();
})"""


@dataclass(frozen=True)
class Screen:
    """A page, and what is done on it: a name and a deed each."""

    name: str
    path: str
    stands: str  # selector of what must be there
    deeds: tuple[tuple[str, Act], ...] = ()


def click(role: str, name: str, *, exact: bool = False) -> Act:
    """Press a button, tab or choice."""
    return lambda page: page.get_by_role(role, name=name, exact=exact).first.click()


def choose(name: str) -> Act:
    """Press one of a row of choices."""
    return lambda page: page.get_by_role("radio", name=name).or_(page.get_by_role("button", name=name)).first.click()


def mark(name: str) -> Act:
    """Choose one of a list with round marks."""
    return lambda page: page.locator(".stRadio").get_by_text(name, exact=True).first.click()


def fill(field: str, text: str) -> Act:
    """Type into the box of a screen by its placeholder."""
    return lambda page: page.get_by_placeholder(field).first.fill(text)


def press(key: str) -> Act:
    """Press a key on the first slider."""

    def act(page: Any) -> None:
        page.locator("[data-testid=stSlider] input[type=range]").first.focus()
        page.keyboard.press(key)

    return act


def draw_around(selector: str, tool: str | None) -> Act:
    """Draw a lasso over the middle of a map."""

    def act(page: Any) -> float:
        box = page.locator(selector).first.bounding_box()
        if tool:
            page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            page.locator(f"[data-title='{tool}']").first.click()
        else:
            page.keyboard.down("Shift")
        for corner, (x, y) in enumerate(((0.35, 0.35), (0.6, 0.35), (0.6, 0.6), (0.35, 0.6), (0.35, 0.37))):
            page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=5)
            if corner == 0:
                page.mouse.down()
        released = float(page.evaluate(NOW))
        page.mouse.up()
        page.keyboard.up("Shift")
        return released

    return act


def chart(key: str) -> str:
    """A drawn Plotly figure."""
    return f".st-key-{key} .main-svg"


GLOBE, CHART = "canvas[data-points]", "[data-testid=stPlotlyChart]"
SCREENS = (
    Screen(
        "Explore",
        "/",
        GLOBE,
        (
            ("search a rare word", fill("Search the text", "quantum")),
            ("search a frequent word", fill("Search the text", "the")),
            ("search nothing again", fill("Search the text", "")),
            ("lasso on the globe", draw_around(GLOBE, None)),
            ("clusters of it", click("tab", "Clusters")),
            ("flat map with it", choose("Flat map")),
            ("lasso on the flat map", draw_around(CHART, "Lasso Select")),
            ("take it off", click("button", "drawn around")),
            ("open the filter", click("button", "Filter")),
            ("shorter documents", press("ArrowRight")),
            ("close the filter", lambda page: page.keyboard.press("Escape")),
            ("back to the sphere", choose("Sphere")),
            ("near-duplicates", click("button", "Near-duplicates")),
        ),
    ),
    Screen(
        "Balance",
        "/balance",
        chart("balance-shares"),
        (("weaker", press("ArrowLeft")), ("weaker again", press("ArrowLeft")), ("stronger", press("ArrowRight"))),
    ),
    Screen("Taxonomy", "/taxonomy", chart("taxonomy_treemap")),
    Screen("Compare", "/compare", chart("compare_overlap")),
    Screen(
        "Mixing",
        "/mixing",
        chart("mixing-weights"),
        (("temperature", mark("Temperature")), ("less even", press("ArrowRight")), ("uniform", mark("Uniform"))),
    ),
    Screen("Student", "/student", ".st-key-student-empty, .st-key-student-head"),
    Screen("Corpus", "/corpus", ".st-key-corpus_sample"),
    Screen("Export", "/export", ".st-key-export-all"),
)


# -- measuring --------------------------------------------------------------------------------------------------


@dataclass
class Wire:
    """Sizes of the messages from the server since the last look."""

    sizes: list[int] = field(default_factory=list)

    def listen(self, page: Any) -> None:
        """Hear every message of the page's websockets."""

        def heard(payload: str | bytes) -> None:
            self.sizes.append(len(payload))

        page.on("websocket", lambda socket_: socket_.on("framereceived", heard))

    def take(self) -> tuple[float, float]:
        """Largest and sum, in MB; then start anew."""
        largest, total = max(self.sizes, default=0) / 1e6, sum(self.sizes) / 1e6
        self.sizes.clear()
        return largest, total


@dataclass(frozen=True)
class Time:
    """Seconds of a gesture (0 for a press) and from its end to the end of the last run it caused."""

    gesture: float
    answer: float


def timed(page: Any, deed: Act) -> Time:
    """Do a deed and take its time, as the page sees it."""
    began = float(page.evaluate(NOW))
    released = deed(page)
    pressed = began if released is None else released
    page.wait_for_timeout(30)
    return Time((pressed - began) / 1000, (float(page.evaluate(SETTLED, 700)) - pressed) / 1000)


def walk(browser: Any, server: Server, screens: list[Screen]) -> Iterator[str]:
    """Lines for a person who goes from screen to screen in one window: nothing is loaded yet the first time."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce").new_page()
    page.set_default_timeout(120_000)
    wire = Wire()
    wire.listen(page)
    for visit in ("first visit", "again"):
        for screen in screens:
            used, began = server.cpu_seconds(), time.perf_counter()
            if page.url == "about:blank":
                page.goto(server.url + screen.path, wait_until="domcontentloaded")
            else:
                page.get_by_role("link", name=screen.name, exact=True).first.click()
                page.wait_for_timeout(60)  # the run it asks for has begun
            page.wait_for_selector(screen.stands)
            page.wait_for_function(READY)
            seconds = time.perf_counter() - began
            yield line(screen.name, f"one window, {visit}", seconds, server.cpu_seconds() - used, wire.take())
            page.wait_for_timeout(1000)
    page.context.close()


def measure(browser: Any, server: Server, screen: Screen) -> Iterator[str]:
    """Lines of the table for one screen, opened twice in a new browser each time."""
    for opening in ("first opening", "opened again"):
        page = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce").new_page()
        page.set_default_timeout(120_000)
        wire = Wire()
        wire.listen(page)
        began, used = time.perf_counter(), server.cpu_seconds()
        page.goto(server.url + screen.path, wait_until="domcontentloaded")
        page.wait_for_selector(screen.stands)
        page.wait_for_function(READY)
        seconds = time.perf_counter() - began
        yield line(screen.name, opening, seconds, server.cpu_seconds() - used, wire.take())
        if opening == "first opening":
            page.context.close()
    for name, deed in screen.deeds:
        used = server.cpu_seconds()
        try:
            took = timed(page, deed)
        except Exception as error:  # the rest of the table is still worth having
            yield f"{screen.name:<10} {name:<34} failed: {str(error).splitlines()[0][:80]}"
            continue
        if took.gesture:
            name += f", drawn {took.gesture:.1f} s"
        yield line(screen.name, name, took.answer, server.cpu_seconds() - used, wire.take())
    page.context.close()


def line(screen: str, name: str, seconds: float, cpu: float, megabytes: tuple[float, float]) -> str:
    """One line of the table."""
    return f"{screen:<10} {name:<34} {seconds:9.2f} s {cpu:9.2f} s {megabytes[0]:7.2f} MB {megabytes[1]:7.2f} MB"


def report(workspace: Path, only: list[str]) -> None:
    """Print the table."""
    print(machine())
    print(f"{'':<45} {'on clock':>11} {'server CPU':>11} {'largest':>10} {'messages':>10}")
    with browser() as chromium, app_server(workspace) as server:
        screens = [screen for screen in SCREENS if not only or screen.name in only]
        for text in walk(chromium, server, screens):
            print(text, flush=True)
        for screen in screens:
            for text in measure(chromium, server, screen):
                print(text, flush=True)
    print(f"load after {os.getloadavg()[0]:.1f}: on a busy machine every figure grows with the load")


def main() -> None:
    """Build or measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    builder = commands.add_parser("build")
    for name in ("corpus", "vectors", "folder"):
        builder.add_argument(name, type=Path)
    builder.add_argument("--documents", type=int, default=100_000)
    measurer = commands.add_parser("measure")
    measurer.add_argument("workspace", type=Path)
    measurer.add_argument("--only", nargs="*", default=[])
    options = parser.parse_args()
    if options.command == "build":
        build(options.corpus, options.vectors, options.folder, options.documents)
    else:
        report(options.workspace.resolve(), options.only)


if __name__ == "__main__":
    main()

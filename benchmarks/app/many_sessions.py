"""Many browser sessions at once on one server: errors, response times, and the server's memory before and after.

    python -m benchmarks.app.many_sessions [--workspace DIR] [--sessions 20] [--rounds 2] [--pause 20]

Each session is a Chromium context of its own. All of a round are open at the same time and walk through the screens:
a document or cluster picked on the globe, a move of the strength, the taxonomy, a comparison, the files. A round ends
with all contexts closed; memory is read while they are open, and again when the server has dropped them. What must
hold: no exception on a page or in the server's log, no error in the browser, and a second round that needs no more
memory than the first. Without a workspace the built-in sample is used.
"""

import argparse
import asyncio
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks._harness import CHROMIUM_FLAGS, READY, Server, app_server, chromium, machine

WAIT = 180_000  # ms; with 20 sessions on few cores an answer takes its time, and the table says how long
IMPATIENT = 60_000  # ms after which a link is pressed again; the table says how often
GLOBE = "canvas[role=application]"
SLIDER = "[data-testid=stSlider] input[type=range]"
HARMLESS = re.compile(r"404 \(Not Found\)|favicon")  # Streamlit asks for its settings below the page's own address


@dataclass
class Seen:
    """What all sessions of a round met."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: list[str] = field(default_factory=list)
    again: int = 0


async def step(page: Any, tally: Seen, name: str, act: Any, waited_text: str) -> None:
    """Do something; time it to the end of the run that shows the answer."""
    from playwright.async_api import TimeoutError as Late

    began = time.monotonic()
    try:
        await act()
        try:
            await page.locator(waited_text).first.wait_for(state="attached", timeout=IMPATIENT)
        except Late:
            tally.again += 1
            await act()
            await page.locator(waited_text).first.wait_for(state="attached")
        await page.wait_for_timeout(150)  # the run has been asked for by now
        await page.wait_for_function(READY)
    except Exception as error:
        tally.errors.append(f"{name}: {str(error).splitlines()[0]}")
    tally.seconds[name].append(time.monotonic() - began)
    if await page.locator("[data-testid=stException]").count():
        tally.errors.append(f"{name}: {(await page.locator('[data-testid=stException]').first.inner_text())[:200]}")


async def walk(browser: Any, url: str, number: int, tally: Seen, together: asyncio.Barrier) -> None:
    """One session through all screens; it stays open until all have come to the end."""
    context = await browser.new_context(viewport={"width": 1200, "height": 800}, reduced_motion="reduce")
    page = await context.new_page()
    page.set_default_timeout(WAIT)
    page.on("pageerror", lambda error: tally.errors.append(f"page: {str(error)[:200]}"))
    page.on(
        "console",
        lambda message: (
            None
            if message.type != "error" or HARMLESS.search(message.text)
            else tally.errors.append(f"console: {message.text[:200]}")
        ),
    )

    async def pick() -> None:
        box = await page.locator(GLOBE).bounding_box()
        for turn in range(12):  # until a point lies under the pointer
            position = (
                box["x"] + box["width"] * (0.35 + 0.025 * ((number + turn) % 12)),
                box["y"] + box["height"] * (0.35 + 0.02 * turn),
            )
            await page.mouse.click(*position)

    async def weaker() -> None:
        await page.locator(SLIDER).first.focus()
        for _ in range(1 + number % 4):
            await page.keyboard.press("ArrowLeft")

    def link(name: str) -> Any:
        return page.get_by_role("link", name=name, exact=False).first.click

    await step(page, tally, "open", lambda: page.goto(url, wait_until="domcontentloaded"), GLOBE)
    await step(page, tally, "pick", pick, GLOBE)
    await step(page, tally, "balance", link("Balance"), SLIDER)
    await step(page, tally, "strength", weaker, ".js-plotly-plot")
    await step(page, tally, "taxonomy", link("Taxonomy"), ".js-plotly-plot")
    if await page.get_by_role("link", name="Compare").count():
        await step(page, tally, "compare", link("Compare"), ".js-plotly-plot")
    await step(page, tally, "export", link("Export"), "[data-testid=stDownloadButton]")
    with suppress(asyncio.BrokenBarrierError):
        await together.wait()
    await together.wait()  # memory has been read meanwhile
    await context.close()


async def measure(server: Server, sessions: int, rounds: int, pause: float) -> list[tuple[str, float, Seen]]:
    """All rounds: name, memory of the server in MB, what was seen."""
    from playwright.async_api import async_playwright

    table = [("server started, nobody there", memory(server.process.pid), Seen())]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), headless=True, args=CHROMIUM_FLAGS)
        for number in [0, *range(1, rounds + 1)]:
            many, tally = (sessions if number else 1), Seen()
            together = asyncio.Barrier(many + 1)
            walks = [asyncio.create_task(walk(browser, server.url, i, tally, together)) for i in range(many)]
            await together.wait()
            open_now = memory(server.process.pid)
            await together.wait()
            await asyncio.gather(*walks)
            name = f"round {number}, {many} sessions" if number else "one session"
            table.append((f"{name} open", open_now, tally))
            print(f"{name}: {open_now:.0f} MB, {len(tally.errors)} errors", file=sys.stderr, flush=True)
            await asyncio.sleep(pause)  # the server keeps a session a while, in case its browser comes back
            table.append((f"{name} closed", memory(server.process.pid), Seen()))
        await browser.close()
    return table


def memory(pid: int) -> float:
    """Resident memory of a process, MB."""
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def main() -> int:
    """Serve, walk, print the table; the exit status says whether there were errors."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--pause", type=float, default=20.0, help="seconds after which memory is read again")
    options = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="gem-sessions-"))
    log = home / "server.log"
    with app_server(options.workspace, home=home, log=log) as server:
        table = asyncio.run(measure(server, options.sessions, options.rounds, options.pause))
    trouble_lines = troubles(log.read_text(errors="replace"))
    disconnects = [
        line for line in trouble_lines if "WebSocketDisconnect" in line
    ]  # Streamlit's own note that a browser has gone
    trouble_lines = [line for line in trouble_lines if line not in disconnects]
    report(table, trouble_lines, len(disconnects))
    errors = sum(len(tally.errors) for _, _, tally in table) + len(trouble_lines)
    if errors:
        print(f"the log: {log}")
    else:
        shutil.rmtree(home)
    return int(errors > 0)


def troubles(log: str) -> list[str]:
    """Tracebacks of a log: the last place and the error of each."""
    trouble_list, location = [], ""
    for line in log.splitlines():
        plain = re.sub(r"\x1b\[[0-9;]*m", "", line).strip(" │")
        if "Traceback" in plain:
            location = "Traceback"
        elif location and (at := re.search(r'(?:File ")?(\S+\.py)"?(?::|, line )(\d+)', plain)):
            location = f"{Path(at[1]).name}:{at[2]}"
        elif location and re.match(r"[A-Za-z_.]*(Error|Exception|Closed\w*|Disconnect\w*)\b", plain):
            trouble_list.append(f"{location}: {plain}")
            location = ""
    return trouble_list + ([location] if location else [])


def report(table: list[tuple[str, float, Seen]], trouble_lines: list[str], disconnects: int) -> None:
    """Print memory, times and errors."""
    print(machine())
    print(f"{'server memory':<34}{'MB':>8}{'change':>9}")
    for index, (name, size, _) in enumerate(table):
        print(f"{name:<34}{size:>8.0f}{size - table[max(0, index - 1)][1]:>+9.0f}")
    for name, _, tally in table:
        if tally.seconds:
            print(f"\n{name:<34}{'median s':>9}{'slowest s':>10}{'answers':>9}")
            for what, seconds in tally.seconds.items():
                print(f"  {what:<32}{statistics.median(seconds):>9.2f}{max(seconds):>10.2f}{len(seconds):>9}")
            print(f"  errors: {len(tally.errors)}, pressed again: {tally.again}")
            for error in sorted(set(tally.errors))[:20]:
                print(f"    {error}")
    print(f"\ntracebacks in the server's log: {len(trouble_lines)}; notes that a browser has gone: {disconnects}")
    for line in sorted(set(trouble_lines))[:20]:
        print(f"  {line[:200]}")


if __name__ == "__main__":
    sys.exit(main())

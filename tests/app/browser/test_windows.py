"""Two windows on one workspace: each sees what the other did, and nobody is disturbed while typing or dragging."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from gem_core.pipeline import Pin, Rename, edit
from gem_core.workspace import Workspace
from tests.helpers.pages import ready

pytestmark = pytest.mark.browser
GLOBE = "canvas[role=application]"
SEEN = 60_000  # ms; the page looks every 2.5 s, a busy machine answers later


@pytest.fixture
def served(serve: Any, sample: Workspace, tmp_path: Path) -> Any:
    """The app on a copy of the sample, with a home of its own."""
    home = tmp_path / "home"
    home.mkdir()
    return serve("app/main.py", "--workspace", str(sample.root), env={"GEM_EXPLORER_HOME": str(home)})


def opened(browser_page: Any, url: str, screen: str = "") -> Any:
    """A window on a screen."""
    page = browser_page(url)
    page.set_default_timeout(SEEN)
    if screen:
        page.get_by_role("link", name=screen).click()
        page.wait_for_url(f"**/{screen.lower()}*")
        ready(page)
    return page


def news(page: Any) -> Any:
    return page.locator("[data-testid=stToast]")


def shows(page: Any, label: str) -> None:
    """Wait until a table of the page holds a label; its cells are drawn, so they are attached and not visible."""
    page.locator("td").get_by_text(label, exact=True).first.wait_for(state="attached", timeout=SEEN)


def test_a_rename_elsewhere_arrives_while_a_person_types(served: Any, browser_page: Any, sample: Workspace) -> None:
    first, second = sample.taxonomy().clusters[:2]
    page = opened(browser_page, f"{served.url}/?cluster={second.number}", "Taxonomy")
    field = page.get_by_role("textbox", name="Name", exact=True)
    field.wait_for()
    field.fill("")
    field.press_sequentially("Half a", delay=30)  # not sent: the form waits for its button
    edit(sample, Rename("cluster", first.number, "Named *elsewhere* <b>"))
    news(page).filter(has_text="Another window").wait_for(timeout=SEEN)
    assert "Named *elsewhere* <b>" in news(page).first.inner_text()
    ready(page)
    field.press_sequentially(" name", delay=30)  # the same field has the focus still, and what was typed
    assert field.input_value() == "Half a name"
    assert page.evaluate("document.activeElement.value") == "Half a name"
    page.get_by_role("button", name="Rename", exact=True).click()
    page.get_by_text("Half a name").first.wait_for()
    labels = {cluster.number: cluster.label for cluster in sample.taxonomy().clusters}
    assert (labels[first.number], labels[second.number]) == ("Named *elsewhere* <b>", "Half a name")
    assert page.errors == []


def test_a_drag_goes_on_while_another_window_edits(served: Any, browser_page: Any, sample: Workspace) -> None:
    page = opened(browser_page, served.url)
    globe = page.locator(GLOBE)
    globe.wait_for()
    handle = globe.element_handle()
    box = globe.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + 40, middle[1], steps=4)
    before = page.screenshot(clip=box)
    edit(sample, Rename("cluster", sample.taxonomy().clusters[0].number, "While dragging"))
    news(page).filter(has_text="While dragging").wait_for(timeout=SEEN)
    ready(page)
    assert handle.evaluate("canvas => canvas.isConnected")  # the same canvas: its view was not thrown away
    page.mouse.move(middle[0] + 140, middle[1], steps=8)
    page.mouse.up()
    assert page.screenshot(clip=box) != before
    assert page.errors == []


def test_two_windows_see_each_others_edits(served: Any, browser_page: Any, sample: Workspace) -> None:
    """One window goes back a step; the other says so, and shows what is present now."""
    first = sample.taxonomy().clusters[0]
    edit(sample, Rename("cluster", first.number, "To be undone"))
    balance_window, two = (opened(browser_page, served.url, screen) for screen in ("Balance", "Taxonomy"))
    shows(two, "To be undone")
    balance_window.locator(".st-key-balance-undo button").first.click()
    news(two).filter(has_text="Undone in another window").wait_for(timeout=SEEN)
    shows(two, first.label)
    balance_window.wait_for_timeout(4000)
    assert news(balance_window).count() == 0  # its own step is no news
    assert balance_window.errors == two.errors == []


def test_nothing_runs_again_when_nothing_changed(served: Any, browser_page: Any, sample: Workspace) -> None:
    """Only the small part that looks around runs; the page itself runs once for each change."""
    page = opened(browser_page, served.url)
    page.locator(GLOBE).wait_for()
    page.wait_for_timeout(1500)
    frames: list[int] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(len(frame))))
    page.reload()
    page.locator(GLOBE).wait_for()
    page.wait_for_timeout(4000)
    ready(page)
    first = sum(frames)
    frames.clear()
    page.wait_for_timeout(10_000)
    idle = sum(frames)
    frames.clear()
    edit(sample, Pin(sample.taxonomy().clusters[0].number))
    news(page).wait_for(timeout=SEEN)
    page.wait_for_timeout(3000)
    once = sum(frames)
    print(f"first paint {first:,} bytes, ten idle seconds {idle:,}, after an edit {once:,}")
    assert idle < 10_000
    assert idle < once


def test_jobs_in_the_header(served: Any, browser_page: Any, sample: Workspace, tmp_path: Path) -> None:
    """A job of another workspace is listed, explained and dismissed without leaving the screen."""
    folder = tmp_path / "home" / "jobs" / "abc"
    folder.mkdir(parents=True)
    title = "<img src=x onerror=alert(1)> **pool**"
    (folder / "job.json").write_text(
        json.dumps(
            {
                "title": title,
                "arguments": ["fit", "x.csv"],
                "workspace": str(tmp_path / "other"),
                "started": time.time() - 9,
            }
        )
    )
    (folder / "exit").write_text("137\n")
    (folder / "log.txt").write_text("embed: 12 of 400\n<b>last words</b>\n")
    page = opened(browser_page, served.url, "Export")
    page.get_by_role("button", name="1 failed").click()
    job_list = page.locator(".st-key-jobs_list")
    job_list.get_by_text("the machine may be out of memory").wait_for()
    assert title in job_list.inner_text()
    assert "In other" in job_list.inner_text()
    job_list.get_by_text("Log", exact=True).click()
    job_list.get_by_text("<b>last words</b>").wait_for()
    job_list.get_by_role("button", name="Dismiss").click()
    page.locator(".st-key-jobs_popover").wait_for(state="detached")
    assert not folder.exists()
    assert page.errors == []
    assert page.outside == []

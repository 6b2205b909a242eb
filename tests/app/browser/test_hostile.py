"""A corpus that attacks whoever shows it, through every screen in a real browser: nothing runs, nothing is fetched."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import numpy as np
import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe

from gem_core.workspace import Workspace
from tests.helpers.hostile import HOST, TRAPS, hostile_workspace
from tests.helpers.pages import ready

pytestmark = pytest.mark.browser
OWN_PATHS = re.compile(r"/([a-z]+/)?_stcore/[a-z-]+|/static/.*|/media/[0-9a-f]+(\.\w+)?|/favicon\.png|/[a-z]*")
FORMULA = re.compile(r"^[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
GROWN = """(host) => {  // elements that can only have come from the corpus
    const found = [], foul = (text) => text.includes(host) || text.includes("pwned") || /^\\s*javascript:/i.test(text);
    const look = (root) => {
        for (const e of root.querySelectorAll("*")) {
            const active = [...e.attributes].some((a) => /^on/i.test(a.name) && foul(a.value)
                || /^(src|srcset|href|xlink:href|action|formaction|style)$/i.test(a.name) && foul(a.value));
            const inside = ["SCRIPT", "STYLE", "IFRAME"].includes(e.tagName) && foul(e.textContent);
            if (active || inside) found.push(e.outerHTML.slice(0, 200));
            if (e.shadowRoot) look(e.shadowRoot);
        }
    };
    look(document);
    return found;
}"""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return hostile_workspace(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def hostile_app(serve_module: Any, hostile: Workspace) -> str:
    """Address of the app on the hostile workspace."""
    return str(serve_module("app/main.py", "--workspace", str(hostile.root)).url)


@pytest.fixture
def watched(hostile_app: str, browser_page: Any) -> Any:
    """The app on the hostile workspace; every request, dialog, popup and error is written down."""
    page = browser_page(None)
    page.set_default_timeout(120_000)
    page.requested_urls, page.opened = [], []
    page.on("request", lambda request: page.requested_urls.append(request.url))
    page.on("dialog", lambda dialog: (page.opened.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on("popup", lambda popup: page.opened.append(f"popup {popup.url}"))
    page.base = hostile_app
    return page


def settled(page: Any, seconds: float = 0.5) -> None:
    page.wait_for_timeout(1000 * seconds)
    ready(page)


def assert_harmless(page: Any, where: str) -> None:
    """Nothing has run or broken, nothing was asked for that is not ours, no text has become a part of the page."""
    assert page.evaluate("() => window.__pwned === undefined"), where
    assert page.opened == [], where
    assert page.outside == [], where
    own = urlsplit(page.base).netloc
    for url in page.requested_urls:
        parts = urlsplit(url)
        if parts.scheme in ("data", "blob"):
            continue
        assert parts.netloc == own, (where, url)
        assert OWN_PATHS.fullmatch(parts.path), (where, url)
    assert [error for error in page.errors if "404" not in error] == [], where
    assert page.get_by_test_id("stException").count() == 0, where
    assert page.evaluate(GROWN, HOST) == [], where


def sweep(page: Any) -> None:
    """Move the pointer over every chart, map and table on the page, so that all hovers are drawn."""
    places = page.locator(
        "[data-testid=stPlotlyChart], canvas[role=application], [data-testid=stDataFrame], table[role=grid], "
        ".strip .bars"
    )
    for index in range(places.count()):
        target = places.nth(index)
        if not target.is_visible():
            continue
        target.scroll_into_view_if_needed()
        box = target.bounding_box()
        for y in (0.12, 0.3, 0.5, 0.7, 0.9):
            for x in (0.05, 0.25, 0.45, 0.65, 0.85):
                page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
                page.wait_for_timeout(25)
    for index in range(min(page.get_by_test_id("stTooltipIcon").count(), 6)):
        icon = page.get_by_test_id("stTooltipIcon").nth(index)
        if icon.is_visible():
            icon.hover()
            page.wait_for_timeout(60)


def unfold(page: Any) -> None:
    """Open every expander and popover, look at every tab and choice."""
    for index in range(page.get_by_test_id("stExpander").count()):
        summary = page.get_by_test_id("stExpander").nth(index).locator("summary").first
        if summary.is_visible() and summary.locator("..").get_attribute("open") is None:
            summary.click()
            settled(page, 0.3)
    for index in range(page.get_by_role("tab").count()):
        if page.get_by_role("tab").nth(index).is_visible():
            page.get_by_role("tab").nth(index).click()
            settled(page, 0.3)
    for index in range(page.get_by_test_id("stPopover").count()):
        button = page.get_by_test_id("stPopover").nth(index).locator("button").first
        if button.is_visible() and button.is_enabled():
            button.click()
            settled(page, 0.3)
            assert_harmless(page, f"popover {index}")
            page.keyboard.press("Escape")
            page.wait_for_timeout(150)


def go(page: Any, path: str, wait: float = 0.5) -> None:
    page.goto(page.base + path, wait_until="domcontentloaded")
    page.get_by_test_id("stTopNavLink").first.wait_for()
    page.locator(".st-key-gem-header").wait_for()
    page.locator("body[data-keys=heard]").wait_for(state="attached")
    if path == "/" or path.startswith("/?map="):  # the globe, or the flat map, which is a chart
        page.locator("canvas[role=application], [data-testid=stPlotlyChart]").first.wait_for()
    settled(page, wait)


def assert_accessible(page: Any, view: str) -> None:
    """Demand no serious finding of axe-core, in the light and in the dark theme."""
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.wait_for_function(
            "(theme) => getComputedStyle(document.querySelector('[data-testid=stApp]')).colorScheme === theme",
            arg=theme,
        )
        settled(page, 0.2)
        findings = [
            (finding["id"], [(node["target"], node["html"][:160]) for node in finding["nodes"][:3]])
            for finding in Axe().run(page).response["violations"]
            if finding["impact"] in ("serious", "critical")
        ]
        assert findings == [], (view, theme)
    page.emulate_media(color_scheme="light", reduced_motion="reduce")


def shot(page: Any, name: str) -> None:
    """Keep a picture where GEM_SHOTS says, for a person to look at."""
    if folder := os.environ.get("GEM_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_every_screen_shows_it_as_text_and_is_accessible(watched: Any, hostile: Workspace) -> None:
    page = watched
    go(page, "/")
    screens = [link.get_attribute("href") for link in page.get_by_test_id("stTopNavLink").all()]
    assert len(screens) >= 5
    for address in screens:
        path = urlsplit(address).path
        go(page, path)
        assert_accessible(page, path)
        unfold(page)
        sweep(page)
        shot(page, f"hostile{path.replace('/', '-')}")
        assert_harmless(page, path)


def test_both_maps_every_colour_and_the_reader(watched: Any, hostile: Workspace) -> None:
    page = watched
    for index, name in enumerate(hostile.documents.columns[2:]):
        if hostile.documents[name].nunique() < 2:
            continue
        kind = ("flat", "sphere")[index % 2]
        go(page, f"/?map={kind}&colour={quote('Column: ' + name, safe='')}")
        sweep(page)
        assert_harmless(page, f"{kind} {name!r}")


def test_the_reader_of_every_trap(watched: Any, hostile: Workspace) -> None:
    page = watched
    groups = hostile.taxonomy().documents["cluster_id"].to_numpy()
    for cluster in range(3):  # each document holds three of the traps
        rows = np.flatnonzero(groups == cluster)
        name = str(hostile.documents["id"].iloc[rows[0]])
        go(page, f"/?document={quote(name, safe='')}")
        page.get_by_text("Similar documents").first.wait_for()
        for _ in range(len(rows)):
            assert_harmless(page, f"reader {cluster}")
            page.keyboard.press("j")
            settled(page, 0.4)
        shot(page, f"hostile-reader-{cluster}")


def test_the_longest_line_opens_and_is_cut(watched: Any, hostile: Workspace) -> None:
    page = watched
    row = max(range(len(hostile)), key=lambda r: len(hostile.texts([r])[0]))
    assert len(hostile.texts([row])[0]) >= 1_000_000
    go(page, f"/?document={quote(str(hostile.documents['id'].iloc[row]), safe='')}")
    page.get_by_text("First 100,000 of 1,000,").first.wait_for()
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    assert_harmless(page, "long line")


def test_names_stay_names_on_taxonomy(watched: Any, hostile: Workspace) -> None:
    page = watched
    taxonomy = hostile.taxonomy()
    items = [("cluster", cluster) for cluster in taxonomy.clusters[:12:2]] + [("group", taxonomy.groups[0])]
    for kind, item in items:
        go(page, f"/taxonomy?{kind}={item.number}")
        page.wait_for_function(
            "(label) => [...document.querySelectorAll('input')].some((i) => i.value === label)", arg=item.label
        )
        assert_harmless(page, item.label)
    go(page, "/taxonomy?cluster=5")
    page.get_by_role("button", name="Split").first.click()
    settled(page, 1)
    assert_harmless(page, "split")


def test_what_is_downloaded_reads_back_and_holds_no_formula(
    watched: Any, hostile: Workspace, offline_page: Any, tmp_path: Path
) -> None:
    page = watched
    go(page, "/export")
    files = {}
    page.locator(".st-key-export-all button").first.wait_for()
    buttons = page.locator("[class*='st-key-export-']:not(.st-key-export-grid) [data-testid=stDownloadButton] button")
    for index in range(buttons.count()):
        if not buttons.nth(index).is_visible():
            continue
        with page.expect_download(timeout=240_000) as waiting:
            buttons.nth(index).click()
        download = waiting.value
        download.save_as(tmp_path / download.suggested_filename)
        files[download.suggested_filename] = tmp_path / download.suggested_filename
    ids = [str(name) for name in hostile.documents["id"]]
    assert {
        "report.html",
        "taxonomy.csv",
        "assignments.csv",
        "assignments.parquet",
        "weights.csv",
        "receipt.json",
        "gem-export.zip",
    } <= set(files)
    with zipfile.ZipFile(files["gem-export.zip"]) as archive:
        assert all(Path(name).name == name for name in archive.namelist())
        inside = {name: archive.read(name) for name in archive.namelist()}
    tables = {name: path.read_bytes() for name, path in files.items() if name.endswith(".csv")} | {
        f"zip/{name}": data for name, data in inside.items() if name.endswith(".csv")
    }
    for name, data in tables.items():
        rows = list(csv.reader(io.StringIO(data.decode("utf-8"), newline="")))
        assert len({len(row) for row in rows}) == 1, name
        assert len(rows) == len(pd.read_csv(io.BytesIO(data), keep_default_na=False)) + 1, name
        id_columns = {column for column, name in enumerate(rows[0]) if name in ("id", "exemplar_ids")}  # Never changed.
        texts = [cell for row in rows for column, cell in enumerate(row) if column not in id_columns]
        assert [cell for cell in texts if FORMULA.match(cell) and not _number(cell)] == [], name
    assert list(pd.read_csv(files["assignments.csv"], keep_default_na=False, dtype=str)["id"]) == ids
    table = pd.read_parquet(files["assignments.parquet"])
    assert list(table["id"]) == ids
    assert any(FORMULA.match(name) for name in table["id"])  # parquet keeps what was there
    json.loads(files["receipt.json"].read_text(encoding="utf-8"))
    assert_harmless(page, "downloads")
    report = offline_page(files["report.html"])
    report.wait_for_timeout(1500)
    for x in range(50, 1400, 150):
        for y in range(50, 850, 100):
            report.mouse.move(x, y)
    assert [url for url in report.requested_urls if not url.startswith(("data:", "blob:"))] == [
        files["report.html"].as_uri()
    ]
    assert report.evaluate("() => window.__pwned === undefined")
    assert report.errors == []
    assert any(trap in "".join(c.label for c in hostile.taxonomy().clusters) for trap in TRAPS)


def _number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True

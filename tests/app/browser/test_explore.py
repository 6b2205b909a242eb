"""A person opens the sample, reads a document on the globe, renames a cluster and finds the new name again."""

from __future__ import annotations

import json
import math
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

from gem_core.workspace import Workspace
from tests.helpers.pages import press, ready

pytestmark = pytest.mark.browser
GLOBE = "canvas[role=application]"


@pytest.fixture
def workspace(built_sample: Path, tmp_path: Path) -> Workspace:
    shutil.copytree(built_sample, tmp_path / "corpus")
    return Workspace(tmp_path / "corpus")


def settled(page: Any, seconds: float = 0.4) -> None:
    page.wait_for_timeout(1000 * seconds)
    ready(page)


def click_a_document(page: Any, workspace: Workspace) -> None:
    """Click on points of the globe, from its middle outwards, until one opens."""
    box = page.locator(GLOBE).bounding_box()
    for step in range(60):
        radius, turn = 6.0 * step, 2.4 * step  # a spiral
        page.mouse.click(
            box["x"] + box["width"] / 2 + radius * math.cos(turn) * 0.6,
            box["y"] + box["height"] / 2 + radius * math.sin(turn) * 0.6,
        )
        settled(page)
        if page.get_by_text("Similar documents").count():
            return
    pytest.fail("no document could be opened on the globe")


def test_read_a_document_rename_a_cluster_and_find_the_name_again(
    serve: Any, browser_page: Any, workspace: Workspace
) -> None:
    served = serve("app/main.py", "--workspace", str(workspace.root))
    started = time.monotonic()
    page = browser_page(served.url)
    page.wait_for_selector(GLOBE)
    print(f"first paint {time.monotonic() - started:.1f} s after the server was ready")
    click_a_document(page, workspace)
    texts = list(workspace.all_texts())
    box = page.locator("[data-testid=stText]").first.inner_text().strip()
    row = next(i for i, text in enumerate(texts) if " ".join(text.split()) == " ".join(box.split()))
    cluster = workspace.taxonomy().clusters[int(workspace.taxonomy().documents["cluster_id"].iloc[row])]
    page.get_by_text(cluster.label, exact=True).first.wait_for()

    page.get_by_role("link", name="Taxonomy").click()
    settled(page)
    page.get_by_role("button", name="Back to cluster").click()
    settled(page)
    field = page.get_by_role("textbox", name="Name")
    for _ in range(50):  # the panel may still be on its way
        if field.input_value() == cluster.label:
            break
        page.wait_for_timeout(100)
    assert field.input_value() == cluster.label
    field.fill("A name <b>of my own</b>")
    page.get_by_role("button", name="Rename").click()
    settled(page, 1)
    assert Workspace(workspace.root).taxonomy().clusters[cluster.number].label == "A name <b>of my own</b>"

    page.get_by_role("link", name="Explore").click()
    settled(page)
    page.get_by_text("A name <b>of my own</b>", exact=True).first.wait_for()
    page.reload()
    page.wait_for_selector(GLOBE)
    back = page.locator(".st-key-panel_back button")
    back.wait_for()  # the address opens the document again
    while back.count():
        back.click()
        settled(page, 1)
    page.get_by_placeholder("Filter by label").fill("of my own")
    settled(page, 1.5)
    cell_texts = page.locator(".st-key-panel_clusters td").all_inner_texts()
    assert "A name <b>of my own</b>" in cell_texts
    assert page.outside == []
    assert [e for e in page.errors if "404" not in e] == []


def test_a_search_marks_the_map_and_a_tile_selects(serve: Any, browser_page: Any, workspace: Workspace) -> None:
    served = serve("app/main.py", "--workspace", str(workspace.root))
    page = browser_page(served.url, dark=True, width=900)
    page.wait_for_selector(GLOBE)
    page.get_by_placeholder("Search document text").fill("water")
    settled(page, 1.5)
    match_count = len(workspace.search("water"))
    page.get_by_text(f"{match_count} documents match").first.wait_for()
    page.get_by_placeholder("Search document text").fill("")
    settled(page, 1.5)
    page.get_by_role("radio", name="Flat map").or_(page.get_by_role("button", name="Flat map")).first.click()
    settled(page, 1)
    page.wait_for_selector("[data-testid=stPlotlyChart] .gl-canvas")
    sent = page.evaluate(
        "() => document.querySelector('[data-testid=stPlotlyChart] .js-plotly-plot').data"
        ".map(t => JSON.stringify([t.text ?? null, t.hovertext ?? null]))"
    )
    assert {json.dumps(json.loads(s)) for s in sent} == {"[null, null]"}  # no text of a document rides on the map
    box = page.locator("[data-testid=stPlotlyChart]").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.locator("[data-title='Lasso Select']").first.click()
    corners = ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8), (0.2, 0.22))
    for corner, (x, y) in enumerate(corners):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=6)
        if corner == 0:
            page.mouse.down()
    page.mouse.up()
    taken_off = page.get_by_role("button", name="area selected on the flat map")
    taken_off.wait_for()
    settled(page, 1)
    assert not page.get_by_text("; 1 of 12 clusters").count()  # the documents inside, not one document many times
    taken_off.click()
    taken_off.wait_for(state="detached")
    page.get_by_role("link", name="Taxonomy").click()
    settled(page, 1.5)
    box = page.locator("[data-testid=stPlotlyChart]").first.bounding_box()
    press(page, box["x"] + 60, box["y"] + 120)
    settled(page, 1)
    page.get_by_role("button", name="All clusters").first.wait_for()
    page.get_by_role("button", name="Rename").first.wait_for()
    assert page.outside == []


def test_the_strip_is_pressed_walked_by_keys_and_shows_what_is_found(
    serve: Any, browser_page: Any, workspace: Workspace
) -> None:
    taxonomy = workspace.taxonomy()
    order = [taxonomy.cluster(number) for group in taxonomy.groups for number in group.children]
    served = serve("app/main.py", "--workspace", str(workspace.root))
    page = browser_page(served.url, width=900)
    bars = page.locator(".strip .bar")
    bars.first.wait_for()
    pieces = bars.first.get_by_role("button")
    assert [piece.get_attribute("aria-label") for piece in pieces.all()] == [
        f"{cluster.label}: {100 * cluster.share_documents:.1f}% of all documents" for cluster in order
    ]
    full = bars.first.bounding_box()["width"]
    for piece, cluster in zip(pieces.all(), order, strict=True):
        assert abs(piece.bounding_box()["width"] / full - cluster.share_documents) < 0.005
    assert page.locator("[data-testid=stPlotlyChart]").count() == 0  # the start page does not wait for its code

    size = page.viewport_size
    page.set_viewport_size({"width": 1280, "height": 720})
    for view, map_of_view in (("Flat map", "[data-testid=stPlotlyChart] .gl-canvas"), ("Sphere", GLOBE)):
        page.get_by_role("radio", name=view).or_(page.get_by_role("button", name=view)).first.click()
        page.wait_for_selector(map_of_view)
        ready(page)
        box = page.locator(".strip").first.bounding_box()
        assert box["y"] + box["height"] <= 720, f"{view}: map and shares are seen at once on a small screen"
        if view == "Flat map":
            names = page.locator(".st-key-gem-flat .names span")
            names.first.wait_for()
            assert {name.inner_text() for name in names.all()} <= {cluster.label for cluster in order}
            assert page.locator(".st-key-gem-flat .layer path").count() > 1, "outlines of the groups"
    page.get_by_role("button", name="Filter").first.click()
    histogram_bars = page.get_by_role("img", name="Histogram").first.locator("i")
    histogram_bars.first.wait_for(state="attached")
    assert max(bar.bounding_box()["height"] for bar in histogram_bars.all() if bar.bounding_box()) > 20
    page.keyboard.press("Escape")
    page.set_viewport_size(size)
    ready(page)

    first = taxonomy.groups[0]
    group = page.locator(".strip .groups button", has_text=first.label)
    group.click()
    page.get_by_text(f"{sum(taxonomy.cluster(n).documents for n in first.children)} documents selected").wait_for()
    ready(page)
    expect(bars.first.locator("button.in")).to_have_count(len(first.children))
    group.click()
    expect(bars).to_have_count(1)
    ready(page)

    pieces.nth(4).hover()
    assert page.locator(".strip .tip").inner_text().split("\n")[0] == order[4].label
    pieces.nth(4).click()
    page.wait_for_url(f"**cluster={order[4].number}*")
    page.get_by_text(f"{order[4].label} holds").wait_for()
    assert [piece.get_attribute("aria-pressed") for piece in pieces.all()].index("true") == 4
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**cluster={order[5].number}*")
    page.get_by_text(f"{order[5].label} holds").wait_for()
    ready(page)
    assert [piece.get_attribute("tabindex") for piece in pieces.all()] == [
        "0" if at == 5 else "-1" for at in range(len(order))
    ]

    page.get_by_placeholder("Search document text").fill("water")
    bars.nth(1).wait_for()
    part = np.bincount(taxonomy.positions[workspace.search("water")], minlength=len(order))
    part_by_label = {cluster.label: part[taxonomy.index_of(cluster.number)] for cluster in order}
    labels = [piece.get_attribute("aria-label") for piece in bars.nth(1).get_by_role("button").all()]
    assert labels == [
        f"{label}: {100 * documents / part.sum():.1f}% of the selected"
        for label, documents in part_by_label.items()
        if documents
    ]
    assert [e for e in page.errors if "404" not in e] == []

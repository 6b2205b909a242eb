"""A person opens a file, clusters it, names, merges, compares, saves a report, balances, and mixes to a budget."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmarks.app.mixing_journey import balance_exactly, check_files, save_files, weigh
from gem_core.workspace import Workspace
from tests.helpers.cli_process import texts
from tests.helpers.pages import ready, until

pytestmark = pytest.mark.browser
ROWS, CLUSTERS = 60, 4
NAME = "=Ovens & <b>rivers</b>"


def shot(page: Any, name: str) -> None:
    """Keep a picture where GEM_SHOTS says, for a person to look at."""
    if folder := os.environ.get("GEM_SHOTS"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def go(page: Any, screen: str) -> None:
    """Follow a link of the navigation."""
    page.get_by_test_id("stTopNavLink").filter(has_text=screen).first.click()
    page.wait_for_url(f"**/{screen.lower()}*", timeout=120_000)
    page.wait_for_timeout(500)
    ready(page)


def saved(page: Any, button: Any, folder: Path) -> Path:
    """Press a download button and keep the file."""
    with page.expect_download(timeout=180_000) as waiting:
        button.click()
    path = folder / str(waiting.value.suggested_filename)
    waiting.value.save_as(path)
    return path


def build_from_upload(page: Any, source: Path, root: Path) -> Workspace:
    """Upload a file on Corpus, see what it costs, build it in the background and open it."""
    go(page, "Corpus")
    page.locator("input[type=file]").first.set_input_files(str(source))
    page.get_by_text("Embedding time").wait_for(timeout=300_000)
    ready(page)
    clusters = page.get_by_role("spinbutton", name="Clusters")
    clusters.fill(str(CLUSTERS))
    clusters.press("Enter")
    ready(page)
    page.get_by_role("button", name="Create workspace").click()
    page.get_by_role("button", name="Open workspace").last.wait_for(timeout=300_000)
    until(lambda: page.get_by_text(f"{ROWS} documents in {CLUSTERS} clusters").count(), "the job ends", 400)
    ready(page)
    page.get_by_role("button", name="Open workspace").last.click()
    page.locator("canvas[role=application]").wait_for()
    ready(page)
    return Workspace(root)


def click_a_tile(page: Any) -> int:
    """Click into the treemap and return the cluster that the address then names."""
    chart = page.locator(".st-key-taxonomy_treemap .js-plotly-plot")
    chart.wait_for()
    page.wait_for_timeout(800)
    for x in (60, 110, 160, 210, 260):  # a busy machine may draw the chart anew under the pointer
        box = chart.bounding_box()
        page.mouse.move(box["x"] + x, box["y"] + 110)
        page.wait_for_timeout(300)
        page.mouse.click(box["x"] + x, box["y"] + 120)
        for _ in range(30):
            if "cluster=" not in page.url:
                page.wait_for_timeout(100)
        ready(page)
        if "cluster=" in page.url:
            break
    shot(page, "journey-0-tile")
    assert "cluster=" in page.url
    return int(page.url.split("cluster=")[1].split("&")[0])


def test_from_a_file_to_a_report(
    serve: Any, browser_page: Any, offline_page: Any, built_sample: Path, tmp_path: Path
) -> None:
    source, home = tmp_path / "my notes.csv", tmp_path / "home"
    pd.DataFrame(
        {
            "id": [f"note {i}" for i in range(ROWS)],
            "text": texts(ROWS),
            "subject": [f"subject {i % 4}" for i in range(ROWS)],
        }
    ).to_csv(source, index=False)
    home.mkdir()
    (home / "first-visit-done").touch()
    served = serve("app/main.py", "--workspace", str(built_sample), env={"GEM_EXPLORER_HOME": str(home)})
    page = browser_page(served.url)
    page.set_default_timeout(120_000)

    workspace = build_from_upload(page, source, home / "my notes")
    before = workspace.taxonomy()
    assert len(before.clusters) == CLUSTERS
    assert "workspace=my" in page.url

    go(page, "Taxonomy")
    number = click_a_tile(page)
    field = page.get_by_role("textbox", name="Name")
    assert field.input_value() == before.cluster(number).label
    field.fill(NAME)
    page.get_by_role("button", name="Rename").click()
    until(lambda: workspace.taxonomy().cluster(number).label == NAME, "the name is taken", seconds=240)
    ready(page)
    shot(page, "journey-1-renamed")

    page.get_by_role("button", name="Merge", exact=True).first.click()
    page.get_by_role("button", name="Merge clusters").click()
    until(lambda: len(workspace.taxonomy().clusters) == CLUSTERS - 1, "two clusters are one", seconds=240)
    ready(page)
    shot(page, "journey-2-merged")
    until(lambda: page.get_by_text(f"{CLUSTERS - 1} clusters in").count(), "the screen shows the merge", seconds=240)
    page.get_by_role("button", name="Undo").first.click()
    until(lambda: len(workspace.taxonomy().clusters) == CLUSTERS, "the merge is undone", seconds=240)
    until(lambda: page.get_by_text(f"{CLUSTERS} clusters in").count(), "the screen shows it", seconds=240)
    after = workspace.taxonomy()
    assert [c.documents for c in after.clusters] == [c.documents for c in before.clusters]
    assert after.cluster(number).label == NAME

    go(page, "Compare")
    page.locator(".st-key-compare_sankey .js-plotly-plot").wait_for(timeout=240_000)
    ready(page)
    shot(page, "journey-3-compared")
    ari = page.locator("[data-testid=stMetric]", has_text="ARI").locator("[data-testid=stMetricValue]").first
    assert -0.5 <= float(ari.inner_text()) <= 1.0

    go(page, "Export")
    page.locator(".st-key-export-report button").first.wait_for()
    files = {
        name: saved(page, page.locator(f".st-key-export-{name.replace('.', '-')} button").first, tmp_path)
        for name in ("taxonomy.csv", "assignments.csv", "assignments.parquet", "receipt.json")
    }
    report = saved(page, page.locator(".st-key-export-report button").first, tmp_path)
    shot(page, "journey-4-export")
    check_tables(files, workspace)
    check_report(offline_page(report), report)

    balance_exactly(page, workspace)
    weigh(page, workspace)
    assert check_files(save_files(page, tmp_path), workspace).startswith(f"{CLUSTERS} weights")
    assert page.outside == []
    assert [error for error in page.errors if "404" not in error] == []
    assert "Traceback" not in served.log()


def check_tables(files: dict[str, Path], workspace: Workspace) -> None:
    """The tables hold what the workspace holds, the new name included."""
    taxonomy = workspace.taxonomy()
    table = pd.read_csv(files["taxonomy.csv"])
    assert list(table["cluster_id"]) == [c.number for c in taxonomy.clusters]
    assert list(table["documents"]) == [c.documents for c in taxonomy.clusters]
    assert f"'{NAME}" in list(table["label"])  # no spreadsheet runs it
    with files["taxonomy.csv"].open(newline="", encoding="utf-8") as file:
        assert len(list(csv.DictReader(file))) == CLUSTERS
    rows, arrow = pd.read_csv(files["assignments.csv"]), pd.read_parquet(files["assignments.parquet"])
    assert list(rows["id"]) == list(arrow["id"]) == [f"note {i}" for i in range(ROWS)]
    assert list(rows["cluster_id"]) == list(arrow["cluster_id"]) == list(taxonomy.documents["cluster_id"])
    assert NAME in set(arrow["label"])
    receipt = json.loads(files["receipt.json"].read_text(encoding="utf-8"))
    assert taxonomy.taxonomy_hash in json.dumps(receipt)


def check_report(page: Any, report: Path) -> None:
    """The report opens from the disk, without a server and without asking anybody, and says the new name."""
    page.get_by_text(NAME).first.wait_for(state="attached")
    page.wait_for_timeout(1500)
    assert page.locator("b").get_by_text("rivers", exact=True).count() == 0  # the name made no bold word of its own
    assert [url for url in page.requested_urls if not url.startswith(("data:", "blob:"))] == [report.as_uri()]
    assert page.errors == []
    shot(page, "journey-5-report")

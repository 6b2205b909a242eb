"""A person holds the clusters against k-means, sees the flows and the figures, and reads a document that moved."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from gem_core.pipeline import edit
from gem_core.pipeline.compare.comparison import compare, headline
from gem_core.pipeline.editing.operations import Rename
from gem_core.workspace import Workspace
from tests.helpers.pages import ready, until

pytestmark = pytest.mark.browser
HOSTILE = '<img src=x onerror="document.title=1">'


@pytest.fixture
def workspace(built_sample: Path, tmp_path: Path) -> Workspace:
    shutil.copytree(built_sample, tmp_path / "corpus")
    workspace_copy = Workspace(tmp_path / "corpus")
    edit(workspace_copy, Rename("cluster", workspace_copy.taxonomy().clusters[0].number, HOSTILE))
    return workspace_copy


def figure(page: Any, name: str) -> str:
    return page.locator("[data-testid=stMetric]", has_text=name).locator("[data-testid=stMetricValue]").inner_text()


def test_against_k_means(serve: Any, browser_page: Any, workspace: Workspace) -> None:
    page = browser_page(f"{serve('app/main.py', '--workspace', str(workspace.root)).url}/compare")
    page.wait_for_selector(".st-key-compare_sankey .sankey", timeout=120_000)
    ready(page)
    page.locator(".st-key-compare_b").get_by_role("combobox").click()
    page.get_by_role("option", name="k-means", exact=True).click()
    until(lambda: (workspace.root / "studies" / "groupings").is_dir())
    until(
        lambda: (
            page.get_by_text("of documents in matched groups").count() == 1
            and "k-means" in page.get_by_text("of documents in matched groups").inner_text()
        )
    )
    ready(page)
    comparison = compare(workspace, "present", "kmeans")
    assert page.get_by_text(headline(comparison), exact=True).count() == 1
    until(lambda: "b=kmeans" in page.evaluate("location.search"), "the address holds the comparison")
    until(lambda: figure(page, "ARI") == f"{comparison.ari:.3f}")
    assert figure(page, "NMI") == f"{comparison.nmi:.3f}"
    assert figure(page, "Documents moved") == f"{len(comparison.moved_rows):,}"
    until(lambda: page.locator(".st-key-compare_sankey .sankey-node").count() >= 24)
    labels = page.locator(".st-key-compare_sankey .sankey-node").all_text_contents()
    assert any("<img src=x" in label for label in labels)  # as text
    assert page.locator(".st-key-compare_overlap .heatmaplayer").count() == 1

    ready(page)
    page.locator(".st-key-compare_documents tbody tr").first.click()
    row = int(comparison.moved_rows[0])
    until(lambda: page.locator(".st-key-compare_close").count() == 1)
    opening = " ".join(workspace.texts([row])[0].split())[:60]
    until(lambda: opening in " ".join(page.locator(".st-key-compare_moving").inner_text().split()))
    assert "→ k-means:" in page.locator(".st-key-compare_moving").inner_text()
    assert page.title() != "1"
    assert page.outside == []
    assert not [text for text in page.errors if "404" not in text]

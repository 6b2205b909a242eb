"""A person distills a student, reads a disagreement, takes the student away and labels a folder with it."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gem_core.pipeline.labeling.completion_markers import bookkeeping
from gem_core.pipeline.student.registry import saved_students
from gem_core.student import load_student
from gem_core.workspace import Workspace
from tests.helpers.cli_process import wait_for
from tests.helpers.pages import ready

pytestmark = pytest.mark.browser


def test_from_the_button_to_a_labelled_folder(
    serve: Any,
    browser_page: Any,
    built_sample: Path,
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "first-visit-done").touch()
    shutil.copytree(built_sample, tmp_path / "corpus")
    workspace = Workspace(tmp_path / "corpus")
    served = serve("app/main.py", "--workspace", str(workspace.root), env={"GEM_EXPLORER_HOME": str(home)})
    page = browser_page(f"{served.url}/student")
    page.locator(".st-key-student-start-first").get_by_role("button").click()
    heading = page.get_by_role("heading", name="Agrees with the taxonomy on")
    heading.wait_for(timeout=120_000)  # it comes by itself when the job has ended
    (student,) = saved_students(workspace)
    assert f"{100 * student.report.agreement:.1f}% of {student.report.test} held-out documents" in heading.inner_text()
    ready(page)
    cells = page.locator(".st-key-student-matrix .heatmaplayer image")
    cells.wait_for(state="attached")
    reading = page.locator(".st-key-student-text-wrong")
    reading.scroll_into_view_if_needed()
    assert workspace.texts([student.report.pairs[0].rows[0]])[0][:60] in reading.inner_text()

    with page.expect_download() as fetched:
        page.locator(".st-key-student-zip").get_by_role("button").click()
    fetched.value.save_as(tmp_path / "student.zip")
    with zipfile.ZipFile(tmp_path / "student.zip") as archive:
        archive.extractall(tmp_path)
    assert load_student(tmp_path / "student").hash == student.report.student_hash

    (tmp_path / "pool").mkdir()
    pd.DataFrame({"text": list(workspace.all_texts())}).to_parquet(tmp_path / "pool" / "part.parquet")
    ready(page)
    page.get_by_text("Label a folder", exact=True).first.click()
    page.locator(".st-key-student-in input").fill(str(tmp_path / "pool"))
    page.locator(".st-key-student-in input").press("Enter")
    page.locator(".st-key-student-out input").fill(str(tmp_path / "labelled"))
    page.locator(".st-key-student-out input").press("Enter")
    page.get_by_text("1 shard,").wait_for()
    ready(page)
    page.locator(".st-key-student-label-start").get_by_role("button").click()
    wait_for((bookkeeping(tmp_path / "labelled") / "totals.json").exists, 240)
    page.get_by_text("1 of 1 shards labeled.").wait_for(timeout=60_000)
    with page.expect_download() as fetched:
        page.locator(".st-key-student-totals-csv").get_by_role("button").click()
    fetched.value.save_as(tmp_path / "totals.csv")
    totals = pd.read_csv(tmp_path / "totals.csv")
    labelled = pd.read_parquet(tmp_path / "labelled" / "part.parquet")
    counted = labelled["gem_cluster"].value_counts()
    assert {n: c for n, c in zip(totals["cluster_id"], totals["documents"], strict=True) if c} == counted.to_dict()
    assert page.outside == []
    assert not [text for text in page.errors if "404" not in text]

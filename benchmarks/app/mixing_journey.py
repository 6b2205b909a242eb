"""A person turns a file of documents into a 10B-token mix: upload, names, two edits, balance, weights, files.

    python -m benchmarks.app.mixing_journey DOCUMENTS.parquet [--clusters 24]

The file has no vectors, so the workspace embeds it in the background. Prints the seconds of each part and ends at the
first thing that differs: the four weight files must agree with each other and with what the command line writes.
"""

import argparse
import csv
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from benchmarks._harness import COMMAND, READY, app_server, browser, machine
from gem_core.workspace import Workspace

PATIENCE = 1500.0  # seconds for the longest part, embedding on a busy machine
BUDGET, MAX_EPOCHS = 1e10, 4.0
FILES = ("csv", "regmix", "doremi", "weborganizer")


def wait_until(condition: Callable[[], Any], what: str) -> None:
    """Wait for a job or a workspace."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"not within {PATIENCE:g} s: {what}"
        time.sleep(0.2)


def settle(page: Any) -> None:
    """Wait until no script runs, and a moment longer, so that the page has what it drew."""
    page.wait_for_timeout(200)
    page.wait_for_function(READY)


def go(page: Any, screen: str) -> None:
    """Follow a link of the navigation."""
    page.get_by_test_id("stTopNavLink").filter(has_text=screen).first.click()
    page.wait_for_url(f"**/{screen.lower()}*")
    settle(page)


def upload(page: Any, source: Path, folder: Path, clusters: int) -> Workspace:
    """Upload a file on Corpus, create its workspace and open it when the job has ended."""
    go(page, "Corpus")
    page.locator("input[type=file]").first.set_input_files(str(source))
    page.get_by_text("Embedding time").wait_for()
    field = page.get_by_role("spinbutton", name="Clusters")
    field.fill(str(clusters))
    field.press("Enter")
    settle(page)
    page.get_by_role("button", name="Create workspace").click()
    page.get_by_text(f"documents in {clusters} clusters").wait_for()
    settle(page)
    page.get_by_role("button", name="Open workspace").last.click()
    page.locator("canvas[role=application]").wait_for()
    settle(page)
    return Workspace(folder)


def rename_and_merge(page: Any, workspace: Workspace, name: str) -> None:
    """Open the largest cluster from the list, rename it, then merge it with the cluster most like it."""
    taxonomy = workspace.taxonomy()
    largest = max(taxonomy.clusters, key=lambda cluster: (cluster.documents, -cluster.number))
    page.locator(".st-key-panel_clusters tbody tr").first.click()
    field = page.get_by_role("textbox", name="Name", exact=True)
    field.wait_for()
    assert field.input_value() == largest.label, (field.input_value(), largest.label)
    settle(page)
    field.fill(name)
    page.get_by_role("button", name="Rename").click()
    wait_until(lambda: workspace.taxonomy().cluster(largest.number).label == name, "the cluster has its name")
    settle(page)
    page.get_by_role("button", name="Merge", exact=True).first.click()
    page.get_by_role("button", name="Merge clusters").click()
    wait_until(lambda: len(workspace.taxonomy().clusters) == len(taxonomy.clusters) - 1, "two clusters are one")
    settle(page)
    assert workspace.taxonomy().cluster(largest.number).label == name


def balance_exactly(page: Any, workspace: Workspace) -> None:
    """Preview exact balance on Balance and apply it; the applied shares are those of the preview."""
    go(page, "Balance")
    page.get_by_role("button", name="Exact", exact=True).click()
    figure = page.locator("[data-testid=stMetric]", has_text="Largest").locator("[data-testid=stMetricValue]")
    apply = page.locator(".st-key-balance-apply").get_by_role("button")
    apply.wait_for()
    page.get_by_text("preview, strength exact").first.wait_for()
    settle(page)
    previewed = figure.inner_text()
    apply.click()
    wait_until(lambda: workspace.taxonomy().settings.strength == float("inf"), "the balance is applied")
    page.get_by_text("No changes.").wait_for()
    settle(page)
    assert figure.inner_text() == previewed, (figure.inner_text(), previewed)


def weigh(page: Any, workspace: Workspace) -> None:
    """Set a budget of 10B tokens, a pool that it needs more than once, four epochs, and temperature weights."""
    go(page, "Mixing")
    tokens = sum(cluster.tokens for cluster in workspace.taxonomy().clusters)
    for label, value in (
        ("Token budget", "10B"),
        ("Pool size", f"x{5e9 / tokens:.0f}"),
        ("Max epochs", f"{MAX_EPOCHS:g}"),
    ):
        field = page.get_by_label(label, exact=True)
        field.fill(value)
        field.press("Enter")
        settle(page)
    page.locator(".stRadio").get_by_text("Temperature", exact=True).click()
    page.locator(".st-key-mixing-tau").get_by_role("slider").wait_for()
    settle(page)


def save_files(page: Any, folder: Path) -> dict[str, Path]:
    """Save the four weight files of Mixing."""
    files = {}
    for form in FILES:
        with page.expect_download() as waiting:
            page.locator(f".st-key-mixing-{form}").get_by_role("button").click()
        files[form] = folder / str(waiting.value.suggested_filename)
        waiting.value.save_as(files[form])
    return files


def written_command(page: Any) -> str:
    """Return the command that writes the weights, as Mixing shows it."""
    page.locator(".st-key-mixing-commands summary").click()
    code = page.locator(".st-key-mixing-commands code")
    code.wait_for()
    return str(code.inner_text()).splitlines()[0]


def check_files(files: dict[str, Path], workspace: Workspace) -> str:
    """Hold the four files against each other; return what they agree on."""
    with files["csv"].open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["weight"]]
    weights = [float(row["weight"]) for row in rows]
    regmix = yaml.safe_load(files["regmix"].read_text(encoding="utf-8"))
    doremi = json.loads(files["doremi"].read_text(encoding="utf-8"))
    weborganizer = json.loads(files["weborganizer"].read_text(encoding="utf-8"))
    taxonomy = workspace.taxonomy()
    assert [int(row["cluster_id"]) for row in rows] == [cluster.number for cluster in taxonomy.clusters]
    assert {row["taxonomy_hash"] for row in rows} == {regmix["taxonomy_hash"]} == {taxonomy.taxonomy_hash}
    assert weights == list(regmix["train"].values()) == list(doremi["train_domain_weights"].values())
    assert weights == [row["weight"] for row in weborganizer]
    assert abs(sum(weights) - 1) < 1e-9, sum(weights)
    epochs = [float(row["epochs"]) for row in rows]
    assert max(epochs) <= MAX_EPOCHS + 1e-9, max(epochs)
    return f"{len(rows)} weights, at most {max(epochs):.2f} epochs of the pool, {BUDGET:.0e} tokens; 4 files agree"


def check_command(file: Path, command: str, folder: Path) -> str:
    """Hold the CSV file against what the command writes that Mixing shows."""
    arguments = command.removeprefix("gem-explorer ").replace("weights.csv", str(folder / "command.csv"))
    subprocess.run(["/bin/sh", "-c", 'exec "$0" "$@" ' + arguments, *COMMAND], check=True, capture_output=True)
    assert (folder / "command.csv").read_bytes() == file.read_bytes(), "the command writes the same file"
    return "the command writes the same CSV file"


def make_mix(page: Any, source: Path, root: Path, folder: Path, clusters: int) -> Iterator[str]:
    """Do the journey on an open page; yield what each part came to."""
    workspace = upload(page, source, root, clusters)
    labels = [cluster.label for cluster in workspace.taxonomy().clusters]
    assert all(labels)
    assert len(set(labels)) == clusters
    yield f"uploaded, embedded, clustered: {len(workspace):,} documents, {clusters} clusters, all named"
    rename_and_merge(page, workspace, "A name typed by hand")
    yield "renamed, merged"
    balance_exactly(page, workspace)
    yield "balanced"
    weigh(page, workspace)
    files = save_files(page, folder)
    yield check_files(files, workspace)
    yield check_command(files["csv"], written_command(page), folder)


def main() -> None:
    """Read the command line and do the journey in Chromium."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("documents", type=Path)
    parser.add_argument("--clusters", type=int, default=24)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, browser() as chromium:
        folder = Path(name)
        (folder / "home").mkdir()
        (folder / "home" / "first-visit-done").touch()
        with app_server(home=folder / "home") as server:
            page = chromium.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True).new_page()
            page.set_default_timeout(1000 * PATIENCE)
            page.goto(server.url)
            page.locator("canvas[role=application]").wait_for()
            print(machine())
            root, began = folder / "home" / options.documents.stem, time.perf_counter()
            for text in make_mix(page, options.documents, root, folder, options.clusters):
                print(f"{time.perf_counter() - began:6.1f} s  {text}", flush=True)


if __name__ == "__main__":
    main()

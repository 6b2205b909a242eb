"""The report: whole, the same every time, small, and deaf to what a corpus says."""

import base64
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gem_core._formatting import clean
from gem_core.errors import Cancelled
from gem_core.export import report_html, write_report
from gem_core.export.figures import FIGURES, figure_svg
from gem_core.export.report.comparison_section import comparison_section
from gem_core.export.report.label_breakdown import label_breakdown
from gem_core.export.report.points import pack, thin
from gem_core.export.report.svg_chart import path_chart
from gem_core.pipeline import Merge, Rename, edit
from gem_core.pipeline.compare.comparison import compare
from gem_core.workspace import Workspace
from tests.helpers.cli_process import facts, refusal, run
from tests.helpers.hostile_corpus import hostile_workspace


class Page(HTMLParser):
    """Elements with their attributes, and the text inside each script, style and article."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inside: list[str] = []
        self.texts: dict[str, list[str]] = {"script": [], "style": [], "words": []}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.inside.append(tag)
        if tag in ("script", "style"):
            self.texts[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        where = self.inside[-1] if self.inside else ""
        if where in ("script", "style"):
            self.texts[where][-1] += data
        else:
            self.texts["words"].append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def data_of(page: Page) -> Any:
    scripts = page.all("script")
    at = next(index for index, attributes in enumerate(scripts) if attributes.get("id") == "data")
    return json.loads(page.texts["script"][at])


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return hostile_workspace(tmp_path_factory.mktemp("hostile") / "corpus")


@pytest.fixture(scope="module")
def hostile_text(hostile: Workspace) -> str:
    return report_html(hostile, hostile.taxonomy())


@pytest.fixture(scope="module")
def sample_text(built_sample: Path) -> str:
    workspace = Workspace(built_sample)
    return report_html(workspace, workspace.taxonomy())


def test_every_part_is_there_and_says_what_the_taxonomy_says(built_sample: Path, sample_text: str) -> None:
    workspace = Workspace(built_sample)
    taxonomy = workspace.taxonomy()
    page = Page(sample_text)
    ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    assert {"map", "tree", "balance", "measures", "clusters", "receipt", "data"} <= ids
    words = " ".join(page.texts["words"])
    for cluster in taxonomy.clusters:
        assert f"cluster-{cluster.number}" in ids
        assert cluster.label in words
        assert f"{cluster.documents:,}" in words
        opening = clean(workspace.texts([cluster.exemplars[0]])[0], 260)
        assert opening in words
        assert len(opening) <= 260
    assert taxonomy.taxonomy_hash in words
    assert "gem-explorer fit" in words
    assert "Silhouette" in words
    assert "Agreement with the labels" in words


def test_labels_of_every_cluster_are_listed_with_their_shares(built_sample: Path, sample_text: str) -> None:
    workspace = Workspace(built_sample)
    taxonomy = workspace.taxonomy()
    labels = label_breakdown(workspace, taxonomy)
    assert labels is not None
    first = taxonomy.cluster(taxonomy.groups[0].children[0])
    values = workspace.documents["subject"][taxonomy.documents["cluster_id"].to_numpy() == first.number].value_counts()
    name, documents, shares = labels.rows[0]
    assert (name, documents) == (first.label, str(first.documents))
    assert shares.startswith(f"{values.index[0]} {100 * values.iloc[0] / first.documents:.1f}%")
    assert len(labels.rows) == len(taxonomy.clusters)
    assert labels.title in sample_text
    assert 'href="#labels"' in sample_text


def test_the_points_are_the_documents_of_each_cluster_in_their_places(built_sample: Path, sample_text: str) -> None:
    workspace = Workspace(built_sample)
    taxonomy, data = workspace.taxonomy(), data_of(Page(sample_text))
    assert data["points"]["counts"] == [c.documents for c in taxonomy.clusters]
    angles = np.frombuffer(base64.b64decode(data["points"]["sphere"]), "<i2").reshape(-1, 2) / 65535.0
    longitude, latitude = 2 * np.pi * angles[:, 0], np.pi * angles[:, 1]
    sent = np.stack((np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)), 1)
    rows = np.argsort(taxonomy.positions, kind="stable")
    assert np.abs(sent - workspace.sphere[rows]).max() < 2e-4
    for index, cluster in enumerate(taxonomy.clusters):
        cluster_data = data["clusters"][index]
        assert cluster_data["number"] == cluster.number
        assert [int(rows[point]) for point in cluster_data["exemplars"]] == list(cluster.exemplars[:6])


def test_no_document_is_there_as_a_whole(built_sample: Path, sample_text: str) -> None:
    for text in Workspace(built_sample).all_texts():
        assert clean(text, 10_000)[260:400] not in sample_text or len(clean(text, 10_000)) <= 261


def test_the_same_taxonomy_gives_the_same_bytes(hostile: Workspace, hostile_text: str) -> None:
    assert report_html(Workspace(hostile.root), Workspace(hostile.root).taxonomy()) == hostile_text


def test_the_report_compares_with_the_label_column_and_carries_every_figure(
    built_sample: Path, sample_text: str
) -> None:
    workspace = Workspace(built_sample)
    taxonomy = workspace.taxonomy()
    section = comparison_section(workspace, taxonomy)
    assert section is not None
    expected = compare(workspace, "present", "column:subject")
    name, groups, ari, nmi, stay, matched = section.rows[0]
    assert (name, groups) == (expected.b.title, str(len(expected.b.names)))
    assert (ari, nmi, stay) == (f"{expected.ari:.3f}", f"{expected.nmi:.3f}", f"{100 * expected.stay:.1f}%")
    assert matched == f"{int((expected.jaccard.max(axis=1) >= 0.5).sum())} of {len(taxonomy.clusters)}"
    assert section.stability == ()  # no study was run
    files = {str(a["download"]): str(a["href"]) for _, a in Page(sample_text).elements if "download" in a}
    assert set(files) == {f"{what}.svg" for what in FIGURES}
    svg = base64.b64decode(files["shares.svg"].partition(",")[2]).decode()
    assert svg == figure_svg(workspace, taxonomy, "shares")


def test_hostile_text_makes_no_element_and_no_attribute(hostile_text: str, sample_text: str) -> None:
    page, plain = Page(hostile_text), Page(sample_text)
    of_edits = {"b", "time"}  # marks of a cluster, times of steps
    assert {tag for tag, _ in page.elements} <= {tag for tag, _ in plain.elements} | of_edits
    assert len(page.all("script")) == len(plain.all("script")) == 2
    assert len(page.all("style")) == len(page.all("body")) == 1
    for tag, attributes in page.elements:
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            assert name not in ("src", "action", "formaction", "srcset", "poster", "background", "style"), (tag, name)
            if name in ("href", "xlink:href"):
                assert value is not None
                assert value.startswith(("#", "data:image/svg+xml;base64,")), (tag, value)
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', hostile_text)
    assert data is not None
    assert not {"<", ">", "&", "\u2028", "\u2029"} & set(data[1])
    words = " ".join(page.texts["words"])
    assert "</script ><img src=x onerror=alert(1)>" in words
    assert "javascript:alert(1)" in words


def test_nothing_outside_can_be_asked_for(hostile_text: str, sample_text: str) -> None:
    for text in (hostile_text, sample_text):
        page = Page(text)
        policy = next(a["content"] for a in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
        assert policy is not None
        rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
        assert rules["default-src"] == "'none'"
        assert rules["img-src"] == "data:"
        assert rules["script-src"].startswith("'sha256-")
        assert "unsafe" not in policy
        for code in (*page.texts["style"], page.texts["script"][-1]):
            assert not re.search(r"https?:|//[a-z]+\.|url\(|@import|\bfetch\b|XMLHttpRequest|\bimport\b", code)
        assert not {"link", "iframe", "object", "embed", "img", "base", "form", "video", "audio"} & {
            tag for tag, a in page.elements if not (tag == "link" and str(a.get("href")).startswith("data:"))
        }


def test_control_and_direction_characters_are_gone(hostile_text: str) -> None:
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]", hostile_text)


def test_long_lines_stay_short(hostile_text: str) -> None:
    assert len(hostile_text) < 300_000
    assert "A" * 261 not in hostile_text


def test_the_history_is_told_and_excluded_clusters_count_for_nothing(hostile: Workspace, hostile_text: str) -> None:
    page = Page(hostile_text)
    words = " ".join(page.texts["words"])
    for step in hostile.history().steps[1:]:
        assert clean(step.sentence, 400) in words
    out = next(c for c in hostile.taxonomy().clusters if c.excluded)
    cluster_data = next(c for c in data_of(page)["clusters"] if c["number"] == out.number)
    assert (cluster_data["documents"], cluster_data["tokens"], cluster_data["mass"]) == (0, 0, 0)
    assert sum(c["mass"] for c in data_of(page)["clusters"]) == pytest.approx(1, abs=1e-5)


def test_numbers_with_gaps_are_no_places(sample: Workspace) -> None:
    numbers = [c.number for c in sample.taxonomy().clusters]
    merged = edit(sample, Merge((numbers[0], numbers[2])))
    missing_number = next(n for n in numbers if not merged.has(n))
    edit(sample, Rename("cluster", numbers[-1], "The last of them"))
    page = Page(report_html(sample, sample.taxonomy()))
    data = data_of(page)
    assert missing_number not in [c["number"] for c in data["clusters"]]
    assert sorted(index for group in data["groups"] for index in group["children"]) == list(range(len(numbers) - 1))
    last = next(c for c in data["clusters"] if c["number"] == numbers[-1])
    assert last["label"] == "The last of them"
    assert data["points"]["counts"] == [c.documents for c in sample.taxonomy().clusters]


def test_a_sample_keeps_small_clusters_and_every_exemplar(built_sample: Path) -> None:
    workspace = Workspace(built_sample)
    taxonomy = workspace.taxonomy()
    points = pack(workspace, taxonomy, limit=200)
    exemplar_rows = {row for c in taxonomy.clusters for row in c.exemplars}
    assert exemplar_rows <= set(points.rows.tolist())
    assert len(points.rows) <= 200
    assert min(points.packed["counts"]) > 0
    for c in taxonomy.clusters:
        assert [int(points.rows[index]) for index in points.places(c.exemplars)] == list(c.exemplars)
    groups = np.repeat(np.arange(4, dtype=np.int32), (90_000, 9_000, 900, 9))
    group_counts = np.bincount(groups[thin(groups, 5_000)])
    assert group_counts[3] == 9
    assert 4_990 <= group_counts.sum() <= 5_000
    assert group_counts[1] / group_counts[0] > 0.25  # in proportion to roots: 0.32, not to sizes: 0.1


def test_the_chart_shows_the_path(built_sample: Path) -> None:
    workspace = Workspace(built_sample)
    taxonomy = workspace.taxonomy()
    chart = path_chart(workspace, taxonomy)
    assert chart is not None
    path = taxonomy.path
    assert len(chart.rows) == len(path.strengths) == len(chart.bands)
    assert f"{100 * path.largest[0]:.1f}%" in chart.title
    assert f"{100 * taxonomy.fit.masses.max():.1f}%" in chart.title
    largest = next(line for line in chart.lines if line.name == "largest mass")
    heights = np.array([y for _, y in largest.points])
    slope, start = np.polyfit(path.largest, heights, 1)
    assert slope < 0  # the drawing counts from the top
    assert np.abs(start + slope * path.largest - heights).max() < 0.11  # drawn to a tenth of a pixel
    assert [x for x, _ in largest.points] == sorted(x for x, _ in largest.points)


def test_a_taxonomy_without_a_path_says_so(sample: Workspace, tmp_path: Path) -> None:
    (sample.taxonomy().folder / "path.npz").unlink()
    result = facts(run("report", sample.root, "--out", tmp_path / "report.html", "--json"))
    text = Path(result["file"]).read_text(encoding="utf-8")
    assert result["bytes"] == len(text.encode())
    assert "Balance path: not computed" in text


def test_the_command_tells_its_progress_and_refuses_in_three_parts(built_sample: Path, tmp_path: Path) -> None:
    completed = run("report", built_sample, "--out", tmp_path / "r.html")
    assert completed.returncode == 0, completed.stderr
    assert "write the report: 6 of 6" in completed.stderr
    assert completed.stdout.startswith(str(tmp_path / "r.html"))
    refusal(run("report", tmp_path / "nothing", "--out", tmp_path / "r2.html"))
    assert not (tmp_path / "r2.html").exists()


def test_cancelling_leaves_the_old_report(built_sample: Path, tmp_path: Path) -> None:
    (tmp_path / "r.html").write_text("old")

    def stop(step: str, completed: int, total: int) -> None:
        if completed > 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        write_report(Workspace(built_sample), tmp_path / "r.html", progress=stop)
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"]
    assert (tmp_path / "r.html").read_text() == "old"


def test_twenty_four_thousand_documents_take_less_than_300_kb(built_sample: Path) -> None:
    workspace = Workspace(built_sample)
    text = pack(workspace, workspace.taxonomy()).packed["sphere"]
    assert len(text) / len(workspace) * 24_000 < 300_000

"""Explore and the pieces under it: one selection drives map, panel and strip."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from app.data import map_data
from app.ui.text import escape, plain
from app.views.explore.histogram import histogram
from gem_core._formatting import decimal
from gem_core.export.figures.treemap import Tile, squarify_tiles
from gem_core.workspace import Workspace
from tests.helpers.screen import APP, opened, row_list, table, words


def test_the_overview_lists_every_cluster_with_its_share(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(sample.root, monkeypatch)
    clusters = sample.taxonomy().clusters
    cluster_table = table(app, "panel_clusters")
    assert list(cluster_table["Documents"]) == sorted((c.documents for c in clusters), reverse=True)
    assert cluster_table["Share"].sum() == pytest.approx(1)
    assert f"{len(sample):,} documents" in words(app)


def test_the_filter_looks_at_labels_groups_and_keywords(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(sample.root, monkeypatch)
    last_cluster = sample.taxonomy().clusters[-1]
    app.text_input(key="panel_filter").set_value(f"  {last_cluster.label.upper()} ").run()
    assert last_cluster.label in list(table(app, "panel_clusters")["Cluster"])
    app.text_input(key="panel_filter").set_value("no such label").run()
    assert row_list(app, "panel_clusters") is None
    assert "Clear the filter" in words(app)


def test_a_cluster_then_a_document_then_back(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(sample.root, monkeypatch)
    taxonomy = sample.taxonomy()
    session = app.session_state["session"]
    session.select(None, 3)
    app.run()
    cluster = taxonomy.clusters[3]
    exemplar_table = table(app, "exemplars_3")
    assert list(exemplar_table["GIS"]) == pytest.approx(
        [round(float(taxonomy.documents["gis"].iloc[row]), 3) for row in cluster.exemplars], abs=1e-3
    )
    assert {"Confidence", "Centrality", "Density"} <= set(exemplar_table.columns)
    row = cluster.exemplars[1]
    session.open_document(row)
    app.run()
    assert sample.texts([row])[0] in words(app)
    app.button(key="panel_back").click().run()
    assert (session.row, session.cluster) == (None, 3)
    app.button(key="panel_back").click().run()
    assert session.cluster is None


def test_search_lists_what_it_finds_and_says_when_nothing(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(sample.root, monkeypatch)
    word = max(sample.texts([0])[0].split(), key=len).strip(".,;:!?'\"()")
    rows = sample.search(word)
    app.text_input(key="explore_query").set_value(word).run()
    assert len(table(app, "found_documents")) == min(len(rows), 200) > 0
    app.text_input(key="explore_query").set_value("qqqqzzzz").run()
    assert "No document contains all these words" in words(app)


@pytest.mark.parametrize("view", ["Sphere", "Flat map"])
def test_every_colouring_draws(sample: Workspace, monkeypatch: pytest.MonkeyPatch, view: str) -> None:
    app = opened(sample.root, monkeypatch)
    app.button_group(key="explore_view").set_value(view).run()
    for choice in map_data.choices(sample):
        app.selectbox[0].set_value(choice).run()
        assert not app.exception, choice


def test_a_numeric_color_scale_runs_over_the_chosen_range(sample: Workspace) -> None:
    tokens = sample.documents["tokens"].to_numpy(float)
    middle = float(np.median(tokens))
    coloring = map_data.color_by("Length", sample, sample.taxonomy(), (1.0, middle))
    assert coloring.legend is not None
    assert coloring.legend[1:] == ("1", f"{middle:,.0f}")
    assert coloring.values is not None
    assert (coloring.values[tokens >= middle] == 1.0).all()
    assert (coloring.values[tokens < middle] < 1.0).all()


def test_the_range_slider_is_there_for_numbers_only(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(sample.root, monkeypatch)
    sliders = lambda: [s for s in app.select_slider if str(s.key).startswith("explore_range")]  # noqa: E731
    assert not sliders()
    app.selectbox[0].set_value("GIS").run()
    (slider,) = sliders()
    low, high = slider.value
    slider.set_value((low, slider.value[1])).run()
    assert not app.exception
    assert low < high


def test_a_histogram_counts_every_value_and_those_selected() -> None:
    values = np.array([1.0, 2.0, 2.0, 3.0, np.nan, 1000.0])
    edges, every, selected = histogram(values, np.array([True, False, True, False, True, False]))
    assert edges[0] == 1.0
    assert edges[-1] == 1000.0
    assert np.allclose(np.diff(np.log(edges)), np.log(edges[1] / edges[0])), "a long tail has a logarithmic axis"
    assert (every.sum(), selected.sum()) == (5, 2)
    assert np.allclose(np.diff(histogram(np.array([1.0, 2.0, 3.0]))[0]), 2 / 48)


def test_first_paint_imports_nothing_heavy(built_sample: Path) -> None:
    code = (
        f"import sys; sys.argv = ['main.py', '--workspace', {str(built_sample)!r}]\n"
        "from streamlit.testing.v1 import AppTest\n"
        f"app = AppTest.from_file({str(APP / 'main.py')!r}, default_timeout=60).run()\n"
        "assert not app.exception, app.exception\n"
        "print(sorted({'torch', 'umap', 'faiss', 'sklearn', 'sentence_transformers', 'numba'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip().splitlines()[-1] == "[]"


def test_thinning_keeps_small_clusters_and_the_limit() -> None:
    groups = np.repeat(np.arange(4), [90_000, 9_000, 900, 90]).astype(np.int32)
    rows = map_data.thin(groups, 10_000)
    group_counts = np.bincount(groups[rows])
    # all 90 of the smallest; the others share 9,910 places as sqrt(90,000) : sqrt(9,000) : sqrt(900)
    assert list(group_counts) == [6997, 2212, 699, 90]
    assert group_counts[1] / group_counts[0] > 0.2 > 9_000 / 90_000
    assert np.array_equal(rows, np.unique(rows))
    assert np.array_equal(rows, map_data.thin(groups, 10_000))
    assert np.array_equal(map_data.thin(groups, 200_000), np.arange(99_990))


def test_names_stand_in_the_densest_part() -> None:
    rng = np.random.default_rng(0)
    dense = np.array([1.0, 0, 0]) + 0.02 * rng.normal(size=(60, 3))
    away = np.array([0.0, 0, -1]) + 0.02 * rng.normal(size=(25, 3))
    points = np.concatenate([dense, away])
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    anchor_rows = map_data.anchors(points.astype(np.float32), np.zeros(85, np.int32), 2)
    assert anchor_rows[0] @ [1, 0, 0] > 0.999
    assert np.isnan(anchor_rows[1]).all()


def test_tiles_fill_their_frame_in_proportion() -> None:
    frame = Tile(10, 20, 300, 200)
    sizes = [6.0, 6, 4, 3, 2, 2, 1, 0]
    tiles = squarify_tiles(sizes, frame)
    areas = [t.width * t.height for t in tiles]
    assert areas == pytest.approx([60_000 * s / 24 for s in sizes])
    assert all(t.x >= 10 - 1e-9 and t.x + t.width <= 310 + 1e-6 and t.y + t.height <= 220 + 1e-6 for t in tiles)
    assert max(max(t.width / t.height, t.height / t.width) for t in tiles[:-1]) < 3.2
    assert squarify_tiles([0.0, 0.0], frame)[0].width == 0


def test_hostile_text_is_only_text() -> None:
    assert escape("**a** [x](b) $y$ :tada:") == r"\*\*a\*\* \[x\]\(b\) \$y\$ \:tada\:"
    joiner = "\u2060"  # or Markdown makes a link of it
    assert escape("http://e.org www.e.org a@e.org") == (
        rf"http{joiner}\:\/\/e\.org www{joiner}\.e\.org a{joiner}\@e\.org"
    )
    assert plain("<b>a</b>\n& c") == "&lt;b&gt;a&lt;/b&gt; &amp; c"
    assert decimal(-0.001) == "0.00"

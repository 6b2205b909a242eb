"""Compare: what is chosen is compared, what is claimed is what the core says, and hostile names stay text."""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app.views.balance.draft import BalanceDraft
from gem_core.pipeline import edit
from gem_core.pipeline.compare.cluster_counts import reading, study_counts, summary
from gem_core.pipeline.compare.comparison import compare, headline, partition
from gem_core.pipeline.compare.quality import Quality, quality
from gem_core.pipeline.compare.stability import stability
from gem_core.pipeline.editing.operations import Merge, Rename
from gem_core.workspace import Workspace
from tests.helpers.screen import table

APP = Path(__file__).resolve().parents[2] / "app"


def opened(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, view: str | None = None) -> AppTest:
    monkeypatch.setattr(sys, "argv", ["main.py", "--workspace", str(workspace.root)])
    app = AppTest.from_file(str(APP / "main.py"), default_timeout=120).run()
    app.switch_page("views/compare/page.py").run()
    if view:
        app.segmented_control(key="compare_view").set_value(view).run()
    assert not app.exception
    return app


def figure(app: AppTest, name: str) -> str:
    return next(metric.value for metric in app.metric if metric.label == name)


def all_text(app: AppTest) -> str:
    return "\n".join(str(element.value) for element in (*app.markdown, *app.subheader, *app.caption, *app.text))


def plain_words(text: str) -> str:
    from app.ui.text import escape

    return escape(text)


def test_the_label_column_comes_first_and_k_means_on_request(
    sample: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened(sample, monkeypatch)
    assert app.selectbox(key="compare_b").value == "column:subject"
    app.selectbox(key="compare_b").set_value("kmeans").run()
    assert not app.exception
    comparison = compare(sample, "present", "kmeans")
    assert plain_words(headline(comparison)) in all_text(app)
    assert figure(app, "ARI") == f"{comparison.ari:.3f}"
    assert figure(app, "NMI") == f"{comparison.nmi:.3f}"
    assert figure(app, "Documents moved") == f"{len(comparison.moved_rows):,}"
    document_table = table(app, "compare_documents")
    assert len(document_table) == min(200, len(comparison.moved_rows))
    assert list(document_table["Margin"])[:20] == pytest.approx(
        [float(comparison.a.margin[row]) for row in comparison.moved_rows[:20]]
    )  # type: ignore[index]
    measured = quality(sample, comparison.b)
    assert f"{measured.within_cosine:.3f}" in all_text(app)


def test_one_flow_is_listed_and_a_document_says_where_it_goes(
    sample: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened(sample, monkeypatch)
    comparison = compare(sample, "present", "column:subject")
    app.selectbox(key="compare_flow").select_index(1).run()
    flow = app.selectbox(key="compare_flow").value
    assert flow is not None
    rows = comparison.rows(*flow)
    assert len(table(app, "compare_documents")) == len(rows) >= 1
    app.session_state["session"].open_document(int(rows[0]), tuple(int(row) for row in rows))
    app.run()
    assert not app.exception
    words = all_text(app)
    assert plain_words(comparison.a.names[flow[0]])[:40] in words
    assert f'→ column "subject": {comparison.b.names[flow[1]]}' in words
    assert sample.texts([int(rows[0])])[0][:80] in words


def test_the_same_twice_is_said_and_not_drawn(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(sample, monkeypatch)
    app.selectbox(key="compare_b").set_value("present").run()
    assert not app.exception
    assert "Choose two different groupings" in all_text(app)
    assert not app.metric


def test_sides_change_places(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(sample, monkeypatch)
    app.button(key="compare_swap").click().run()
    assert not app.exception
    assert (app.selectbox(key="compare_a").value, app.selectbox(key="compare_b").value) == ("column:subject", "present")
    assert plain_words(headline(compare(sample, "column:subject", "present"))) in all_text(app)


def test_an_edited_taxonomy_against_the_step_before(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = "<script>alert(1)</script> **x** [y](http://e.org) $a$"
    before = sample.taxonomy()
    numbers = tuple(cluster.number for cluster in before.clusters[2:4])
    edit(sample, Merge(numbers))
    edit(sample, Rename("cluster", sample.taxonomy().clusters[0].number, hostile))
    app = opened(sample, monkeypatch)
    app.selectbox(key="compare_b").set_value(f"step:{before.key}").run()
    assert not app.exception
    comparison = compare(sample, "present", "step:1")
    assert comparison.a.numbers != tuple(range(len(comparison.a.numbers)))  # numbers of an edited taxonomy are sparse
    assert figure(app, "Documents moved") == f"{len(comparison.moved_rows):,}"
    assert len(comparison.moved_rows) == min(before.cluster(number).documents for number in numbers)
    for element in (*app.markdown, *app.caption):
        assert "<script>" not in str(element.value)
        assert "[y](" not in str(element.value)
    assert hostile not in str(app.get("plotly_chart"))


def test_better_is_marked_only_where_it_means_something(sample: Workspace) -> None:
    from app.views.compare.measures import MEASURE_ROWS, better_side

    scores = quality(sample, partition(sample, "present"))

    def against(**change: Any) -> dict[str, int | None]:
        other = Quality(**{**vars(scores), **change})
        return {line.field: better_side(line, scores, other) for line in MEASURE_ROWS}

    assert set(against().values()) == {None}
    assert against(silhouette=scores.silhouette + 0.1)["silhouette"] == 1
    assert against(silhouette=scores.silhouette + 0.1, silhouette_error=0.06)["silhouette"] is None
    assert against(within_cosine=0.9)["within_cosine"] == 1
    assert against(within_cosine=0.9, clusters=13)["within_cosine"] is None  # it rises with their number
    assert against(entropy=0.2, largest=0.9)["entropy"] is None
    assert against(empty=2)["empty"] == 0
    assert against(ari=None)["ari"] is None


def test_stability_shows_what_was_studied(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(sample, monkeypatch, "Stability")
    assert "Stability not measured yet" in all_text(app)
    study = stability(sample, "spherical", seeds=3, resamples=2)
    app = opened(sample, monkeypatch, "Stability")
    mean = study.seeds.summary()
    assert mean is not None
    table = next(frame for frame in app.dataframe if "Mean ARI" in frame.value).value
    assert list(table["Mean ARI"]) == pytest.approx([mean.mean, float(study.resamples.pairs[0, 1])])
    assert list(table["Fits"]) == [3, 2]
    assert f"ARI {mean.mean:.2f}, {mean.low:.2f} to {mean.high:.2f}" in all_text(app)


def test_a_study_starts_as_a_job(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.jobs import runner

    app = opened(sample, monkeypatch, "Stability")
    app.selectbox(key="steady_method").set_value("spherical").run()
    app.number_input(key="steady_seeds").set_value(2).run()
    app.number_input(key="steady_draws").set_value(1).run()
    assert app.button(key="steady_start").disabled  # one resample cannot be compared
    app.number_input(key="steady_draws").set_value(0).run()
    app.button(key="steady_start").click().run()
    assert not app.exception
    job = next(job for job in runner.list_jobs() if job.workspace == str(sample.root))
    study = ("stability", str(sample.root), "--method", "spherical", "--seeds", "2", "--resamples", "0")
    assert job.arguments == (*study, "--against", "kmeans"), "two methods in one run"
    runner.cancel(job)


def test_another_method_on_a_large_corpus_is_a_job(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.jobs import runner
    from app.views.compare import picker

    monkeypatch.setattr(picker, "MAX_INTERACTIVE", 100)
    app = opened(sample, monkeypatch)
    app.selectbox(key="compare_b").set_value("spherical").run()
    assert "**spherical k-means has not been fitted to this corpus yet**" in all_text(app)
    app.button(key="compare_fit").click().run()
    assert not app.exception
    job = next(job for job in runner.list_jobs() if job.workspace == str(sample.root))
    assert job.arguments == ("compare", str(sample.root), "--with", "spherical")
    end = time.monotonic() + 120
    while not runner.status(job).ended:
        assert time.monotonic() < end
        time.sleep(0.2)
    app.run()
    assert figure(app, "ARI") == f"{compare(sample, 'present', 'spherical').ari:.3f}"


def test_numbers_of_clusters_are_read_and_taken_to_balance(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    study = study_counts(sample, (4, 6, 9, 13), seeds=2, method="spherical")
    app = opened(sample, monkeypatch, "Number of clusters")
    assert "No K study" in all_text(app)  # with GEM
    app.selectbox(key="counts_method").set_value("spherical").run()
    assert not app.exception
    assert summary(study) in all_text(app)
    assert reading(study).sentence in all_text(app)
    app.selectbox(key="counts_measure").set_value("stability").run()
    assert reading(study, "stability").sentence in all_text(app)
    app.selectbox(key="counts_number").set_value(9).run()
    app.button(key="counts_try").click().run()
    assert app.session_state["session"].drafts.get(BalanceDraft).settings.n_clusters == 9
    assert sample.taxonomy().settings.n_clusters == 12  # nothing is applied


def test_thin_flows_keep_the_heights(sample: Workspace) -> None:
    from app.charts.comparison import MAX_GROUPS, fold_small_flows, sankey_chart, small_flow_share

    comparison = compare(sample, "present", "column:subject")
    sankey = sankey_chart(comparison, dark=False).data[0]
    sent = np.zeros(len(sankey.node.label))
    came = np.zeros(len(sankey.node.label))
    np.add.at(sent, list(sankey.link.source), list(sankey.link.value))
    np.add.at(came, list(sankey.link.target), list(sankey.link.value))
    k = len(comparison.a.names)
    assert sent[:k].tolist() == comparison.a.sizes[comparison.order_a].tolist()
    assert came[k : k + len(comparison.b.names)].tolist() == comparison.b.sizes[comparison.order_b].tolist()
    thin = comparison.table[comparison.table < 0.01 * len(sample)].sum()
    assert small_flow_share(comparison) == pytest.approx(thin / len(sample))
    assert min(
        value
        for value, s, t in zip(sankey.link.value, sankey.link.source, sankey.link.target, strict=True)
        if s < k and t < k + len(comparison.b.names)
    ) >= 0.01 * len(sample)
    many = compare(sample, "present", "kmeans:60")
    a, b, table = fold_small_flows(many)
    assert (len(a.names), len(b.names)) == (12, MAX_GROUPS)
    assert b.names[-1] == "21 smaller groups"
    assert table.sum() == len(sample)

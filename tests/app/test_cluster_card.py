"""The cluster card: what a cluster is about, its documents, and edits that its fields follow."""

import json
from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from gem_core.export import csv_text, report_html, taxonomy_table
from gem_core.pipeline import Check, Merge, Note, Pin, Rename, edit, fit_taxonomy
from gem_core.workspace import Workspace
from tests.helpers.screen import opened, row_list, table, words


def select(app: AppTest, cluster: int) -> None:
    app.session_state["session"].select(None, cluster)
    app.run()
    assert not app.exception


def notice(app: AppTest) -> tuple[str, str]:
    """Text and action of the notice."""
    notice_element = next(element for element in app.get("bidi_component") if element.key == "edit_notice")
    data = json.loads(notice_element.proto.json)
    return data["text"], data["action"]


@pytest.mark.parametrize("screen", ["explore", "taxonomy"])
def test_the_card_says_what_a_cluster_is(sample: Workspace, monkeypatch: pytest.MonkeyPatch, screen: str) -> None:
    app = opened(sample.root, monkeypatch, screen)
    select(app, 3)
    taxonomy = sample.taxonomy()
    cluster = taxonomy.cluster(3)
    assert list(table(app, "keywords_3")["Weight"]) == sorted((w for _, w in cluster.keywords), reverse=True)
    inside = taxonomy.positions == taxonomy.index_of(3)
    subjects = sample.documents["subject"][inside].value_counts(normalize=True)
    if subjects.iloc[0] >= 0.7:
        assert f"{subjects.index[0]} {subjects.iloc[0]:.0%}"[:-1] in words(app)
    frame = table(app, "column_subject_3")
    assert frame["Share"].to_numpy() == pytest.approx(subjects.to_numpy())
    assert f"median {int(np.median(sample.documents['tokens'][inside]))} tokens" in words(app)
    cosine = taxonomy.fit.centers @ taxonomy.fit.centers[taxonomy.index_of(3)]
    assert table(app, "nearest_clusters")["Cosine"][0] == pytest.approx(np.sort(cosine)[-2])
    whole = sample.texts(cluster.exemplars[:3])
    assert all(any(text[:1400] in text_element.value for text_element in app.text) for text in whole)


def test_the_card_of_a_mixed_cluster_offers_the_split(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    mixed = next(c.number for c in sample.taxonomy().clusters if c.label.startswith("Mixed: "))
    app = opened(sample.root, monkeypatch)
    select(app, mixed)
    assert "No single subject covers these documents" in words(app)
    select(app, 4)
    assert "No single subject" not in words(app)


def test_all_documents_are_sorted_and_paged(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(sample.root, monkeypatch)
    select(app, 3)
    assert row_list(app, "cluster_documents") is None, "only made when its tab is open"
    app.session_state["panel_tabs"] = "Documents"
    app.run()
    taxonomy = sample.taxonomy()
    inside = np.flatnonzero(taxonomy.positions == taxonomy.index_of(3))
    app.selectbox(key="cluster_sort").set_value("Longest").run()
    tokens = np.sort(sample.documents["tokens"].to_numpy()[inside])[::-1]
    assert list(table(app, "cluster_documents")["Tokens"]) == list(tokens[:50])
    app.multiselect(key="cluster_columns").set_value(["subject"]).run()
    app.button(key="cluster_page_next").click().run()
    frame = table(app, "cluster_documents")
    assert list(frame["Tokens"]) == list(tokens[50:100])
    assert "subject" in frame.columns
    select(app, 4)
    assert len(table(app, "cluster_documents")) > 0


def test_the_name_field_follows_edits_made_elsewhere(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(sample.root, monkeypatch, "taxonomy")
    select(app, 2)
    before = app.text_input(key="name_cluster_2").value
    edit(sample, Rename("cluster", 2, "Another name"))  # in another window
    app.run()
    assert app.text_input(key="name_cluster_2").value == "Another name"
    app.button(key="taxonomy_undo").click().run()
    assert app.text_input(key="name_cluster_2").value == before
    next(button for button in app.button if button.label == "Rename").click().run()
    assert sample.taxonomy().cluster(2).label == before


def test_an_accepted_merge_closes_its_popover_and_offers_undo(
    sample: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = opened(sample.root, monkeypatch, "explore")
    select(app, 0)
    app.session_state["merge_open_0"] = True
    app.run()
    app.button(key="merge_0").click().run()
    assert len(sample.taxonomy().clusters) == 11
    assert app.session_state["merge_open_0"] is False
    text, action = notice(app)
    assert text.startswith("Merged ")
    assert action == "Undo"


def test_a_note_and_a_mark_go_into_history_and_exports(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    before = taxonomy_table(sample, sample.taxonomy())
    assert "note" not in before.columns
    app = opened(sample.root, monkeypatch, "taxonomy")
    select(app, 3)
    app.text_area(key="note_3").set_value("=Look\nagain")
    app.button(key="note_save_3").click().run()
    app.checkbox(key="checked_3").check().run()
    assert not app.exception
    cluster = sample.taxonomy().cluster(3)
    assert (cluster.note, cluster.checked) == ("=Look\nagain", True)
    sentences = [step.sentence for step in sample.history().steps[-2:]]
    assert sentences == [f"Added a note to {cluster.label}", f"Checked {cluster.label}"]
    table = taxonomy_table(sample, sample.taxonomy()).set_index("cluster_id")
    assert (table.loc[3, "note"], bool(table.loc[3, "checked"])) == ("=Look again", True)
    assert "'=Look again" in csv_text(table.reset_index())
    assert "=Look again" in report_html(sample, sample.taxonomy())
    app.button(key="taxonomy_undo").click().run()
    assert app.checkbox(key="checked_3").value is False
    app.button(key="taxonomy_undo").click().run()
    assert app.text_area(key="note_3").value == ""
    assert not taxonomy_table(sample, sample.taxonomy()).compare(before).size


def test_a_refit_and_a_merge_keep_notes(sample: Workspace) -> None:
    edit(sample, Note(2, "two"), Note(5, "five"), Check(2), Pin(2))
    merged = edit(sample, Merge((2, 5)))
    noted_cluster = next(c for c in merged.clusters if c.note)
    assert sorted(noted_cluster.note.split("\n")) == ["five", "two"]
    assert not noted_cluster.checked, "its documents are others now"
    edit(sample, Check(noted_cluster.number))
    settings = replace(sample.taxonomy().settings, seed=1)
    refitted = fit_taxonomy(sample, settings)
    again = refitted.cluster(noted_cluster.number)
    assert (again.note, again.checked) == (noted_cluster.note, True)

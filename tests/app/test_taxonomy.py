"""Taxonomy: names are edited, refusals are shown, evidence is at hand."""

import pytest
from streamlit.testing.v1 import AppTest

from gem_core.workspace import Workspace
from tests.helpers.screen import opened, table


def select(app: AppTest, *, cluster: int | None = None, parent: int | None = None) -> None:
    session = app.session_state["session"]
    session.clear_selection()
    session.cluster, session.group = cluster, parent
    app.run()


def submit(app: AppTest, key: str, name: str) -> None:
    app.text_input(key=key).set_value(name)
    next(button for button in app.button if button.label == "Rename").click().run()
    assert not app.exception


def test_all_names_stand_in_the_order_of_the_tree(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(sample.root, monkeypatch, "taxonomy")
    taxonomy = sample.taxonomy()
    expected_names = [
        name for p in taxonomy.groups for name in (p.label, *(taxonomy.clusters[c].label for c in p.children))
    ]
    assert list(app.data_editor[0].value["Name"]) == expected_names


@pytest.mark.parametrize("hostile", ["Loaves & <b>rolls</b>", "=cmd|' /C calc'!A0", "**x** [y](http://e.org)", "خبز"])
def test_a_cluster_is_renamed(sample: Workspace, monkeypatch: pytest.MonkeyPatch, hostile: str) -> None:
    app = opened(sample.root, monkeypatch, "taxonomy")
    select(app, cluster=2)
    submit(app, "name_cluster_2", hostile)
    renamed = Workspace(sample.root).taxonomy().clusters[2]
    assert (renamed.label, renamed.label_source) == (hostile, "person")
    assert any("Named by a person" in markdown.value for markdown in app.markdown)


def test_a_group_is_renamed(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(sample.root, monkeypatch, "taxonomy")
    select(app, parent=1)
    submit(app, "name_parent_1", "Everything else")
    assert sample.taxonomy().groups[1].label == "Everything else"


def test_a_taken_name_is_refused_and_nothing_changes(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(sample.root, monkeypatch, "taxonomy")
    before = sample.taxonomy().clusters
    select(app, cluster=2)
    submit(app, "name_cluster_2", before[0].label)
    assert any("Labels are unique" in text.value for text in app.text)
    assert sample.taxonomy().clusters == before
    submit(app, "name_cluster_2", "Something new")
    assert not any("Labels are unique" in text.value for text in app.text)


def test_the_evidence_of_a_cluster(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(sample.root, monkeypatch, "taxonomy")
    select(app, cluster=1)
    cluster = sample.taxonomy().clusters[1]
    keywords = table(app, "keywords_1")
    assert list(keywords["Keyword"]) == [term for term, _ in sorted(cluster.keywords, key=lambda word: -word[1])]
    assert len(table(app, "exemplars_1")) == len(cluster.exemplars)

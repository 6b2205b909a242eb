"""Taxonomy: clusters are merged, pinned, excluded, moved, and every step can be undone."""

import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from gem_core.pipeline import Merge, Pin, Rename, edit, propose_split
from gem_core.workspace import Workspace
from gem_core.workspace.store import READ_ONLY

APP = Path(__file__).resolve().parents[2] / "app"


@pytest.fixture
def app(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setattr(sys, "argv", ["main.py", "--workspace", str(sample.root)])
    opened = AppTest.from_file(str(APP / "main.py"), default_timeout=60).run()
    opened.switch_page("views/taxonomy/page.py").run()
    assert not opened.exception
    return opened


def select(app: AppTest, *, cluster: int | None = None, row: int | None = None) -> None:
    session = app.session_state["session"]
    session.clear_selection()
    session.cluster, session.row = cluster, row
    app.run()


def press(app: AppTest, key: str) -> None:
    app.button(key=key).click().run()
    assert not app.exception


def test_merge_undo_redo(app: AppTest, sample: Workspace) -> None:
    before = sample.taxonomy()
    select(app, cluster=0)
    other = app.selectbox(key="merge_with_0").options
    assert len(other) == len(before.clusters) - 1
    press(app, "merge_0")
    merged = sample.taxonomy()
    assert len(merged.clusters) == len(before.clusters) - 1
    assert app.session_state["session"].cluster == 0, "the merged cluster stays open"
    assert app.button(key="taxonomy_undo").help.startswith("Undo: Merged ")
    press(app, "taxonomy_undo")
    assert sample.taxonomy().key == before.key
    press(app, "taxonomy_redo")
    assert sample.taxonomy().key == merged.key


def test_a_click_on_a_page_of_an_earlier_fit_is_refused(app: AppTest, sample: Workspace) -> None:
    select(app, cluster=3)
    app.text_input(key="name_cluster_3").set_value("Meant for another")
    clusters = sample.taxonomy().clusters
    edit(sample, Merge((clusters[0].number, clusters[1].number)))  # Somebody else is faster.
    merged = sample.taxonomy()
    next(button for button in app.button if button.label == "Rename").click().run()
    assert sample.taxonomy().key == merged.key
    all_text = " ".join(text.value for text in app.text)
    assert "An edit must be made on the present clusters" in all_text
    assert "The name was: Meant for another" in all_text
    press(app, "pin_3")  # The page shows the present clusters now.
    assert sample.taxonomy().cluster(3).pinned


def test_a_server_that_only_shows_has_no_buttons_for_edits(
    app: AppTest, sample: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(READ_ONLY, "1")
    select(app, cluster=3)
    labels = {button.label for button in app.button if not button.disabled}
    assert not labels & {"Rename", "Undo", "Redo", "Split", "Save note", "Pin", "Exclude"}
    assert not [field for field in app.text_input if str(field.key).startswith("name_")]


def test_pin_and_exclude(app: AppTest, sample: Workspace) -> None:
    select(app, cluster=3)
    press(app, "pin_3")
    assert sample.taxonomy().cluster(3).pinned
    assert any("Pinned: a refit keeps" in caption.value for caption in app.caption)
    press(app, "exclude_3")
    assert sample.taxonomy().cluster(3).excluded
    press(app, "exclude_3")
    assert not sample.taxonomy().cluster(3).excluded


def test_a_cluster_changes_its_group(app: AppTest, sample: Workspace) -> None:
    before = sample.taxonomy()
    target = next(p for p in before.groups if p.number != before.cluster(0).group)
    select(app, cluster=0)
    app.selectbox(key="group_of_0").set_value(target.number).run()
    press(app, "regroup_0")
    assert sample.taxonomy().cluster(0).group == target.number


def test_a_document_moves_to_the_next_cluster(app: AppTest, sample: Workspace) -> None:
    row = sample.taxonomy().cluster(0).borderline[0]
    select(app, cluster=0, row=row)
    press(app, f"move_row_{row}")
    after = sample.taxonomy()
    assert after.documents["cluster_id"].iloc[row] != 0
    assert sum(c.documents for c in after.clusters) == len(sample)


def test_the_history_leads_to_any_step(app: AppTest, sample: Workspace) -> None:
    first = sample.taxonomy()
    edit(sample, Rename("cluster", 1, "One <b>bold</b>"))
    edit(sample, propose_split(sample, sample.taxonomy(), 2, 2))
    last = edit(sample, Pin(0))
    app.run()
    assert any("One &lt;b&gt;" in m.value or "One \\<b\\>" in m.value for m in app.markdown), "escaped in the list"
    press(app, "history_0")
    assert sample.taxonomy().key == first.key
    press(app, "history_3")
    assert sample.taxonomy().key == last.key


def test_an_edit_that_cannot_be_made_is_explained(app: AppTest, sample: Workspace) -> None:
    select(app, cluster=0)
    edit(sample, Pin(5))  # another window
    other = next(c.number for c in sample.taxonomy().clusters if c.number not in (0, 5))
    app.selectbox(key="merge_with_0").set_value(other).run()
    from gem_core.pipeline import Merge

    edit(sample, Merge((1 if other != 1 else 2, other)))  # and the chosen one is gone
    app.run()
    free_numbers = {0, *range(12)} - {c.number for c in sample.taxonomy().clusters}
    session = app.session_state["session"]
    from app.cluster_card import edit_actions

    assert edit_actions.apply_edit(session, Pin(free_numbers.pop())) is None
    app.run()
    assert any("An edit must name clusters that are there" in text.value for text in app.text)


def test_groups_anew_and_a_word_that_no_name_uses(app: AppTest, sample: Workspace) -> None:
    before = sample.taxonomy()
    app.number_input(key=f"automatic_groups_{before.key}").set_value(5).run()
    press(app, "automatic_group")
    assert len(sample.taxonomy().groups) == 5
    press(app, "taxonomy_undo")
    assert sample.taxonomy().key == before.key
    word = before.clusters[0].keywords[0][0]
    app.text_input(key="automatic_word").set_value(word)
    app.button("FormSubmitter:automatic_words-Add word").click().run()
    assert not app.exception
    assert word not in {term for c in sample.taxonomy().clusters for term, _ in c.keywords}
    press(app, "automatic_rename")
    assert {c.label_source for c in sample.taxonomy().clusters} <= {"vocabulary", "keywords"}

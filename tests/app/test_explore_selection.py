"""Search, filter, line on a map, saved selection and near-duplicates on Explore: one selection drives the screen."""

import io
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from app.data import map_data
from app.data.filter_options import steps
from gem_core.pipeline import Source, prepare
from gem_core.pipeline.search.filters import Column, Filter, Outline, mask
from gem_core.pipeline.search.near_duplicates import find_duplicates
from gem_core.pipeline.search.semantic import search_like, search_meaning
from gem_core.workspace import Workspace
from gem_core.workspace.selections import Selections
from tests.helpers.screen import opened, row_list, table, words


def chips(app: AppTest) -> dict[str, str]:
    """Labels of the chips by the part they stand for, without the backslashes that make them safe."""
    return {
        button.key.removeprefix("chip_"): button.label.replace("\\", "")
        for button in app.button
        if button.key and button.key.startswith("chip_")
    }


def download(app: AppTest) -> pd.DataFrame:
    """The file that the present selection would be downloaded as."""
    from app.data import cached_results
    from app.views.explore import saved_selections

    session = app.session_state["session"]
    rows = cached_results.select_documents(session.workspace, session.taxonomy, session.document_filter)
    return pd.read_csv(io.BytesIO(saved_selections._documents_csv(session, rows, texts=True)))


def test_a_filter_drives_list_strip_and_count(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(sample.root, monkeypatch)
    session, taxonomy = app.session_state["session"], sample.taxonomy()
    subjects = sorted(sample.documents["subject"].unique())[:2]
    document_filter = Filter(columns=(Column("subject", values=tuple(subjects)),), tokens=(None, 130))
    session.update_filter(columns=document_filter.columns, tokens=document_filter.tokens)
    app.run()
    keep = mask(sample, taxonomy, document_filter)
    assert 10 < keep.sum() < 100
    assert f"**{keep.sum()}** of 651" in words(app)
    assert chips(app) == {
        "tokens": "tokens at most 130",
        "column:subject": f"subject is {subjects[0]} or {subjects[1]}",
    }
    gis = taxonomy.documents["gis"].to_numpy()
    assert list(table(app, "found_documents")["GIS"]) == pytest.approx(np.sort(gis[keep])[::-1], abs=1e-3)
    counts = np.bincount(taxonomy.positions[keep], minlength=len(taxonomy.clusters))
    assert list(table(app, "found_clusters")["Documents"]) == sorted(counts[counts > 0], reverse=True)
    assert f"{100 * counts.max() / keep.sum():.1f}% of the {keep.sum()} selected are in" in words(app)
    app.button(key="chip_tokens").click().run()
    assert session.filter == Filter(columns=document_filter.columns)
    app.button(key="chip_column:subject").click().run()
    assert not session.has_query
    assert row_list(app, "found_documents") is None


def test_every_widget_of_the_filter_says_what_the_session_asks(
    sample: Workspace,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = opened(sample.root, monkeypatch)
    session, lengths = app.session_state["session"], steps(sample.documents["tokens"])

    def menu() -> AppTest:
        app.session_state["explore_filter"] = True  # the popover is open
        return app.run()

    first = sample.taxonomy().clusters[1].number
    menu().multiselect(key="filter_clusters").select(first).run()
    assert session.filter.clusters == (first,)
    slider = menu().select_slider(key="filter_tokens")
    low, high = slider.value
    assert (low, high) == (lengths[0], lengths[-1])
    assert session.filter.tokens == (None, None)
    slider.set_range(lengths[9], high).run()
    assert session.filter.tokens == (lengths[9], None)  # an end of the slider is no bound
    subject = sample.documents["subject"].iloc[0]
    menu().multiselect(key="filter_subject").select(subject).run()
    assert session.filter.columns == (Column("subject", values=(subject,)),)
    menu().text_input(key="filter_text").set_value("doc-00").run()
    assert session.filter.columns[1] == Column("id", contains="doc-00")
    assert set(chips(app)) == {"clusters", "tokens", "column:subject", "column:id"}
    assert menu().select_slider(key="filter_tokens").value == (lengths[9], high)
    app.button(key="chips_clear").click().run()
    assert session.filter == Filter()
    assert menu().multiselect(key="filter_clusters").value == []
    assert app.select_slider(key="filter_tokens").value == (low, high)
    assert app.text_input(key="filter_text").value == ""


def test_search_by_meaning_then_documents_like_one(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(sample.root, monkeypatch)
    session = app.session_state["session"]
    app.button_group(key="explore_meaning").set_value("Meaning").run()
    app.text_input(key="explore_query").set_value("celestial bodies seen at night").run()
    expected = search_meaning(sample, "celestial bodies seen at night", 200)
    assert list(table(app, "found_documents")["Cosine"]) == pytest.approx(list(expected.cosine), abs=1e-4)
    assert "200 documents closest in meaning" in words(app)
    session.update_filter(tokens=(None, 110))
    app.run()
    short = np.flatnonzero(sample.documents["tokens"].to_numpy() <= 110)
    assert len(short) > 200 or f"**{len(short)}** of 651" in words(app)
    assert chips(app)["meaning"].startswith('similar to "celestial bodies')
    row = int(expected.rows[0])
    session.open_document(row)
    app.run()
    app.button(key="select_like").click().run()
    assert session.similar_to == row
    like = search_like(sample, row, 199, within=sample.documents["tokens"].to_numpy() <= 110)
    cosines = list(table(app, "found_documents")["Cosine"])
    assert [c for c in cosines if c < 0.9999][:20] == pytest.approx(list(like.cosine[:20]), abs=1e-4)
    app.text_input(key="explore_query").set_value("water").run()
    assert session.similar_to is None


def test_own_vectors_ask_for_their_model(sample: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copy(sample.root / "embeddings.npy", tmp_path / "mine.npy")
    (sample.root / "manifest.json").write_text(
        (sample.root / "manifest.json").read_text().replace(sample.manifest.encoder, str(tmp_path / "mine.npy"))
    )
    app = opened(sample.root, monkeypatch)
    app.button_group(key="explore_meaning").set_value("Meaning").run()
    app.text_input(key="explore_query").set_value("celestial bodies").run()
    assert "Which model made these embeddings?" in words(app)
    assert row_list(app, "found_documents") is None
    app.button(key="encoder_use").click().run()
    assert not app.exception
    assert len(table(app, "found_documents")) == 200


def test_a_line_on_a_map_stays_whatever_the_map(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(sample.root, monkeypatch)
    session = app.session_state["session"]
    flat = np.asarray(sample.flat)
    (left, low), (right, high) = (np.quantile(flat, [0.2, 0.7], axis=0) + 1e-4).tolist()
    session.update_filter(outline=Outline(((left, low), (right, low), (right, high), (left, high))))
    inside = ((flat > [left, low]) & (flat < [right, high])).all(axis=1).sum()
    for view in ("Flat map", "Sphere", "Flat map"):
        app.button_group(key="explore_view").set_value(view).run()
        assert not app.exception
        assert f"**{inside}** of 651" in words(app)
        assert chips(app) == {"outline": "area selected on the flat map"}
    session.select(4, 0)  # a document is opened and closed: the line stays
    app.run()
    app.button(key="panel_back").click().run()
    assert session.filter.outline is not None


def test_saved_taken_up_renamed_deleted_and_read_back(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(sample.root, monkeypatch)
    session = app.session_state["session"]
    app.text_input(key="explore_query").set_value("water").run()
    rows = set(sample.search("water", 1000))
    app.text_input(key="save_name").set_value("Wet").run()
    app.button(key="save_now").click().run()
    assert "Saved as Wet" in words(app)
    assert set(Selections(sample).get("Wet").rows.tolist()) == rows
    assert Selections(sample).list_all()[0].origin == 'holds "water"'
    app.text_input(key="save_name").set_value("Wet").run()
    app.button(key="save_now").click().run()
    assert "'Wet', which is taken" in words(app)
    app.button(key="chip_text").click().run()
    app.session_state["explore_saved"] = True
    app.run()
    app.button(key="saved_use").click().run()
    assert session.filter == Filter(saved="Wet")
    assert f"**{len(rows)}** of 651" in words(app)
    file = download(app)
    assert set(file["id"]) == set(sample.documents["id"].iloc[sorted(rows)])
    assert [text.casefold().count("water") > 0 for text in file["text"]] == [True] * len(rows)
    app.text_input(key="saved_new").set_value("Damp").run()
    app.button(key="saved_rename").click().run()
    assert [line.name for line in Selections(sample).list_all()] == ["Damp"]
    assert session.filter == Filter(saved="Damp")
    app.button(key="saved_delete").click().run()
    assert Selections(sample).list_all() == ()
    assert session.filter == Filter()


def test_near_duplicates_are_counted_listed_and_opened(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = np.load(sample.root / "embeddings.npy")
    vectors[[30, 31]] = vectors[10]
    vectors[50] = vectors[40]
    np.save(sample.root / "embeddings.npy", vectors)
    app = opened(sample.root, monkeypatch)
    session = app.session_state["session"]
    app.button(key="explore_twins").click().run()
    assert "No near-duplicate search at 0.95 yet" in words(app)
    app.button(key="twins_find").click().run()
    duplicates = find_duplicates(Workspace(sample.root), 0.95)
    group_table = table(app, "twins_groups")
    assert list(group_table["Documents"]) == list(duplicates.sizes)
    assert f"would drop {duplicates.extra} documents" in words(app).replace(",", "")
    group = next(k for k in range(len(duplicates.sizes)) if 31 in duplicates.members(k)[0])
    session.duplicate_group = group
    app.run()
    assert list(table(app, "twins_documents")["Cosine"]) == pytest.approx(list(duplicates.members(group)[1]), abs=1e-4)
    assert {10, 30, 31} <= set(duplicates.members(group)[0].tolist())
    app.button(key="panel_back").click().run()
    app.button(key="explore_twins").click().run()
    assert not session.has_query


def test_without_a_fit_explore_says_where_to_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, corpus: tuple[Path, Path]
) -> None:
    workspace = prepare(Source(corpus[0], vectors=corpus[1]), tmp_path / "w")
    app = opened(workspace.root, monkeypatch)
    assert "No clusters yet" in words(app)
    assert app.button(key="explore_to_corpus").label == "Open Corpus"


def test_a_large_map_draws_the_selected_first() -> None:
    groups = np.repeat(np.arange(4), [90_000, 9_000, 900, 90]).astype(np.int32)
    drawn_rows = map_data.thin(groups, 10_000)
    few = np.zeros(len(groups), dtype=np.bool_)
    few[np.arange(0, len(groups), 50)] = True
    rows = map_data.with_matches(groups, drawn_rows, few, 10_000)
    assert np.isin(np.flatnonzero(few), rows).all()
    assert 9_990 <= len(rows) <= 10_000
    rows = map_data.with_matches(
        groups, drawn_rows, groups < 2, 10_000
    )  # more than there is room for: a sample of them
    assert 5_990 <= (groups[rows] < 2).sum() <= 6_000
    assert np.array_equal(rows, np.unique(rows))
    assert np.isin(np.flatnonzero(groups == 3), rows).all()
    everything = np.arange(len(groups), dtype=np.int32)
    assert np.array_equal(map_data.with_matches(groups, everything, few), everything)


def test_the_places_of_a_slider() -> None:
    assert steps([1, 2, 3, 1000]) == (1, 2, 3, 1000)
    assert steps([1990, 2005, 2023]) == (1990, 2005, 2023)
    assert steps([0.000507, 0.02, 5, 171]) == (0, 0.02, 5, 171)
    assert steps([5, 5, 5]) == (5,)
    assert steps([np.nan, -0.3, 0.3, np.inf]) == (-0.3, 0.3)
    values = np.random.default_rng(0).lognormal(5, 2, 5000)
    positions = steps(values)
    assert positions[0] <= values.min() < positions[1]
    assert positions[-2] < values.max() <= positions[-1]
    assert 40 < len(positions) <= 61

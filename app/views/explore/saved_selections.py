"""Saved selections of Explore: save, load, rename, delete, download."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from app.data import cached_results
from app.state.session import Session
from app.state.widget_state import preset, widget
from app.ui.downloads import retained_download
from app.ui.errors import guarded
from app.ui.read_only import writing_options
from app.ui.text import escape, short
from app.views.explore.document_query import describe_query
from gem_core._formatting import count
from gem_core.errors import GemError
from gem_core.export import csv_text
from gem_core.export.selected import documents_table
from gem_core.pipeline.search.filters import Filter, Selected
from gem_core.workspace.selections import LONGEST, Selections


def show_selections_button(session: Session) -> None:
    """Show the button that opens the saved selections."""
    lines = cached_results.selections(session.workspace)
    menu = st.popover(
        f"Selections: {len(lines)}" if lines else "Selections",
        icon=":material/bookmarks:",
        key="explore_saved",
        on_change="rerun",
        help="Load a saved selection",
    )
    if menu.open:
        with menu, st.container(width=340, gap="small"), guarded():
            _show_menu(session)


def _show_menu(session: Session) -> None:
    workspace = session.workspace
    lines = {line.name: line for line in cached_results.selections(workspace)}
    if not lines:
        st.caption("No saved selections. Search, filter or lasso documents, then save.")
        return
    name = st.selectbox("Saved selection", list(lines), key="saved_name", format_func=lambda n: short(n, 50))
    line = lines.get(name) or next(iter(lines.values()))
    st.caption(f"{count(line.documents)} documents, saved {line.at[:16].replace('T', ' ')} UTC")
    st.text(short(line.origin, 200))
    selections = Selections(workspace)

    def use() -> None:
        session.clear_selection()
        session.clear_query()
        session.filter = Filter(saved=line.name)

    def rename() -> None:
        new = str(widget("saved_new") or "")
        with _capture_error():
            selections.rename(line.name, new)
            if session.filter.saved == line.name:
                session.update_filter(saved=" ".join(new.split()))
            preset("saved_new", "")

    def delete() -> None:
        with _capture_error():
            selections.delete(line.name)
            if session.filter.saved == line.name:
                session.update_filter(saved="")

    with st.container(horizontal=True, gap="small"):
        st.button("Load selection", key="saved_use", type="primary", on_click=use)
        st.button("Delete", key="saved_delete", icon=":material/delete:", on_click=delete, **writing_options())
    left, right = st.columns([2, 1], vertical_alignment="bottom", gap="small")
    left.text_input("New name", key="saved_new", max_chars=LONGEST, placeholder="New name")
    right.button("Rename", key="saved_rename", on_click=rename, width="stretch", **writing_options())
    _show_error()


def show_save_and_download(session: Session, selection: Selected) -> None:
    """Show the buttons that save and download the selected documents."""
    with st.container(horizontal=True, gap="small", key="found_actions"):
        with st.popover("Save selection", icon=":material/bookmark_add:", key="save_open"):
            st.text_input("Name", key="save_name", max_chars=LONGEST, placeholder="Selection name")
            st.button(
                "Save", key="save_now", type="primary", on_click=_save, args=(session, selection), **writing_options()
            )
            _show_error()
        with st.popover("Download", icon=":material/download:", key="download_open"):
            texts = st.toggle("Include texts", key="download_texts")
            file = retained_download(
                lambda: _documents_csv(session, selection, texts=bool(texts)), "documents.csv", "text/csv"
            )
            st.download_button(
                "Download documents",
                file,
                "documents.csv",
                "text/csv",
                key="download_documents",
                type="primary",
                on_click="ignore",
            )
            st.caption(
                f"{count(len(selection))} rows: id, cluster, label, margin, GIS, tokens"
                + (", cosine" if selection.cosine is not None else "")
            )
    saved = widget("save_done")
    if saved:
        st.caption(f":material/check: Saved as {escape(short(str(saved)))}. Open it from Selections.")
        preset("save_done", None)


def _documents_csv(session: Session, selection: Selected, *, texts: bool) -> bytes:
    workspace = session.workspace
    table = documents_table(workspace, session.taxonomy, selection.rows, cosine=selection.cosine, text=texts)
    return csv_text(table).encode()


def _save(session: Session, selection: Selected) -> None:
    with _capture_error():
        description = (
            "; ".join(describe_query(session).values())
            or f"near-duplicates at cosine {session.duplicate_threshold or 0:g}"
        )
        saved_selection = Selections(session.workspace).save(
            str(widget("save_name") or ""), selection.rows, description
        )
        preset("save_done", saved_selection.name)
        preset("save_name", "")


@contextmanager
def _capture_error() -> Iterator[None]:
    """Store an error for the next run, since a callback cannot draw."""
    preset("saved_refusal", None)
    try:
        yield
    except GemError as error:
        preset("saved_refusal", str(error))


def _show_error() -> None:
    reason = widget("saved_refusal")
    if reason:
        st.text(str(reason))

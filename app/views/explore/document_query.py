"""Resolve the search, filter and near-duplicate query of a session to the documents it selects."""

import numpy as np
import streamlit as st

from app.data import cached_results
from app.state.session import Session
from app.ui.progress import progress_bar
from app.ui.text import escape, short
from gem_core._formatting import count
from gem_core.embedding.duplicate_groups import Duplicates
from gem_core.pipeline.search.filters import Selected, parts
from gem_core.pipeline.search.semantic import encoder_of
from gem_core.workspace import Workspace


def query_documents(session: Session) -> Selected | None:
    """Return the documents that the session's query selects, or None when there is no query.

    The first search by meaning loads the encoder and shows a progress bar.
    """
    workspace, taxonomy = session.workspace, session.taxonomy
    if session.duplicate_threshold is not None:
        duplicates = cached_results.near_duplicates(workspace, taxonomy, session.duplicate_threshold)
        return None if duplicates is None else _select_duplicates(duplicates, session.duplicate_group)
    saved = session.filter.saved
    if saved and saved not in [line.name for line in cached_results.selections(workspace)]:
        st.caption(f":material/info: Selection {escape(short(saved))} no longer exists: it was deleted or renamed.")
        session.update_filter(saved="")
    if not session.has_query or encoder_missing(session):
        return None
    with progress_bar() as progress:
        return cached_results.select_documents(
            workspace,
            taxonomy,
            session.document_filter,
            words=session.query if session.is_semantic else "",
            like=session.similar_to,
            limit=session.nearest,
            progress=progress,
        )


def encoder_missing(session: Session) -> bool:
    """Return whether a search by meaning is blocked because the encoder of the vectors is unknown."""
    return session.is_semantic and session.similar_to is None and encoder_of(session.workspace) is None


def _select_duplicates(duplicates: Duplicates, group: int | None) -> Selected:
    rows, cosine = (
        (duplicates.rows, duplicates.cosine)
        if group is None or group >= len(duplicates.sizes)
        else duplicates.members(group)
    )
    mask = np.zeros(duplicates.documents, dtype=np.bool_)
    mask[rows] = True
    return Selected(mask, rows, cosine)


def describe_query(session: Session) -> dict[str, str]:
    """Describe each part of the query in words, keyed by part; the words hold corpus text."""
    labels = {c.number: c.label for c in session.taxonomy.clusters}
    parts_in_words: dict[str, str] = {}
    if session.similar_to is not None:
        parts_in_words["like"] = f"similar to document {_id(session.workspace, session.similar_to)}"
    elif session.is_semantic:
        parts_in_words["meaning"] = f'similar to "{" ".join(session.query.split())}"'
    return parts_in_words | parts(session.document_filter, labels)


def _id(workspace: Workspace, row: int) -> str:
    return str(workspace.documents["id"].iloc[row])


def remove_part(session: Session, part: str) -> None:
    """Remove one part from the query."""
    session.clear_selection()
    if part == "like":
        session.similar_to = None
    elif part in ("meaning", "text"):
        session.query = ""
    else:
        session.filter = session.filter.without(part)


def show_query_parts(session: Session, selection: Selected | None) -> None:
    """Show the query as chips, each with a button to remove it, and the number of matching documents."""
    parts_in_words = describe_query(session)
    if not parts_in_words or session.duplicate_threshold is not None:
        return
    total = len(session.workspace)
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="gem-chips"):
        if selection is not None:
            st.markdown(f"**{count(len(selection))}** of {count(total)}", width="content")
        for part, part_text in parts_in_words.items():
            st.button(
                escape(short(part_text, 48)),
                key=f"chip_{part}",
                icon=":material/close:",
                icon_position="right",
                on_click=remove_part,
                args=(session, part),
                help="Remove filter",
            )
        if len(parts_in_words) > 1:
            st.button("Clear all", key="chips_clear", type="tertiary", on_click=_clear_query, args=(session,))


def _clear_query(session: Session) -> None:
    session.clear_selection()
    session.clear_query()

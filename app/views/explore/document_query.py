"""From what a session asks to the documents it selects."""

from pathlib import Path

import numpy as np
import streamlit as st

from app.data import cached_results
from app.state.session import Session
from app.ui.text import escape, short
from gem_core._formatting import count
from gem_core.embedding.near_duplicates import Duplicates
from gem_core.pipeline.search.filters import Selected, parts
from gem_core.pipeline.search.semantic import encoder_of

LOADING = {"load encoder": "Loading the encoder, once", "compare": "Comparing with the vectors"}


def asked(session: Session) -> Selected | None:
    """Return the documents that the session's question selects; None when it asks nothing.

    The first search by meaning loads the encoder and shows how far it is.
    """
    if session.duplicate_threshold is not None:
        found = cached_results.twins(session.root, session.duplicate_threshold)
        return None if found is None else _of_twins(found, session.duplicate_group)
    saved = session.filter.saved
    if saved and saved not in [line.name for line in cached_results.selections(session.root)]:
        st.caption(f":material/info: The selection {escape(short(saved))} was deleted or renamed.")
        session.update_filter(saved="")
    if not session.has_query or encoder_missing(session):
        return None
    place = st.empty()

    def progress(step: str, done: int, total: int) -> None:
        place.progress(min(1.0, (done + 0.3) / max(total, 1)), LOADING.get(step, step.capitalize()))

    found = cached_results.selected(
        session.root,
        session.document_filter,
        words=session.query if session.is_semantic else "",
        like=session.similar_to,
        limit=session.nearest,
        progress=progress,
    )
    place.empty()
    return found


def encoder_missing(session: Session) -> bool:
    """Whether the question is one by meaning and nobody has said which encoder made the vectors."""
    return (
        session.is_semantic
        and session.similar_to is None
        and encoder_of(cached_results.workspace(session.root)) is None
    )


def _of_twins(found: Duplicates, group: int | None) -> Selected:
    rows, cosine = (found.rows, found.cosine) if group is None or group >= len(found.sizes) else found.members(group)
    mask = np.zeros(found.documents, dtype=np.bool_)
    mask[rows] = True
    return Selected(mask, rows, cosine)


def said(session: Session) -> dict[str, str]:
    """Say each part of the question in words, by the name of the part; holds corpus text."""
    labels = {c.number: c.label for c in cached_results.taxonomy(session.root).clusters}
    out: dict[str, str] = {}
    if session.similar_to is not None:
        out["like"] = f"like {_id(session.root, session.similar_to)}"
    elif session.is_semantic:
        out["meaning"] = f'near in meaning to "{" ".join(session.query.split())}"'
    return out | parts(session.document_filter, labels)


def _id(root: Path, row: int) -> str:
    return str(cached_results.workspace(root).documents["id"].iloc[row])


def drop(session: Session, part: str) -> None:
    """Ask for one part less."""
    session.clear_selection()
    if part == "like":
        session.similar_to = None
    elif part in ("meaning", "text"):
        session.query = ""
    else:
        session.filter = session.filter.without(part)


def chips(session: Session, found: Selected | None) -> None:
    """Show what is asked, each part with a cross, and how many documents answer."""
    words = said(session)
    if not words or session.duplicate_threshold is not None:
        return
    total = len(cached_results.workspace(session.root))
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", key="gem-chips"):
        if found is not None:
            st.markdown(f"**{count(len(found))}** of {count(total)}", width="content")
        for part, text in words.items():
            st.button(
                escape(short(text, 48)),
                key=f"chip_{part}",
                icon=":material/close:",
                icon_position="right",
                on_click=drop,
                args=(session, part),
                help="Take this off",
            )
        if len(words) > 1:
            st.button("Clear all", key="chips_clear", type="tertiary", on_click=_forget, args=(session,))


def _forget(session: Session) -> None:
    session.clear_selection()
    session.clear_query()

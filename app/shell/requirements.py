"""What stands in the way of a screen: no corpus, no clusters yet, a selection that has gone. Each says what to do."""

import streamlit as st

from app.data import cached_results
from app.state.session import Session
from app.ui.progress import progress_bar
from gem_core.errors import WorkspaceError
from gem_core.pipeline import home, open_sample


def requirements_met(session: Session) -> bool:
    """Whether the open corpus can be shown by its clusters; where not, say why and offer the way on."""
    try:
        fitted = cached_results.workspace(session.root).fitted()
        if fitted:
            _drop_what_has_gone(session)
            return True
    except WorkspaceError as error:
        _no_corpus(session, str(error))
        return False
    _no_clusters()
    return False


def _drop_what_has_gone(session: Session) -> None:
    """Drop selections that a rebuilt or edited corpus no longer has."""
    size, taxonomy = len(cached_results.workspace(session.root)), cached_results.taxonomy(session.root)
    gone = []
    if session.row is not None and not 0 <= session.row < size:
        session.open_document(None)
        gone.append("document")
    if session.cluster is not None and not taxonomy.has(session.cluster):
        session.cluster = None
        gone.append("cluster")
    if session.group is not None and session.group not in [parent.number for parent in taxonomy.groups]:
        session.group = None
        gone.append("group")
    if session.similar_to is not None and not 0 <= session.similar_to < size:
        session.similar_to = None
        gone.append("document to compare with")
    if gone:
        st.caption(f":material/info: What you had selected is no longer there: the {' and the '.join(gone)}.")


def _no_corpus(session: Session, reason: str) -> None:
    with st.container(border=True, gap="small", key="no-corpus"):
        st.markdown("**No corpus can be opened here**")
        st.text(reason)
        with st.container(horizontal=True):
            if st.button(
                "Open the sample",
                key="no-corpus-sample",
                type="primary",
                icon=":material/science:",
                disabled=session.root == (home() / "sample").resolve(),
            ):
                with progress_bar("Preparing the sample") as progress:
                    sample = open_sample(progress=progress)
                session.open_workspace(sample.root)
                st.rerun()
            if st.button("Open another corpus", key="no-corpus-other", icon=":material/folder_open:"):
                st.switch_page("views/corpus/page.py")


def _no_clusters() -> None:
    with st.container(border=True, gap="small", key="no-clusters"):
        st.markdown("**This corpus has no clusters yet**")
        st.caption(
            "Its screens show a corpus by its clusters. Corpus embeds the documents and fits them; a job that "
            "was stopped goes on there."
        )
        if st.button("Open Corpus", key="explore_to_corpus", type="primary", icon=":material/folder_open:"):
            st.switch_page("views/corpus/page.py")

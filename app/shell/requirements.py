"""Requirements of a screen: an existing workspace, clusters, a selection that still exists."""

import streamlit as st

from app.state.session import Session
from app.ui.progress import progress_bar
from app.ui.text import escape, short
from gem_core.errors import WorkspaceError
from gem_core.pipeline import home, open_sample


def requirements_met(session: Session) -> bool:
    """Whether the open workspace has clusters to show; where not, say why and what to do."""
    if session.missing_workspace:
        _missing_workspace(session)
        return False
    try:
        fitted = session.workspace.fitted()
        if fitted:
            _drop_missing_selection(session)
            return True
    except WorkspaceError as error:
        _no_corpus(session, str(error))
        return False
    _no_clusters()
    return False


def _drop_missing_selection(session: Session) -> None:
    """Clear a selection that a rebuilt or edited workspace no longer has."""
    size, taxonomy = len(session.workspace), session.taxonomy
    missing = []
    if session.row is not None and not 0 <= session.row < size:
        session.open_document(None)
        missing.append("document")
    if session.cluster is not None and not taxonomy.has(session.cluster):
        session.cluster = None
        missing.append("cluster")
    if session.group is not None and session.group not in [parent.number for parent in taxonomy.groups]:
        session.group = None
        missing.append("group")
    if session.similar_to is not None and not 0 <= session.similar_to < size:
        session.similar_to = None
        missing.append("document to compare with")
    if missing:
        st.caption(f":material/info: Your selection no longer exists: {' and '.join(missing)}.")


def _missing_workspace(session: Session) -> None:
    """Stop at a link whose workspace does not exist, rather than show another one under its address."""
    with st.container(border=True, gap="small", key="missing-workspace"):
        st.markdown("**Workspace not found**")
        st.text(f'This link opens workspace "{session.missing_workspace}", which does not exist on this server.')
        with st.container(horizontal=True):
            st.button(
                f"Open {escape(short(session.root.name))}",
                key="missing-workspace-current",
                type="primary",
                on_click=_stay,
                args=(session,),
            )
            if st.button("Open another workspace", key="missing-workspace-other", icon=":material/folder_open:"):
                st.switch_page("views/corpus/page.py")


def _stay(session: Session) -> None:
    session.missing_workspace = ""
    st.query_params.clear()


def _no_corpus(session: Session, reason: str) -> None:
    with st.container(border=True, gap="small", key="no-corpus"):
        st.markdown("**This workspace cannot be opened**")
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
            if st.button("Open another workspace", key="no-corpus-other", icon=":material/folder_open:"):
                st.switch_page("views/corpus/page.py")


def _no_clusters() -> None:
    with st.container(border=True, gap="small", key="no-clusters"):
        st.markdown("**No clusters yet**")
        st.caption("Embed and cluster the documents on the Corpus view; a stopped job resumes there.")
        if st.button("Open Corpus", key="explore_to_corpus", type="primary", icon=":material/folder_open:"):
            st.switch_page("views/corpus/page.py")

"""Offer of a UMAP map in Explore, where none has been computed: a background job, and how it stands."""

import streamlit as st

from app.components.reliable_button import reliable_button
from app.jobs import runner
from app.jobs.panel import job_panel
from app.state.session import Session
from app.ui.errors import guarded
from gem_core._formatting import count


def show_umap_offer(session: Session) -> None:
    """Show the button that starts the job, or the job."""
    job = runner.find(session.root, "umap")
    if job is not None:
        job_panel(session, job, key_prefix="umap")
        if not runner.status(job).ended:
            return
    st.markdown("**No UMAP map yet**")
    st.caption(
        f"UMAP places the {count(len(session.workspace))} documents by their nearest neighbors alone. It is computed "
        "once, in the background, and kept in the workspace with its trustworthiness."
    )
    if reliable_button(session, "Compute UMAP map", key="umap_start", type="primary"):
        with guarded():
            runner.start(f"UMAP map of {session.workspace.manifest.name}", ["umap", str(session.root)], session.root)
            st.rerun(scope="app")

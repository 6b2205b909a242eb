"""Balance view: compute a missing balance path, at once where that is quick and as a background job where it is not."""

import streamlit as st

from app.components.reliable_button import reliable_button
from app.jobs import runner
from app.jobs.panel import duration_range, job_panel
from app.state.session import Session
from app.ui.errors import guarded
from app.ui.progress import progress_bar
from app.ui.read_only import REASON
from gem_core.pipeline import ensure_path, path_seconds
from gem_core.workspace import Taxonomy, Workspace
from gem_core.workspace.store import is_read_only

LONGEST_WAIT = 2.0  # seconds; a path that is estimated to take longer is a job
LONGEST_APPLY = 15.0  # seconds that a path may add to Apply, which shows progress and can be stopped
SPREAD = (1 / 3, 3.0)  # a path takes these parts of its estimate


def is_part_of_apply(workspace: Workspace, taxonomy: Taxonomy) -> bool:
    """Whether Apply computes the balance path too; otherwise it is offered as a job."""
    return path_seconds(workspace, taxonomy) <= LONGEST_APPLY


def compute_path(session: Session, taxonomy: Taxonomy) -> None:
    """Compute the balance path of the present taxonomy now, or offer it as a job."""
    if is_read_only():
        st.caption(f"No balance path. {REASON} Compute it elsewhere: gem-explorer path DIR")
    elif path_seconds(session.workspace, taxonomy) > LONGEST_WAIT:
        _offer_job(session, taxonomy)
    else:
        slot = st.empty()
        with slot.container():
            st.caption("No balance path yet. Fitting at 16 strengths, each started from the previous one.")
            with progress_bar("Balance path") as progress:
                ensure_path(session.workspace, progress=progress)
        st.rerun()


def _offer_job(session: Session, taxonomy: Taxonomy) -> None:
    """Show the button that starts the job, or the job."""
    job = runner.find(session.root, "path")
    state = job_panel(session, job, key_prefix="balance_path", quiet=True)
    if state is not None and state.state != "finished":
        return
    st.markdown("**No balance path yet**")
    seconds = path_seconds(session.workspace, taxonomy)
    st.caption(
        "It shows what each strength would do, at 16 strengths. Without it, each strength can still be previewed. "
        f"Computed in the background, {duration_range(*(part * seconds for part in SPREAD))}."
    )
    if reliable_button(session, "Compute path", key="balance_path_start", icon=":material/timeline:"):
        with guarded():
            name = session.workspace.manifest.name
            runner.start(f"Balance path of {name}", ["path", str(session.root)], session.root)
            st.rerun(scope="app")

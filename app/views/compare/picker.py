"""Pickers of Compare: choose two groupings, and fit one that does not exist yet."""

import streamlit as st

from app.components.reliable_button import reliable_button
from app.data import groupings
from app.jobs import runner
from app.jobs.panel import job_panel
from app.state.session import Session
from app.state.widget_state import preset, widget
from app.ui.progress import progress_bar
from app.ui.text import short
from gem_core._formatting import count
from gem_core.pipeline.compare.comparison import at_hand, partition
from gem_core.pipeline.compare.refits import METHODS
from gem_core.workspace import Taxonomy, Workspace

MAX_INTERACTIVE = 40_000  # documents for which another method is fitted while a person waits; more are a job
CURRENT = "present"


def grouping_options(workspace: Workspace, taxonomy: Taxonomy) -> dict[str, str]:
    """Return the groupings to choose from, with their names; names of steps and columns hold corpus text."""
    options = {CURRENT: f"GEM, current taxonomy ({len(taxonomy.clusters)} clusters)"}
    options |= {method: name for method, name in METHODS.items() if method != "gem"}
    options |= {f"column:{name}": f'Column "{short(name, 40)}"' for name in groupings.columns(workspace, taxonomy)}
    option_keys = {taxonomy.key}
    steps = list(enumerate(workspace.history().steps, 1))
    for number, step in reversed(steps):
        if step.key not in option_keys:
            option_keys.add(step.key)
            options[f"step:{step.key}"] = f"Step {number}: {short(step.sentence, 60)}"
    return options


def choose_groupings(session: Session) -> tuple[str, str]:
    """Show two selectors with a button between them that swaps the sides."""
    options = grouping_options(session.workspace, session.taxonomy)
    columns = [spec for spec in options if spec.startswith("column:")]
    choices = {
        "compare_a": CURRENT,
        "compare_b": columns[0] if columns else "kmeans",
    }
    for key, spec in zip(("compare_a", "compare_b"), session.compared, strict=True):
        if spec:
            choices[key] = spec
    for key, default in (("compare_a", CURRENT), ("compare_b", "kmeans")):
        if choices[key] not in options:  # A discarded step, or another workspace.
            choices[key] = default
        preset(key, choices[key])

    def on_change() -> None:
        session.compared = str(widget("compare_a")), str(widget("compare_b"))
        session.open_document(None)

    def on_swap() -> None:
        session.compared = choices["compare_b"], choices["compare_a"]

    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="compare_pick"):
        a = st.selectbox(
            "Compare",
            list(options),
            format_func=options.__getitem__,
            key="compare_a",
            on_change=on_change,
            width="stretch",
        )
        st.button("", icon=":material/swap_horiz:", key="compare_swap", on_click=on_swap, help="Swap sides")
        b = st.selectbox(
            "with",
            list(options),
            format_func=options.__getitem__,
            key="compare_b",
            on_change=on_change,
            width="stretch",
        )
    return str(a), str(b)


def ensure_partitions(session: Session, a: str, b: str) -> bool:
    """Fit missing groupings now, or offer a job on a large corpus; return whether both exist."""
    workspace = session.workspace
    missing = [spec for spec in (a, b) if not at_hand(workspace, spec)]
    if not missing:
        return True
    if len(workspace) > MAX_INTERACTIVE:
        _offer_job(session, workspace, missing[0])
        return False
    for spec in missing:
        with progress_bar(_method_name(spec)) as progress:
            partition(workspace, spec, progress=progress)
    return True


def _method_name(spec: str) -> str:
    return {str(method): name for method, name in METHODS.items()}[spec]


def _offer_job(session: Session, workspace: Workspace, spec: str) -> None:
    name = _method_name(spec)
    job = next(
        (
            job
            for job in runner.list_jobs()
            if job.kind == "compare" and job.workspace == str(session.root) and spec in job.arguments
        ),
        None,
    )
    if job is not None:
        job_panel(session, job, key_prefix="compare", quiet=True)
        if not runner.status(job).ended:
            return
    st.markdown(f"**{name} has not been fitted to this corpus yet**")
    st.caption(f"Fits all {count(len(workspace))} documents once; the result is saved.")
    if reliable_button(session, f"Fit {name}", type="primary", key="compare_fit"):
        runner.start(
            f"Fit {name} to {workspace.manifest.name}", ["compare", str(session.root), "--with", spec], session.root
        )
        st.rerun(scope="app")

"""Compare: choose two groupings, and fit the one that is not there yet."""

from pathlib import Path

import streamlit as st

from app.data import cached_results, groupings
from app.jobs import runner
from app.jobs.panel import job_panel
from app.state.session import Session
from app.state.widget_state import preset, widget
from app.ui.text import short
from gem_core._formatting import count
from gem_core.pipeline.compare.comparison import at_hand, partition
from gem_core.pipeline.compare.refits import METHODS
from gem_core.workspace import Workspace

AT_ONCE = 40_000  # documents for which another method is fitted while a person waits; more are a job
PRESENT = "present"
STEPS = {"name clusters": "Naming its clusters", "fit": "Fitting", "seed": "Finding a start"}


def options(root: Path) -> dict[str, str]:
    """What can be compared, and how it is called; the names of steps and columns are corpus text."""
    opened = cached_results.workspace(root)
    present = cached_results.taxonomy(root)
    found = {PRESENT: f"GEM, the present taxonomy ({len(present.clusters)} clusters)"}
    found |= {
        spec: f"{METHODS[spec][:1].upper()}{METHODS[spec][1:]}"  # type: ignore[index]
        if spec == "vmf"
        else METHODS[spec]
        for spec in ("kmeans", "spherical", "vmf")
    }  # type: ignore[index]
    found |= {f"column:{name}": f'Column "{short(name, 40)}"' for name in groupings.columns(root)}
    seen = {present.key}
    steps = list(enumerate(opened.history().steps, 1))
    for number, step in reversed(steps):
        if step.key not in seen:
            seen.add(step.key)
            found[f"step:{step.key}"] = f"Step {number}: {short(step.sentence, 60)}"
    return found


def pick(session: Session) -> tuple[str, str]:
    """Two selectors with a button between them that changes their places."""
    offered = options(session.root)
    columns = [spec for spec in offered if spec.startswith("column:")]
    kept = {"compare_a": PRESENT, "compare_b": columns[0] if columns else "kmeans", **session.drafts.get("compare", {})}
    for key, default in (("compare_a", PRESENT), ("compare_b", "kmeans")):
        if kept[key] not in offered:  # a step that was undone and forgotten, another workspace
            kept[key] = default
        preset(key, kept[key])

    def keep() -> None:
        session.drafts["compare"] = {key: widget(key) for key in ("compare_a", "compare_b")}
        session.open_document(None)

    def swap() -> None:
        session.drafts["compare"] = {"compare_a": kept["compare_b"], "compare_b": kept["compare_a"]}

    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="compare_pick"):
        a = st.selectbox(
            "Compare", list(offered), format_func=offered.__getitem__, key="compare_a", on_change=keep, width="stretch"
        )
        st.button("", icon=":material/swap_horiz:", key="compare_swap", on_click=swap, help="Change places")
        b = st.selectbox(
            "with", list(offered), format_func=offered.__getitem__, key="compare_b", on_change=keep, width="stretch"
        )
    return str(a), str(b)


def both_at_hand(session: Session, a: str, b: str) -> bool:
    """Fit what is missing: while the person waits, or as a job on a large corpus; False until it is there."""
    opened = cached_results.workspace(session.root)
    missing = [spec for spec in (a, b) if not at_hand(opened, spec)]
    if not missing:
        return True
    if len(opened) > AT_ONCE:
        _as_job(session, opened, missing[0])
        return False
    place = st.empty()
    with place.container():
        bar = st.progress(0.0, "Starting")
        for spec in missing:
            name = METHODS[spec]  # type: ignore[index]
            partition(
                opened,
                spec,
                progress=lambda step, done, total, name=name: (
                    bar.progress(  # type: ignore[misc]
                        min(1.0, done / max(total, 1)),
                        f"{name}: {STEPS.get(step, f'fitting {count(len(opened))} documents')}",
                    )
                    and None
                ),
            )
    place.empty()
    return True


def _as_job(session: Session, opened: Workspace, spec: str) -> None:
    name = METHODS[spec]  # type: ignore[index]
    job = next(
        (
            job
            for job in runner.listed()
            if job.kind == "compare" and job.workspace == str(session.root) and spec in job.arguments
        ),
        None,
    )
    if job is not None:
        job_panel(session, job, place="compare", quiet=True)
        if not runner.status(job).ended:
            return
    st.markdown(f"**{name} has not been fitted on this corpus yet**")
    st.caption(f"It is fitted once to all {count(len(opened))} documents and then kept.")
    if st.button(f"Fit {name}", type="primary", key="compare_fit"):
        runner.start(
            f"Fit {name} to {opened.manifest.name}", ["compare", str(session.root), "--with", spec], session.root
        )
        st.rerun(scope="app")

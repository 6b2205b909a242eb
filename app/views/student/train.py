"""Student: the students that are kept, how to distil one, and how that is going."""

import shlex
from datetime import datetime

import streamlit as st

from app.data import cached_results
from app.jobs import runner
from app.jobs.panel import job_panel
from app.state.session import Session
from app.ui.glossary import HINTS
from app.ui.text import escape, short
from gem_core._formatting import count, percent
from gem_core.pipeline.student.distil import DistilSettings
from gem_core.pipeline.student.registry import SavedStudent, student_folder


def active(session: Session) -> None:
    """Show a distillation that goes on or ended badly."""
    job_panel(session, runner.find(session.root, "distill"), quiet=True, place="student")


def empty(session: Session) -> None:
    """Show what a student is for, and the button."""
    taxonomy = cached_results.taxonomy(session.root)
    with st.container(border=True, gap="small", key="student-empty"):
        st.markdown("**No student has learnt these clusters yet**")
        st.caption(
            f"A student is a small word model. It learns the {len(taxonomy.clusters)} clusters as they are now, "
            "edits included, and labels text at reading speed without vectors: shards of any size. Part of the "
            "documents only tests it."
        )
        if runner.busy(session.root, "distill"):
            st.caption("One is being taught; what it found comes here by itself.")
        else:
            ask(session, "first")


def ask(session: Session, place: str) -> None:
    """Show the button and its settings."""
    taxonomy = cached_results.taxonomy(session.root)
    above = st.container()
    with st.expander("Settings", expanded=place == "another", key=f"student-settings-{place}"):
        one, two, three = st.columns(3, gap="medium")
        seed = one.number_input(
            "Seed",
            0,
            1_000_000,
            0,
            key=f"student-seed-{place}",
            help="Of the split and the training: the same seed gives the same student.",
        )
        test = two.number_input(
            "For the test, percent",
            5,
            50,
            20,
            5,
            key=f"student-test-{place}",
            help="Documents of every cluster that take no part in training or calibration; another "
            "10 percent calibrate.",
        )
        drop = three.number_input(
            "Left out, percent",
            0,
            50,
            0,
            5,
            key=f"student-drop-{place}",
            help="Of every cluster's training documents, those with the lowest GIS.",
        )
    settings = DistilSettings(seed=int(seed), test_share=test / 100, drop=drop / 100)
    folder = student_folder(cached_results.workspace(session.root), taxonomy, settings)
    there, busy = folder.exists(), runner.busy(session.root, "distill")
    arguments = [
        "distill",
        str(session.root),
        "--out",
        str(folder),
        "--seed",
        str(settings.seed),
        "--test-share",
        f"{settings.test_share:g}",
        "--drop",
        f"{settings.drop:g}",
    ]
    with above:
        if st.button(
            "Distil a student",
            type="primary",
            icon=":material/school:",
            key=f"student-start-{place}",
            disabled=there or busy,
            help="Runs in the background, seconds to minutes; it survives a closed tab.",
        ):
            runner.start(f"Student of {cached_results.workspace(session.root).manifest.name}", arguments, session.root)
            st.rerun(scope="app")
        if there:
            st.caption("This student is there already: change a setting.")
        elif busy:
            st.caption("One is being taught.")
    st.code("gem-explorer " + shlex.join(arguments), language=None, wrap_lines=True)


def choose(session: Session, kept: tuple[SavedStudent, ...]) -> SavedStudent:
    """Choose among the students; at first the one made last, of the present taxonomy where there is one."""
    if len(kept) == 1:
        return kept[0]
    taxonomy = cached_results.taxonomy(session.root)
    known = {one.folder.name: one for one in sorted(kept, key=lambda one: not one.matches_taxonomy(taxonomy))}
    first = next(iter(known))

    def name(key: str) -> str:
        one = known[key]
        of = "" if one.matches_taxonomy(taxonomy) else ", of an earlier taxonomy"
        return (
            f"{percent(one.report.agreement)}, seed {one.report.settings['seed']}, made "
            f"{datetime.fromtimestamp(one.created_at):%d %b %H:%M}{of}"
        )

    picked = st.selectbox(
        "Student", list(known), format_func=name, label_visibility="collapsed", width=420, key=f"student-which-{first}"
    )  # a new one is shown when it comes
    return known[picked or first]


def standing(session: Session, student: SavedStudent) -> None:
    """Say where the taxonomy has changed since, and which clusters the test says little of."""
    taxonomy, report = cached_results.taxonomy(session.root), student.report
    if not student.matches_taxonomy(taxonomy):
        st.caption(
            ":orange[:material/warning: The taxonomy has changed since this student was taught: it labels with "
            "the clusters and names of then. Distil another to follow.]"
        )
    names = {one.number: one for one in report.clusters}
    if report.few:
        few = ", ".join(f"{escape(short(names[n].label, 40))} ({names[n].test})" for n in report.few[:4])
        more = f", and {len(report.few) - 4} more" if len(report.few) > 4 else ""
        st.caption(f":orange[:material/warning: Hardly tested, for they are small: {few}{more}]", help=HINTS["recall"])
    if report.absent:
        st.caption(
            f":orange[:material/warning: The student does not know {count(len(report.absent))} clusters without "
            "documents.]"
        )

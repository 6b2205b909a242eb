"""Student view: saved students, training one, and its progress."""

import shlex
from datetime import datetime

import streamlit as st

from app.components.reliable_button import reliable_button
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
    job_panel(session, runner.find(session.root, "distill"), quiet=True, key_prefix="student")


def empty(session: Session) -> None:
    """Show what a student is for, and the button."""
    taxonomy = session.taxonomy
    with st.container(border=True, gap="small", key="student-empty"):
        st.markdown("**No classifier trained yet**")
        st.caption(
            f"A student is a small, fast text classifier. It learns the current {len(taxonomy.clusters)} clusters, "
            "edits included, and labels shards of any size without embeddings. Some documents are held out for testing."
        )
        if runner.busy(session.root, "distill"):
            st.caption("Training in progress; results appear here.")
        else:
            show_train_form(session, "first")


def show_train_form(session: Session, section: str) -> None:
    """Show the button and its settings."""
    workspace, taxonomy = session.workspace, session.taxonomy
    above = st.container()
    with st.expander("Settings", expanded=section == "another", key=f"student-settings-{section}"):
        seed_slot, test_slot, drop_slot = st.columns(3, gap="medium")
        seed = seed_slot.number_input(
            "Seed",
            0,
            1_000_000,
            0,
            key=f"student-seed-{section}",
            help="Seed of the split and of training: the same seed gives the same student.",
        )
        test = test_slot.number_input(
            "Test documents (%)",
            5,
            50,
            20,
            5,
            key=f"student-test-{section}",
            help="Held out of training and calibration, from every cluster; another 10% calibrate.",
        )
        drop = drop_slot.number_input(
            "Excluded from training (%)",
            0,
            50,
            0,
            5,
            key=f"student-drop-{section}",
            help="Share of each cluster's training documents with the lowest GIS.",
        )
    settings = DistilSettings(seed=int(seed), test_share=test / 100, drop=drop / 100)
    folder = student_folder(workspace, taxonomy, settings)
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
        if reliable_button(
            session,
            "Train classifier",
            type="primary",
            icon=":material/school:",
            key=f"student-start-{section}",
            disabled=there or busy,
            help="Runs in the background for seconds to minutes, also when this tab is closed.",
        ):
            runner.start(f"Student of {workspace.manifest.name}", arguments, session.root)
            st.rerun(scope="app")
        if there:
            st.caption("This student exists already: change a setting.")
        elif busy:
            st.caption("Training in progress.")
    st.code("gem-explorer " + shlex.join(arguments), language=None, wrap_lines=True)


def choose_student(session: Session, students: tuple[SavedStudent, ...]) -> SavedStudent:
    """Choose among the students; at first the one made last, of the present taxonomy where there is one."""
    if len(students) == 1:
        return students[0]
    taxonomy = session.taxonomy
    by_folder = {
        student.folder.name: student
        for student in sorted(students, key=lambda student: not student.matches_taxonomy(taxonomy))
    }
    first = next(iter(by_folder))

    def name(key: str) -> str:
        student = by_folder[key]
        of = "" if student.matches_taxonomy(taxonomy) else ", earlier taxonomy"
        return (
            f"{percent(student.report.agreement)}, seed {student.report.settings['seed']}, "
            f"{datetime.fromtimestamp(student.created_at):%d %b %H:%M}{of}"
        )

    picked = st.selectbox(
        "Student",
        list(by_folder),
        format_func=name,
        label_visibility="collapsed",
        width=420,
        key=f"student-which-{first}",
    )  # a new one is shown when it comes
    return by_folder[picked or first]


def standing(session: Session, student: SavedStudent) -> None:
    """Say where the taxonomy has changed since, and which clusters the test says little of."""
    taxonomy, report = session.taxonomy, student.report
    if not student.matches_taxonomy(taxonomy):
        st.caption(
            ":orange[:material/warning: The taxonomy has changed since training: this student uses "
            "the earlier clusters and names. Train another to update it.]"
        )
    names = {cluster.number: cluster for cluster in report.clusters}
    if report.few:
        few = ", ".join(f"{escape(short(names[n].label, 40))} ({names[n].test})" for n in report.few[:4])
        more = f", and {len(report.few) - 4} more" if len(report.few) > 4 else ""
        st.caption(f":orange[:material/warning: Few test documents: {few}{more}]", help=HINTS["recall"])
    if report.absent:
        st.caption(
            f":orange[:material/warning: {count(len(report.absent))} clusters without documents are unknown to "
            "the student.]"
        )

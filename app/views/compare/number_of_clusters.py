"""Number-of-clusters study of Compare: run it as a job, show its curves, try a value in Balance."""

from dataclasses import replace

import pandas as pd
import streamlit as st

from app.charts import studies
from app.charts.chart import show_chart
from app.components.reliable_button import reliable_button
from app.jobs import runner
from app.jobs.panel import job_panel
from app.state.session import Session
from app.ui.figures import heading
from app.ui.glossary import HINTS
from app.views.balance.draft import draft_of
from app.views.compare.stability import estimate
from gem_core.pipeline.compare.cluster_counts import (
    CHOOSING,
    MEASURES,
    CountStudy,
    Measure,
    count_grid,
    read_counts,
    reading,
    summary,
)
from gem_core.pipeline.compare.refits import METHODS, Method
from gem_core.workspace import Taxonomy

HINT = {
    "silhouette": "silhouette",
    "stability": "stability",
    "ari": "ari",
    "nmi": "nmi",
    "largest": "share",
    "cosine_margin": "cosine_margin",
    "within_cosine": "within",
    "entropy": "entropy",
    "smallest": "share",
}
SMALL: tuple[Measure, ...] = ("silhouette", "cosine_margin", "stability", "ari", "nmi", "entropy")


def show_cluster_counts(session: Session) -> None:
    """Show the study form, its progress and its results."""
    taxonomy = session.taxonomy
    method = _show_form(session, taxonomy)
    study = read_counts(session.workspace, method)
    if study is None:
        st.markdown(f"**No K study with {METHODS[method]} yet**")
        st.caption(
            "A study fits a range of cluster counts (K) several times each and compares quality and stability. "
            "Often several values are equally good."
        )
        return
    _show_results(session, taxonomy, study)


def _show_form(session: Session, taxonomy: Taxonomy) -> Method:
    current_count = len(taxonomy.clusters)
    most = len(taxonomy.documents)
    job = next(
        (job for job in runner.list_jobs() if job.kind == "clusters" and job.workspace == str(session.root)), None
    )
    running = False
    if job is not None:
        state = job_panel(session, job, key_prefix="counts", quiet=True)
        running = state is not None and not state.ended
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="counts_ask"):
        method: Method = st.selectbox(
            "Method", list(METHODS), format_func=METHODS.__getitem__, key="counts_method", width=190
        )
        first = st.number_input(
            "From",
            min_value=1,
            max_value=most - 1,
            value=max(1, min(current_count // 3, 8)),
            key="counts_from",
            width=120,
        )
        last = st.number_input(
            "To", min_value=2, max_value=most, value=min(most, max(2 * current_count, 16)), key="counts_to", width=120
        )
        points = st.number_input(
            "Values of K",
            min_value=3,
            max_value=30,
            value=7,
            key="counts_points",
            width=140,
            help="Number of values, spaced evenly on a log scale.",
        )
        seeds = st.number_input(
            "Seeds",
            min_value=1,
            max_value=20,
            value=3,
            key="counts_seeds",
            width=120,
            help="Fits per value. Use three or more to see the spread.",
        )
        start = reliable_button(
            session, "Run study", type="primary", key="counts_start", disabled=running or first >= last
        )
    if first >= last:
        st.caption(":orange[:material/warning: To must be larger than From.]")
    elif not running:
        grid = count_grid(int(first), int(last), int(points))
        fits = len(grid) * int(seeds)
        st.caption(
            f"K = {', '.join(map(str, grid))}: {fits} fits in the background, "
            f"{estimate(taxonomy, method, fits)}; existing fits are reused."
        )
    if start:
        runner.start(
            f"K study with {METHODS[method]}",
            [
                "clusters",
                str(session.root),
                "--method",
                method,
                "--from",
                str(first),
                "--to",
                str(last),
                "--points",
                str(points),
                "--seeds",
                str(seeds),
            ],
            session.root,
        )
        st.rerun()
    return method


@st.fragment
def _show_results(session: Session, taxonomy: Taxonomy, study: CountStudy) -> None:
    current_count = len(taxonomy.clusters) if study.counts[0] <= len(taxonomy.clusters) <= study.counts[-1] else None
    so_far = (
        "" if study.complete else f" :small[:gray[{study.fit_count} of {len(study.counts) * len(study.seeds)} fits]]"
    )
    heading(f"{summary(study)}{so_far}")
    halves = st.grid(2, min_column_width=440, gap="medium", key="counts_halves")
    with halves.cell():
        available_measures = studies.available_measures(study)
        name = st.selectbox(
            "Measure",
            list(available_measures),
            format_func=available_measures.__getitem__,
            key="counts_measure",
            persist_state="session",
            width=280,
        )
        count_reading = reading(study, name)
        st.markdown(
            f"**{count_reading.sentence}**  \n:small[:gray[Line: mean of {len(study.seeds)} seeds. Band: one standard "
            "deviation. Points: single fits.]]",
            help=HINTS.get(HINT.get(name, "")),
        )
        show_chart(
            studies.count_chart(study, name, current_count),
            key="counts_chart",
            alt=f"{MEASURES[name]} by number of clusters; the table below lists the values",
        )
        _show_try_in_balance(session, taxonomy, study, count_reading.counts)
    with halves.cell():
        grid = st.grid(2, min_column_width=190, gap="small", key="counts_small")
        for other in [name for name in SMALL if name in available_measures]:
            with grid.cell():
                choosing = "" if other in CHOOSING else " :gray[changes with K]"
                st.markdown(f":small[**{MEASURES[other]}**{choosing}]", help=HINTS[HINT[other]])
                show_chart(
                    studies.small_count_chart(study, other, current_count),
                    key=f"counts_{other}",
                    alt=f"{MEASURES[other]} by number of clusters",
                )
    _show_table(study)


def _show_try_in_balance(session: Session, taxonomy: Taxonomy, study: CountStudy, suggested: tuple[int, ...]) -> None:
    """Offer to preview a number of clusters in Balance."""
    numbers = list(study.counts)
    first = min(suggested or numbers, key=lambda k: abs(k - len(taxonomy.clusters)))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="counts_take"):
        number = st.selectbox("Number of clusters", numbers, index=numbers.index(first), width=180, key="counts_number")
        if st.button(
            f"Try {number} clusters in Balance",
            key="counts_try",
            icon=":material/balance:",
            disabled=number == len(taxonomy.clusters),
        ):
            draft = draft_of(session, taxonomy)
            draft.put(replace(draft.settings, n_clusters=int(number)))
            st.switch_page("views/balance/page.py")


def _show_table(study: CountStudy) -> None:
    table = st.expander("Show as table", icon=":material/table_rows:", key="counts_table", on_change="rerun")
    if not table.open:
        return
    available_measures = studies.available_measures(study)
    with table:
        st.dataframe(
            pd.DataFrame(
                {
                    "Clusters": [k for k in study.counts for _ in study.seeds],
                    "Seed": [seed for _ in study.counts for seed in study.seeds],
                    **{words: study.values[name].ravel() for name, words in available_measures.items()},
                }
            ),
            hide_index=True,
            key="counts_numbers",
            row_height=30,
            alt="All fits of the study with their measures",
            column_config={
                words: st.column_config.NumberColumn(format="%.3f") for words in available_measures.values()
            },
        )

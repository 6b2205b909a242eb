"""Compare, how many clusters: a study over a range as a job, its curves, an honest reading, a way to try a number."""

from dataclasses import replace

import pandas as pd
import streamlit as st

from app.charts import studies
from app.charts.style import CONFIG
from app.data import cached_results
from app.jobs import runner
from app.jobs.panel import job_panel
from app.state.session import Session
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


def counts(session: Session) -> None:
    """Ask for a study, watch it, read it, and take a number to Balance."""
    taxonomy = cached_results.taxonomy(session.root)
    method = _ask(session, taxonomy)
    study = read_counts(cached_results.workspace(session.root), method)
    if study is None:
        st.markdown(f"**Nobody has tried other numbers of clusters with {METHODS[method]} yet**")
        st.caption(
            "There is seldom one right number. A study fits a range of them, several times each, and says where "
            "the measures tell them apart and where they do not."
        )
        return
    _results(session, taxonomy, study)


def _ask(session: Session, taxonomy: Taxonomy) -> Method:
    present = len(taxonomy.clusters)
    most = len(taxonomy.documents)
    job = next((job for job in runner.listed() if job.kind == "clusters" and job.workspace == str(session.root)), None)
    running = False
    if job is not None:
        state = job_panel(session, job, place="counts", quiet=True)
        running = state is not None and not state.ended
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="counts_ask"):
        method: Method = st.selectbox(
            "Method", list(METHODS), format_func=METHODS.__getitem__, key="counts_method", width=190
        )
        first = st.number_input(
            "From", min_value=1, max_value=most - 1, value=max(1, min(present // 3, 8)), key="counts_from", width=120
        )
        last = st.number_input(
            "To", min_value=2, max_value=most, value=min(most, max(2 * present, 16)), key="counts_to", width=120
        )
        points = st.number_input(
            "Numbers to try",
            min_value=3,
            max_value=30,
            value=7,
            key="counts_points",
            width=140,
            help="Evenly spaced in their logarithm between the two.",
        )
        seeds = st.number_input(
            "Seeds",
            min_value=1,
            max_value=20,
            value=3,
            key="counts_seeds",
            width=120,
            help="Fits of each number. Their spread tells a lead from luck: take three or more.",
        )
        start = st.button("Study numbers", type="primary", key="counts_start", disabled=running or first >= last)
    if first >= last:
        st.caption(":orange[:material/warning: The second number must be larger than the first.]")
    elif not running:
        grid = count_grid(int(first), int(last), int(points))
        fits = len(grid) * int(seeds)
        st.caption(
            f"Tries {', '.join(map(str, grid))} clusters: {fits} fits in the background, "
            f"{estimate(taxonomy, method, fits)}; those that are there already are not made again."
        )
    if start:
        runner.start(
            f"Numbers of clusters with {METHODS[method]}",
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
def _results(session: Session, taxonomy: Taxonomy, study: CountStudy) -> None:
    present = len(taxonomy.clusters) if study.counts[0] <= len(taxonomy.clusters) <= study.counts[-1] else None
    so_far = "" if study.complete else f" :small[:gray[{study.done} of {len(study.counts) * len(study.seeds)} fits]]"
    st.markdown(f"### {summary(study)}{so_far}")
    halves = st.grid(2, min_column_width=440, gap="medium", key="counts_halves")
    with halves.cell():
        offered = studies.measures(study)
        name = st.selectbox(
            "Measure",
            list(offered),
            format_func=offered.__getitem__,
            key="counts_measure",
            persist_state="session",
            width=280,
        )
        found = reading(study, name)
        st.markdown(
            f"**{found.sentence}**  \n:small[:gray[Line: mean over {len(study.seeds)} seeds. Band: one "
            "standard deviation. Points: single fits.]]",
            help=HINTS.get(HINT.get(name, "")),
        )
        st.plotly_chart(
            studies.counts(study, name, present),
            key="counts_chart",
            config=CONFIG,
            alt=f"{MEASURES[name]} over numbers of clusters; the table below holds the numbers",
        )
        _take(session, taxonomy, study, found.counts)
    with halves.cell():
        grid = st.grid(2, min_column_width=190, gap="small", key="counts_small")
        for other in [one for one in SMALL if one in offered]:
            with grid.cell():
                choosing = "" if other in CHOOSING else " :gray[follows the number]"
                st.markdown(f":small[**{MEASURES[other]}**{choosing}]", help=HINTS[HINT[other]])
                st.plotly_chart(
                    studies.small_counts(study, other, present),
                    key=f"counts_{other}",
                    config=CONFIG,
                    alt=f"{MEASURES[other]} over numbers of clusters",
                )
    _table(study)


def _take(session: Session, taxonomy: Taxonomy, study: CountStudy, good: tuple[int, ...]) -> None:
    """A number to Balance, where it is tried before anything changes."""
    numbers = list(study.counts)
    first = min(good or numbers, key=lambda k: abs(k - len(taxonomy.clusters)))
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


def _table(study: CountStudy) -> None:
    table = st.expander("Show as table", icon=":material/table_rows:", key="counts_table", on_change="rerun")
    if not table.open:
        return
    offered = studies.measures(study)
    with table:
        st.dataframe(
            pd.DataFrame(
                {
                    "Clusters": [k for k in study.counts for _ in study.seeds],
                    "Seed": [seed for _ in study.counts for seed in study.seeds],
                    **{words: study.values[name].ravel() for name, words in offered.items()},
                }
            ),
            hide_index=True,
            key="counts_numbers",
            row_height=30,
            alt="Every fit of the study with its measures",
            column_config={words: st.column_config.NumberColumn(format="%.3f") for words in offered.values()},
        )

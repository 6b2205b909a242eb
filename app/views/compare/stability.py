"""Stability study of Compare: refit with other seeds and resamples as a job, and show how well clusters return."""

import numpy as np
import pandas as pd
import streamlit as st

from app.charts import studies as studies_charts
from app.charts.chart import show_chart
from app.components.reliable_button import reliable_button
from app.data import groupings
from app.jobs import runner
from app.jobs.panel import duration_range, job_panel
from app.state.session import Session
from app.ui.clusters import circle, dot_column
from app.ui.figures import heading
from app.ui.glossary import HINTS
from gem_core._formatting import count
from gem_core.pipeline.compare.refits import METHODS, Method
from gem_core.pipeline.compare.stability import RESAMPLES, SEEDS, Stability, finding, read_stability
from gem_core.workspace import Taxonomy

RELATIVE_FIT_TIME = {
    "gem": 1.0,
    "kmeans": 0.3,
    "spherical": 0.1,
    "vmf": 0.5,
}  # Approximate time of a fit relative to GEM.
FIT_SPREAD = (0.6, 1.8)  # fits take these parts of their estimate: seeds need different numbers of iterations
STABLE, UNSTABLE = 0.75, 0.5


def show_stability(session: Session) -> None:
    """Show the study form, its progress and its results."""
    workspace, taxonomy = session.workspace, session.taxonomy
    studies = [study for method in METHODS if (study := read_stability(workspace, method)) is not None]
    _show_form(session, taxonomy)
    if not studies:
        st.markdown("**Stability not measured yet**")
        st.caption(
            "A study refits with other seeds and on resampled documents and measures how well the clusters return."
        )
        return
    own = next((study for study in studies if study.method == "gem"), None)
    heading(_headline(own or studies[0]))
    grid = st.grid(2, min_column_width=440, gap="medium", key="steady_results")
    with grid.cell():
        _show_agreement(studies)
    with grid.cell():
        if own is not None:
            _show_returning(session, taxonomy, own)
        else:
            st.caption("Run a study of GEM to see which of its clusters return.")


def _show_form(session: Session, taxonomy: Taxonomy) -> None:
    job = next(
        (job for job in runner.list_jobs() if job.kind == "stability" and job.workspace == str(session.root)), None
    )
    if job is not None:
        state = job_panel(session, job, key_prefix="steady", quiet=True)
        if state is not None and not state.ended:
            return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="steady_ask"):
        method: Method = st.selectbox(
            "Method", list(METHODS), format_func=METHODS.__getitem__, key="steady_method", width=190
        )
        others = [None, *(other for other in METHODS if other != method)]
        against: Method | None = st.selectbox(
            "Compare with",
            others,
            index=others.index("kmeans") if "kmeans" in others else 0,
            format_func=lambda other: "no other method" if other is None else METHODS[other],
            key="steady_against",
            width=190,
            help="A second method, studied with the same seeds and resamples and shown beside the first.",
        )
        seeds = st.number_input(
            "Seeds",
            min_value=2,
            max_value=50,
            value=SEEDS,
            key="steady_seeds",
            width=130,
            help="Fits that differ only in the seed.",
        )
        draws = st.number_input(
            "Resamples",
            min_value=0,
            max_value=50,
            value=RESAMPLES,
            key="steady_draws",
            width=130,
            help=HINTS["resample"] + " 0 = none.",
        )
        start = reliable_button(session, "Run study", type="primary", key="steady_start", disabled=draws == 1)
    fits = int(seeds) + int(draws)
    times = [estimate(taxonomy, each, fits) for each in (method, against) if each is not None]
    st.caption(
        f"{fits * len(times)} fits in the background, {' and '.join(times)}; existing fits are reused. "
        "Two resamples are compared on the documents they share."
    )
    if start:
        runner.start(
            f"Stability of {METHODS[method]}" + ("" if against is None else f" and {METHODS[against]}"),
            ["stability", str(session.root), "--method", method, "--seeds", str(seeds), "--resamples", str(draws)]
            + (["--against", against] if against is not None else []),
            session.root,
        )
        st.rerun()


def estimate(taxonomy: Taxonomy, method: Method, fits: int) -> str:
    """Estimate how long a number of fits takes, from the time of the current one."""
    seconds = next((cost.seconds for cost in taxonomy.costs if cost.step == "fit"), 0.0)
    if not seconds:
        return "time unknown"
    middle = fits * seconds * RELATIVE_FIT_TIME[method]
    return duration_range(*(part * middle for part in FIT_SPREAD))


def _headline(study: Stability) -> str:
    mean = study.seeds.summary()
    if mean is None:
        return finding(study)
    word = (
        "almost the same"
        if mean.mean >= 0.9
        else "largely the same"
        if mean.mean >= STABLE
        else "partly the same"
        if mean.mean >= UNSTABLE
        else "quite different"
    )
    between = f", {mean.low:.2f} to {mean.high:.2f}" if np.isfinite(mean.low) else ""
    return f"{METHODS[study.method]} clusters are {word} across seeds: ARI {mean.mean:.2f}{between}"


def _show_agreement(studies: list[Stability]) -> None:
    partly = [study for study in studies if not study.complete]
    fits_remaining = sum(sum(study.plan) - len(study.seeds.ids) - len(study.resamples.ids) for study in partly)
    so_far = f" so far, {fits_remaining} fits remaining" if partly else ""
    st.markdown(
        f"**Agreement between refits**{so_far}  \n:small[:gray[Gray: pairs of fits. Dot and bar: mean and "
        "95% interval (bootstrap over fits).]]",
        help=HINTS["stability"],
    )
    show_chart(
        studies_charts.agreement_chart(studies),
        key="steady_pairs",
        alt="Agreement between refits by method; the table below lists the values",
    )
    rows = [
        (METHODS[study.method], words, part.summary())
        for study in studies
        for words, part in (("other seeds", study.seeds), ("other documents", study.resamples))
    ]
    rows_with_mean = [(method, words, mean) for method, words, mean in rows if mean is not None]
    st.dataframe(
        pd.DataFrame(
            {
                "Method": [method for method, _, _ in rows_with_mean],
                "What differs": [words for _, words, _ in rows_with_mean],
                "Fits": [mean.items for _, _, mean in rows_with_mean],
                "Mean ARI": [mean.mean for _, _, mean in rows_with_mean],
                "From": [mean.low for _, _, mean in rows_with_mean],
                "To": [mean.high for _, _, mean in rows_with_mean],
            }
        ),
        hide_index=True,
        key="steady_table",
        row_height=30,
        alt="Agreement between refits",
        column_config={
            "Method": st.column_config.TextColumn(width=132),
            "What differs": st.column_config.TextColumn(width=118),
            "Fits": st.column_config.NumberColumn(width=46),
            **{
                name: st.column_config.NumberColumn(format="%.3f", width=72, help=HINTS["interval"])
                for name in ("Mean ARI", "From", "To")
            },
        },
    )


def _show_returning(session: Session, taxonomy: Taxonomy, study: Stability) -> None:
    return_rates = groupings.return_rates(session.workspace, taxonomy, study)
    order = np.argsort(return_rates, kind="stable")
    unstable_count = int((return_rates < UNSTABLE).sum())
    stable_count = int((return_rates >= STABLE).sum())
    refits = len(study.seeds.ids) + len(study.resamples.ids)
    st.markdown(
        f"**{stable_count} of {len(return_rates)} clusters are stable, {unstable_count} unstable**  \n:small[:gray["
        f"Best overlap (Jaccard) of each cluster with a refit, mean of {count(refits)} refits. Stable: at least 0.75. "
        "Unstable: below 0.5.]]",
        help=HINTS["jaccard"],
    )
    clusters = [taxonomy.clusters[k] for k in order]
    st.dataframe(
        pd.DataFrame(
            {
                " ": [circle(cluster.color) for cluster in clusters],
                "Cluster": [c.label for c in clusters],
                "Returns": return_rates[order],
                "Documents": [c.documents for c in clusters],
            }
        ),
        hide_index=True,
        key="steady_clusters",
        row_height=30,
        height=min(len(clusters), 16) * 30 + 38,
        alt="How well each cluster returns, least stable first",
        column_config={
            " ": dot_column(),
            "Cluster": st.column_config.TextColumn(width="medium"),
            "Returns": st.column_config.ProgressColumn(
                format="%.2f", min_value=0, max_value=1, width=120, help=HINTS["returns"]
            ),
            "Documents": st.column_config.NumberColumn(format="localized", width=88),
        },
    )

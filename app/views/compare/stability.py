"""Compare, stability: does the corpus give the same clusters again? A study as a job, and what it found."""

import numpy as np
import pandas as pd
import streamlit as st

from app.charts import studies as studies_charts
from app.charts.style import CONFIG
from app.data import cached_results, groupings
from app.jobs import runner
from app.jobs.panel import duration, job_panel
from app.state.session import Session
from app.ui.clusters import circle, dot_column
from app.ui.glossary import HINTS
from gem_core._formatting import count
from gem_core.pipeline.compare.refits import METHODS, Method
from gem_core.pipeline.compare.stability import RESAMPLES, SEEDS, Stability, finding, read_stability
from gem_core.workspace import Taxonomy

SLOWER = {"gem": 1.0, "kmeans": 0.3, "spherical": 0.1, "vmf": 0.5}  # time of a fit beside that of GEM, about
STEADY, LOOSE = 0.75, 0.5


def steady(session: Session) -> None:
    """Ask for a study, watch it, and read it."""
    taxonomy = cached_results.taxonomy(session.root)
    workspace = cached_results.workspace(session.root)
    studies = [found for method in METHODS if (found := read_stability(workspace, method)) is not None]
    _ask(session, taxonomy)
    if not studies:
        st.markdown("**Nobody has studied the stability of this taxonomy yet**")
        st.caption(
            "Topics that change with every run cannot be trusted. A study fits again with other seeds and on "
            "resampled documents, and says how far the clusters come back."
        )
        return
    own = next((study for study in studies if study.method == "gem"), None)
    st.markdown(f"### {_headline(own or studies[0])}")
    grid = st.grid(2, min_column_width=440, gap="medium", key="steady_results")
    with grid.cell():
        _agreement(studies)
    with grid.cell():
        if own is not None:
            _returning(session, taxonomy, own)
        else:
            st.caption("Study GEM itself to see which of its clusters come back.")


def _ask(session: Session, taxonomy: Taxonomy) -> None:
    job = next((job for job in runner.listed() if job.kind == "stability" and job.workspace == str(session.root)), None)
    if job is not None:
        state = job_panel(session, job, place="steady", quiet=True)
        if state is not None and not state.ended:
            return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="steady_ask"):
        method: Method = st.selectbox(
            "Method", list(METHODS), format_func=METHODS.__getitem__, key="steady_method", width=190
        )
        seeds = st.number_input(
            "Seeds",
            min_value=2,
            max_value=50,
            value=SEEDS,
            key="steady_seeds",
            width=130,
            help="Fits of all documents that differ in the seed only.",
        )
        draws = st.number_input(
            "Resamples",
            min_value=0,
            max_value=50,
            value=RESAMPLES,
            key="steady_draws",
            width=130,
            help=HINTS["resample"] + " 0: none.",
        )
        start = st.button("Study stability", type="primary", key="steady_start", disabled=draws == 1)
    fits = int(seeds) + int(draws)
    st.caption(
        f"{fits} fits in the background, {estimate(taxonomy, method, fits)}; those that are there already are "
        "not made again. Two resamples are compared over the documents that both drew."
    )
    if start:
        runner.start(
            f"Stability of {METHODS[method]}",
            ["stability", str(session.root), "--method", method, "--seeds", str(seeds), "--resamples", str(draws)],
            session.root,
        )
        st.rerun()


def estimate(taxonomy: Taxonomy, method: Method, fits: int) -> str:
    """How long so many fits take here, from the time of the present one."""
    seconds = next((cost.seconds for cost in taxonomy.costs if cost.step == "fit"), 0.0)
    return f"about {duration(max(1.0, fits * seconds * SLOWER[method]))}" if seconds else "as long as so many fits take"


def _headline(study: Stability) -> str:
    mean = study.seeds.summary()
    if mean is None:
        return finding(study)
    word = (
        "almost the same"
        if mean.mean >= 0.9
        else "much alike"
        if mean.mean >= STEADY
        else "partly alike"
        if mean.mean >= LOOSE
        else "quite different"
    )
    between = f", {mean.low:.2f} to {mean.high:.2f}" if np.isfinite(mean.low) else ""
    return f"{METHODS[study.method]} finds {word} clusters from every seed: ARI {mean.mean:.2f}{between}"


def _agreement(studies: list[Stability]) -> None:
    partly = [study for study in studies if not study.complete]
    left = sum(sum(study.asked) - len(study.seeds.ids) - len(study.resamples.ids) for study in partly)
    so_far = f" so far, {left} fits to come" if partly else ""
    st.markdown(
        f"**Agreement between refits**{so_far}  \n:small[:gray[Grey: every pair of fits. Dot and bar: their "
        "mean and its 95% interval; whole fits are redrawn for it, for pairs share their fits.]]",
        help=HINTS["stability"],
    )
    st.plotly_chart(
        studies_charts.agreement(studies),
        key="steady_pairs",
        config=CONFIG,
        alt="Agreement between refits by method; the table below holds the numbers",
    )
    rows = [
        (METHODS[study.method], words, part.summary())
        for study in studies
        for words, part in (("other seeds", study.seeds), ("other documents", study.resamples))
    ]
    known = [(method, words, mean) for method, words, mean in rows if mean is not None]
    st.dataframe(
        pd.DataFrame(
            {
                "Method": [method for method, _, _ in known],
                "What differs": [words for _, words, _ in known],
                "Fits": [mean.items for _, _, mean in known],
                "Mean ARI": [mean.mean for _, _, mean in known],
                "From": [mean.low for _, _, mean in known],
                "To": [mean.high for _, _, mean in known],
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


def _returning(session: Session, taxonomy: Taxonomy, study: Stability) -> None:
    surely = groupings.returning(session.root, study)
    order = np.argsort(surely, kind="stable")
    loose = int((surely < LOOSE).sum())
    firm = int((surely >= STEADY).sum())
    refits = len(study.seeds.ids) + len(study.resamples.ids)
    st.markdown(
        f"**{firm} of {len(surely)} clusters are steady, {loose} dissolve**  \n:small[:gray[Best Jaccard of "
        f"each cluster in a refit, averaged over {count(refits)} refits. 0.75 and more: steady; below 0.5: it "
        "dissolves.]]",
        help=HINTS["jaccard"],
    )
    shown = [taxonomy.clusters[k] for k in order]
    st.dataframe(
        pd.DataFrame(
            {
                " ": [circle(cluster.colour) for cluster in shown],
                "Cluster": [c.label for c in shown],
                "Returns": surely[order],
                "Documents": [c.documents for c in shown],
            }
        ),
        hide_index=True,
        key="steady_clusters",
        row_height=30,
        height=min(len(shown), 16) * 30 + 38,
        alt="How surely each cluster comes back, the least sure first",
        column_config={
            " ": dot_column(),
            "Cluster": st.column_config.TextColumn(width="medium"),
            "Returns": st.column_config.ProgressColumn(
                format="%.2f", min_value=0, max_value=1, width=120, help=HINTS["returns"]
            ),
            "Documents": st.column_config.NumberColumn(format="localized", width=88),
        },
    )

"""Plotly figures of studies: measures over numbers of clusters, agreement of refits. No corpus text."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from gem_core.pipeline.compare.cluster_counts import MEASURES, CountStudy, Measure
from gem_core.pipeline.compare.refits import METHODS
from gem_core.pipeline.compare.stability import Stability

SLATE, ACCENT = "#7d8998", "#14a08e"  # both readable on the light and the dark ground
PERCENT = ("largest", "smallest")


def counts(study: CountStudy, name: Measure, present: int | None, *, height: int = 330) -> go.Figure:
    """A measure over numbers of clusters: mean, band of one spread, every seed as a point, the present number."""
    table = study.values[name]
    k = np.array(study.counts, dtype=np.float64)
    known = np.isfinite(table).any(axis=1)
    k, table = k[known], table[known]
    mean = np.nanmean(table, axis=1)
    many = np.isfinite(table).sum(axis=1) > 1
    spread = np.where(many, np.nanstd(table, axis=1, ddof=1) if many.all() else np.nanstd(table, axis=1), 0.0)
    form = ".1%" if name in PERCENT else ".3f"
    figure = go.Figure()
    figure.add_scatter(
        x=[*k, *k[::-1]],
        y=[*(mean + spread), *(mean - spread)[::-1]],
        fill="toself",
        hoverinfo="skip",
        line={"width": 0},
        fillcolor="rgba(20,160,142,0.18)",
        mode="lines",
    )
    figure.add_scatter(
        x=np.repeat(k, table.shape[1]),
        y=table.ravel(),
        mode="markers",
        name="one fit",
        marker={"size": 5, "color": SLATE, "opacity": 0.7},
        hovertemplate=f"%{{x}} clusters, one fit: %{{y:{form}}}<extra></extra>",
    )
    figure.add_scatter(
        x=k,
        y=mean,
        mode="lines+markers",
        line={"color": ACCENT, "width": 2},
        marker={"size": 8, "color": ACCENT},
        customdata=spread,
        hovertemplate=f"%{{x}} clusters: %{{y:{form}}}, spread %{{customdata:{form}}}<extra></extra>",
    )
    if present is not None:
        figure.add_vline(x=present, line={"color": SLATE, "width": 1.5, "dash": "dash"})
        figure.add_annotation(
            x=np.log10(present),
            y=1.0,
            yref="paper",
            text=f"present: {present}",
            showarrow=False,
            xanchor="left",
            xshift=4,
            yanchor="bottom",
            font={"size": 11, "color": SLATE},
        )
    figure.update_xaxes(
        type="log",
        tickvals=list(study.counts),
        ticktext=[str(one) for one in study.counts],
        fixedrange=True,
        showgrid=False,
        zeroline=False,
        title={"text": "Clusters (log axis)", "font": {"size": 12}},
    )
    figure.update_yaxes(fixedrange=True, zeroline=False, tickformat=".0%" if name in PERCENT else "")
    return figure.update_layout(
        height=height, showlegend=False, margin={"l": 4, "r": 12, "t": 22, "b": 44}, hovermode="closest", dragmode=False
    )


def small_counts(study: CountStudy, name: Measure, present: int | None) -> go.Figure:
    """`counts` as one of several small charts."""
    figure = counts(study, name, present, height=170)
    figure.update_xaxes(title=None)
    figure.update_layout(margin={"l": 4, "r": 8, "t": 18, "b": 24})
    return figure


def agreement(studies: Sequence[Stability]) -> go.Figure:
    """Agreement between refits: every pair as a point, the mean with its interval; one line a method and part."""
    rows = [
        (f"{METHODS[study.method]}, {word}", part)
        for study in studies
        for word, part in (("other seeds", study.seeds), ("other documents", study.resamples))
        if len(part.ids) > 1
    ]
    figure = go.Figure()
    rng = np.random.default_rng(0)  # only spreads the points that they can be told apart
    for place, (name, part) in enumerate(rows):
        pairs = part.pairs[np.triu_indices(len(part.ids), 1)]
        mean = part.summary()
        assert mean is not None
        figure.add_scatter(
            x=pairs,
            y=place + 0.16 + 0.2 * rng.random(pairs.size),
            mode="markers",
            marker={"size": 5, "color": SLATE, "opacity": 0.55},
            hovertemplate=f"{name}<br>one pair: %{{x:.3f}}<extra></extra>",
        )
        wide = np.isfinite(mean.low)
        figure.add_scatter(
            x=[mean.mean],
            y=[place],
            mode="markers",
            marker={"size": 11, "color": ACCENT},
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [mean.high - mean.mean if wide else 0],
                "arrayminus": [mean.mean - mean.low if wide else 0],
                "color": ACCENT,
                "thickness": 2,
                "width": 6,
            },
            hovertemplate=f"{name}<br>mean {mean.mean:.3f}"
            + (f", interval {mean.low:.3f} to {mean.high:.3f}" if wide else "")
            + "<extra></extra>",
        )
    figure.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=[name for name, _ in rows],
        fixedrange=True,
        range=[len(rows) - 0.4, -0.5],
        showgrid=False,
        zeroline=False,
        automargin=True,
    )
    low = min([0.0, *(float(part.pairs.min()) for _, part in rows)])
    figure.update_xaxes(
        range=[low, 1.02], fixedrange=True, zeroline=False, title={"text": "ARI between two fits", "font": {"size": 12}}
    )
    return figure.update_layout(
        height=58 * len(rows) + 70,
        showlegend=False,
        hovermode="closest",
        dragmode=False,
        margin={"l": 4, "r": 12, "t": 8, "b": 44},
    )


def measures(study: CountStudy) -> dict[Measure, str]:
    """The measures that a study holds."""
    return {name: words for name, words in MEASURES.items() if name in study.values}

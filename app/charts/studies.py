"""Plotly figures of studies: measures by number of clusters, agreement of refits. No corpus text."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from gem_core.pipeline.compare.cluster_counts import MEASURES, CountStudy, Measure
from gem_core.pipeline.compare.refits import METHODS
from gem_core.pipeline.compare.stability import Stability

SLATE, ACCENT = "#7d8998", "#14a08e"  # both readable on the light and the dark ground
PERCENT = ("largest", "smallest")


def count_chart(study: CountStudy, measure: Measure, current: int | None, *, height: int = 330) -> go.Figure:
    """Draw a measure by number of clusters: mean, one standard deviation, every fit, the current number."""
    table = study.values[measure]
    k = np.array(study.counts, dtype=np.float64)
    measured = np.isfinite(table).any(axis=1)
    k, table = k[measured], table[measured]
    mean = np.nanmean(table, axis=1)
    has_spread = np.isfinite(table).sum(axis=1) > 1
    spread = np.where(
        has_spread, np.nanstd(table, axis=1, ddof=1) if has_spread.all() else np.nanstd(table, axis=1), 0.0
    )
    number_format = ".1%" if measure in PERCENT else ".3f"
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
        hovertemplate=f"%{{x}} clusters, one fit: %{{y:{number_format}}}<extra></extra>",
    )
    figure.add_scatter(
        x=k,
        y=mean,
        mode="lines+markers",
        line={"color": ACCENT, "width": 2},
        marker={"size": 8, "color": ACCENT},
        customdata=spread,
        hovertemplate=f"%{{x}} clusters: %{{y:{number_format}}}, spread %{{customdata:{number_format}}}<extra></extra>",
    )
    if current is not None:
        figure.add_vline(x=current, line={"color": SLATE, "width": 1.5, "dash": "dash"})
        figure.add_annotation(
            x=np.log10(current),
            y=1.0,
            yref="paper",
            text=f"current: {current}",
            showarrow=False,
            xanchor="left",
            xshift=4,
            yanchor="bottom",
            font={"size": 11},
        )
    figure.update_xaxes(
        type="log",
        tickvals=list(study.counts),
        ticktext=[str(k) for k in study.counts],
        fixedrange=True,
        showgrid=False,
        zeroline=False,
        title={"text": "Clusters (log axis)", "font": {"size": 12}},
    )
    figure.update_yaxes(fixedrange=True, zeroline=False, tickformat=".0%" if measure in PERCENT else "")
    return figure.update_layout(
        height=height, showlegend=False, margin={"l": 4, "r": 12, "t": 22, "b": 44}, hovermode="closest", dragmode=False
    )


def small_count_chart(study: CountStudy, measure: Measure, current: int | None) -> go.Figure:
    """Draw `count_chart` at a small size."""
    figure = count_chart(study, measure, current, height=170)
    figure.update_xaxes(title=None)
    figure.update_layout(margin={"l": 4, "r": 8, "t": 18, "b": 24})
    return figure


def agreement_chart(studies: Sequence[Stability]) -> go.Figure:
    """Draw the agreement between refits: a point per pair, the mean with its interval; one row per method and kind."""
    rows = [
        (f"{METHODS[study.method]}, {word}", fits)
        for study in studies
        for word, fits in (("other seeds", study.seeds), ("other documents", study.resamples))
        if len(fits.ids) > 1
    ]
    figure = go.Figure()
    rng = np.random.default_rng(0)  # Jitter keeps the points apart.
    for row_index, (name, fits) in enumerate(rows):
        pairs = fits.pairs[np.triu_indices(len(fits.ids), 1)]
        mean = fits.summary()
        assert mean is not None
        figure.add_scatter(
            x=pairs,
            y=row_index + 0.16 + 0.2 * rng.random(pairs.size),
            mode="markers",
            marker={"size": 5, "color": SLATE, "opacity": 0.55},
            hovertemplate=f"{name}<br>one pair: %{{x:.3f}}<extra></extra>",
        )
        wide = np.isfinite(mean.low)
        figure.add_scatter(
            x=[mean.mean],
            y=[row_index],
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
    low = min([0.0, *(float(fits.pairs.min()) for _, fits in rows)])
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


def available_measures(study: CountStudy) -> dict[Measure, str]:
    """Return the measures that a study contains, with their names."""
    return {measure: words for measure, words in MEASURES.items() if measure in study.values}

"""Plotly figures of proxy runs: slopes of targets by domain, and two targets against each other."""

import numpy as np
import plotly.graph_objects as go

from app.charts.style import SLATE, SMALL
from app.ui.text import plain, short
from gem_core.mixing.run_explorer import Front, Slopes

BEST, FRONT = "#14a08e", "#d9822b"  # readable on the light and the dark ground
ROW = 30


def slopes_chart(slopes: Slopes, *, unit: str, sign: float = 1.0) -> go.Figure:
    """Return a heat map of the slopes; those within two standard errors of zero are pale gray.

    `sign` is -1 for targets that were negated because higher is better.
    """
    values = sign * slopes.values
    is_clear = np.abs(values) > 2 * slopes.errors
    wide = max(float(np.abs(values).max(initial=0.0)), 1e-12)
    names = [plain(name) for name in slopes.domains]
    figure = go.Figure(
        go.Heatmap(
            z=np.where(is_clear, values, np.nan),
            x=[short(name, 22) for name in names],
            y=[plain(short(name, 34)) for name in slopes.targets],
            zmid=0,
            zmin=-wide,
            zmax=wide,
            colorscale=[[0, "#2f6fb0"], [0.5, "#d9dde3"], [1, "#c4622d"]],
            customdata=values,
            text=[[f"{value:+.2g}" for value in row] for row in values],
            texttemplate="%{text}",
            textfont={"size": 10},
            hovertemplate="%{y}<br>%{x}: %{customdata:+.4g}<extra></extra>",
            hoverongaps=True,
            xgap=1,
            ygap=1,
            colorbar={"title": {"text": unit, "font": SMALL}, "thickness": 10},
        )
    )
    figure.update_xaxes(tickangle=-40, fixedrange=True, showgrid=False)
    figure.update_yaxes(autorange="reversed", fixedrange=True, showgrid=False, automargin=True)
    return figure.update_layout(
        height=min(max(len(slopes.targets), 4), 40) * ROW + 150, margin={"l": 4, "r": 4, "t": 8, "b": 4}
    )


def front_chart(front: Front, first: str, second: str, *, unit: str, sign: float = 1.0) -> go.Figure:
    """Return the runs by two targets, those that no run beats, and the predicted line between the best mixtures."""
    losses, predicted = sign * front.losses, sign * front.predicted
    figure = go.Figure()
    for name, rows, color, size in (
        ("Runs", ~front.is_best, SLATE, 6),
        ("No run is better in both", front.is_best, BEST, 9),
    ):
        figure.add_scatter(
            x=losses[rows, 0],
            y=losses[rows, 1],
            mode="markers",
            name=name,
            marker={"color": color, "size": size, "opacity": 0.8},
            hovertemplate="%{x:.4g}, %{y:.4g}<extra></extra>",
        )
    figure.add_scatter(
        x=predicted[:, 0],
        y=predicted[:, 1],
        mode="lines+markers",
        name="Predicted",
        line={"color": FRONT, "width": 2, "dash": "dot"},
        marker={"color": FRONT, "size": 6, "symbol": "diamond"},
        hovertemplate="predicted %{x:.4g}, %{y:.4g}<extra></extra>",
    )
    for update, name in ((figure.update_xaxes, first), (figure.update_yaxes, second)):
        update(title={"text": plain(f"{short(name, 40)} ({unit})"), "font": SMALL}, fixedrange=True, zeroline=False)
    return figure.update_layout(
        height=340,
        hovermode="closest",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": SMALL},
        margin={"l": 4, "r": 8, "t": 8, "b": 44},
    )

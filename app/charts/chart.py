"""A Plotly chart with its "Download figure" control; every chart of the app is shown by `show_chart`."""

from collections.abc import Callable
from typing import Any, Literal

import plotly.graph_objects as go
import streamlit as st

from app.charts.style import CONFIG
from app.components.figure_download import show_chart_download
from app.ui.figures import dark

FIGURE_WIDTH = 860.0  # pixels of a downloaded chart; a PNG has twice as many
TITLE_HEIGHT, LEGEND_HEIGHT = 46.0, 30.0
INK = "#172033"
TEXT_COLORS = {False: "#4b5768", True: "#aeb9c9"}  # light, dark: more contrast with the page than 4.5 to 1


def show_chart(
    figure: go.Figure | Callable[[bool], go.Figure],
    *,
    key: str,
    alt: str,
    title: str = "",
    legend: bool = True,
    on_select: Literal["ignore", "rerun"] | Callable[[], None] = "ignore",
    config: dict[str, Any] | None = None,
) -> Any:
    """Show a chart, and below it the control that saves it as SVG or PNG.

    Parameters
    ----------
    figure : go.Figure or callable
        The chart, or what draws it for the dark (True) or the light (False) theme. A download is always light.
    key : str
        Fixed key of the chart; the downloaded file has its name.
    alt : str
        What the chart shows. Its first clause is the title of the figure where there is no `title`.
    title : str
        Title of the downloaded figure.
    legend : bool
        Whether the figure names its traces in a legend.
    on_select : "ignore", "rerun" or callable
        As `st.plotly_chart` has it; points alone can be selected.
    config : dict, optional
        Plotly configuration, instead of `CONFIG`.

    Returns
    -------
    PlotlyState or DeltaGenerator
        What `st.plotly_chart` returns.
    """
    chart = st.plotly_chart(
        color_text(figure(dark()) if callable(figure) else figure, dark=dark()),
        key=key,
        on_select=on_select,
        selection_mode="points",
        config=config or CONFIG,
        alt=alt,
    )
    with st.container(key=f"gem-figure-{key}", horizontal=True, horizontal_alignment="right"):
        menu = st.popover(
            "Download figure", icon=":material/download:", type="tertiary", key=f"figure_{key}", on_change="rerun"
        )
    if menu.open:
        with menu, st.container(width=620, gap="small"):
            _show_preview(
                paper_figure(
                    figure(False) if callable(figure) else go.Figure(figure), title or alt.split(";")[0], legend=legend
                ),
                key,
                alt,
            )
    return chart


def color_text(figure: go.Figure, *, dark: bool) -> go.Figure:
    """Return a copy whose text stands out from the page; Streamlit's own gray of axes is paler than 4.5 to 1."""
    color = TEXT_COLORS[dark]
    copy = go.Figure(figure)
    copy.update_layout(font={"color": color})
    for axes in (copy.update_xaxes, copy.update_yaxes):
        axes(tickfont={"color": color}, title={"font": {"color": color}})
    return copy


def paper_figure(figure: go.Figure, title: str, *, legend: bool = True) -> go.Figure:
    """Turn a chart of the light theme into one that stands alone: white ground, title, legend, own fonts."""
    margin = figure.layout.margin.to_plotly_json()
    for trace in figure.data:
        if not trace.name and "showlegend" in trace:
            trace.showlegend = False
    has_legend = legend and sum(bool(trace.name) for trace in figure.data) > 1
    top = TITLE_HEIGHT + (LEGEND_HEIGHT if has_legend else 0)
    height = (figure.layout.height or 400) + top + 24
    figure.update_layout(
        template="plotly_white",
        title={"text": title, "xref": "container", "x": 16 / FIGURE_WIDTH, "yref": "container", "y": 1 - 26 / height},
        title_font={"size": 17, "color": INK},
        font={"family": "Helvetica, Arial, sans-serif", "color": INK},
        width=FIGURE_WIDTH,
        height=height,
        margin={
            "l": max(16, margin.get("l", 16)),
            "r": max(24, margin.get("r", 24)),
            "t": top + margin.get("t", 0),
            "b": max(36, margin.get("b", 36)) + 8,
        },
        paper_bgcolor="#ffffff",
        plot_bgcolor="#ffffff",
        showlegend=has_legend,
        legend={"orientation": "h", "xref": "container", "x": 12 / FIGURE_WIDTH, "yref": "container"},
    )
    figure.update_layout(legend={"y": 1 - TITLE_HEIGHT / height, "yanchor": "top", "xanchor": "left"})
    return figure


def _show_preview(figure: go.Figure, key: str, alt: str) -> None:
    container = f"gem-preview-{key}"
    show_chart_download(
        container, width=int(figure.layout.width), height=int(figure.layout.height), key=f"download_{key}"
    )
    with st.container(key=container):
        st.plotly_chart(
            figure,
            key=f"preview_{key}",
            theme=None,
            config={
                "displayModeBar": True,
                "displaylogo": False,
                "modeBarButtons": [["toImage"]],
                "toImageButtonOptions": {"filename": key},
            },
            alt=alt,
        )

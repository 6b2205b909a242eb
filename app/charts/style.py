"""Chart style: colors, sizes and the Plotly configuration all charts share."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from app.ui.text import plain, short

SLATE, ACCENT = "#7d8998", "#14a08e"  # both readable on the light and the dark ground
CONFIG = {"displayModeBar": False, "displaylogo": False, "doubleClick": False}
SMALL = {"size": 12}
ROW = 22  # pixels of one cluster's row


def pale(color: str) -> str:
    """Return a color at 32% opacity, as Plotly reads it."""
    return sheer(color, 0.32)


def sheer(color: str, part: float) -> str:
    """Return a color at an opacity of `part`, from 0 to 1, as Plotly reads it."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{part})"


def mix_colors(first: str, second: str, part: float) -> str:
    """Mix two colors linearly in sRGB: `part` of the second, from 0 to 1."""
    values = (round((1 - part) * int(first[i : i + 2], 16) + part * int(second[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{value:02x}" for value in values)


def readable(color: str) -> str:
    """Black or white, whichever stands out more (WCAG relative luminance)."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return "#ffffff" if 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] < 0.179 else "#101418"


def soft(color: str, page: str, part: float = 0.24) -> str:
    """Mix a group's color into the background of the page."""
    return mix_colors(page, color, part)


def row_bars(
    values: Sequence[float] | np.ndarray,
    colors: Sequence[str] | str,
    *,
    width: float,
    facts: Sequence[object],
    hover: str,
    name: str | None = None,
) -> go.Bar:
    """Return horizontal bars without outline, one per row of `lay_out_rows`; `facts` are the custom data of `hover`."""
    return go.Bar(
        y=np.arange(len(values)),
        x=values,
        orientation="h",
        width=width,
        customdata=facts,
        hovertemplate=hover,
        marker={"color": colors, "line": {"width": 0}},
        name=name,
    )


def lay_out_rows(figure: go.Figure, names: Sequence[str]) -> None:
    """Give each name a row of fixed height, the first on top: bars of several charts line up with each other."""
    figure.update_yaxes(
        tickvals=np.arange(len(names)),
        ticktext=[plain(short(name, 30)) for name in names],
        autorange=False,
        range=[len(names) - 0.4, -0.6],
        fixedrange=True,
        showgrid=False,
        ticks="",
        automargin=True,
    )
    figure.update_xaxes(fixedrange=True, zeroline=False)
    figure.update_layout(
        showlegend=False,
        height=len(names) * ROW + 44,
        hovermode="closest",
        margin={"l": 4, "r": 4, "t": 4, "b": 28},
    )

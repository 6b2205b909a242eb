"""Read and set the state of widgets for their callbacks."""

from typing import Any

import streamlit as st


def widget(key: str) -> Any:
    """Return what a widget holds, for its callback."""
    return st.session_state.get(key)


def preset(key: str, value: Any) -> None:
    """Give a widget a value before it is drawn."""
    st.session_state[key] = value


def picked_points(key: str) -> list[tuple[Any, ...]]:
    """Return the custom data of the points that were picked on a Plotly chart, for its callback.

    A row of a numeric array comes back from the browser as {"0": ..., "1": ...}, a list as a list, one number as it is.
    """
    points = read_chart_selection(key).get("points", [])
    carried = [point["customdata"] for point in points if point.get("customdata") is not None]
    rows = [list(each.values()) if isinstance(each, dict) else each for each in carried]
    return [tuple(each) if isinstance(each, list | tuple) else (each,) for each in rows]


def read_chart_selection(key: str) -> dict[str, Any]:
    """Return what was selected on a Plotly chart, for its callback: points, and boxes and lassos by their corners."""
    chart_selection: dict[str, Any] = (widget(key) or {}).get("selection", {})
    return chart_selection

"""Buttons that save a figure as SVG, or as PNG at twice its size: one that came as SVG, or a chart on the page."""

from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "gem_figure_download",
    html='<div class="figure"><img alt="" hidden><div class="buttons">'
    '<button type="button" data-kind="svg">Save SVG</button>'
    '<button type="button" data-kind="png">Save PNG (2x)</button></div></div>',
    css=(_HERE / "figure_download.css").read_text(encoding="utf-8"),
    js=(_HERE / "figure_download.js").read_text(encoding="utf-8"),
)


def show_figure_download(svg: str, name: str, alt: str, *, key: str) -> None:
    """Show a figure small, with the buttons that save it.

    Parameters
    ----------
    svg : str
        A standalone SVG. It is shown as an image, so that no script in it can run.
    name : str
        Name of the files, without an ending.
    alt : str
        What the figure shows.
    key : str
        Fixed key.
    """
    _component(key=key, data={"svg": svg, "name": name, "alt": alt})


def show_chart_download(container: str, *, width: int, height: int, key: str) -> None:
    """Show the buttons that save the Plotly chart in a container of the page; Plotly itself makes the files.

    Parameters
    ----------
    container : str
        Key of the container that holds the chart, whose mode bar has the button "toImage".
    width, height : int
        Size of the figure in pixels.
    key : str
        Fixed key.
    """
    _component(key=key, data={"container": container, "width": width, "height": height})

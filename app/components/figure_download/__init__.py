"""Buttons that save a figure: the SVG as it is, or a PNG at twice its size that the browser draws from it."""

from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "gem_figure_download",
    html='<div class="figure"><img alt=""><div class="buttons"><button type="button" data-kind="svg">Save SVG</button>'
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

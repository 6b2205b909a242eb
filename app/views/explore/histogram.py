"""Histogram of a number above its filter: all documents, and in front of them those that the query selects."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from gem_core._formatting import count

BINS = 48
HEIGHT = 38  # pixels
PALE, STRONG = "var(--st-border-color, #cfd6df)", "var(--st-primary-color, #0b7a6c)"
LONG_TAIL = 50.0  # ratio of the largest to the median value from which the axis is logarithmic

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]


def histogram(values: Float, selected: Bool | None = None) -> tuple[Float, NDArray[np.int64], NDArray[np.int64]]:
    """Count all and the selected values between equally spaced edges; the logarithm is spaced for a long tail.

    Parameters
    ----------
    values : (n,) float
        NaN is left out.
    selected : (n,) bool, optional
        All of them if None.

    Returns
    -------
    edges : (BINS + 1,) float
    every, selected_counts : (BINS,) int
    """
    finite = np.isfinite(values)
    low, high = float(values[finite].min()), float(values[finite].max())
    if low > 0 and high > LONG_TAIL * float(np.median(values[finite])):
        edges = np.geomspace(low, high, BINS + 1)
        edges[0], edges[-1] = low, high
    else:
        edges = np.linspace(low, high, BINS + 1)
    every = np.histogram(values[finite], edges)[0]
    selected_counts = every if selected is None else np.histogram(values[finite & selected], edges)[0]
    return edges, every, selected_counts


def show_histogram(values: Float, selected: Bool | None) -> None:
    """Draw the histogram; its markup holds numbers only."""
    if not np.isfinite(values).any() or np.nanmin(values) == np.nanmax(values):
        return
    edges, every, selected_counts = histogram(values, selected)
    ends = f"{edges[0]:,.4g} to {edges[-1]:,.4g}"
    words = f"{ends}; {count(int(selected_counts.sum()))} of {count(int(every.sum()))} documents"
    # By the square root, so that a tail is visible beside a peak.
    heights = 100 * np.sqrt(every / every.max())
    parts = 100 * np.sqrt(selected_counts / np.maximum(every, 1))
    bars = "".join(
        f'<i style="flex:1;height:{height:.1f}%;background:linear-gradient(to top,{STRONG} {part:.1f}%,{PALE} 0)"></i>'
        for height, part in zip(heights, parts, strict=True)
    )
    st.html(
        f'<div role="img" aria-label="Histogram, {words}" style="display:flex;align-items:flex-end;gap:1px;'
        f'height:{HEIGHT}px;margin-bottom:-.4rem">{bars}</div>'
    )

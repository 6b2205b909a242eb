"""A small page around the globe for its tests: a planted mixture, what Python hears is shown as text.

Arguments: number of documents, number of clusters.
"""

from __future__ import annotations

import colorsys
import json
import sys
from pathlib import Path

import numpy as np
import streamlit as st

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from app.components.globe import GlobePick, globe

N, K = int(sys.argv[1]), int(sys.argv[2])
WORDS = [
    "court rulings",
    "protein folding",
    "garden advice",
    "interest rates",
    "film reviews",
    "star charts",
    "recipes",
]
HOSTILE = "<img src=x onerror=alert(1)> **bold**"


@st.cache_resource
def world(n: int, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Centers, spreads, clusters, another assignment, directions: the same on every call."""
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(k, 3))
    for _ in range(60):  # push them apart a little
        gap = centers[:, None] - centers[None]
        centers += 0.02 * (gap / (np.sum(gap**2, 2, keepdims=True) + 0.05)).sum(1)
        centers /= np.linalg.norm(centers, axis=1, keepdims=True)
    spread = rng.uniform(0.07, 0.2, k)
    z = rng.choice(k, n, p=rng.dirichlet(np.full(k, 1.2)))
    x = centers[z] + rng.normal(size=(n, 3)) * spread[z, None]
    x /= np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-9)
    return centers, spread, z, (x @ centers.T).argmax(1), x.astype(np.float32)


st.set_page_config(layout="wide", page_title="Globe")
centers, spread, planted, refit, xyz = world(N, K)
shades = [colorsys.hls_to_rgb(k / K, 0.53, 0.58) for k in range(K)]
colors = ["#" + "".join(f"{int(255 * c):02x}" for c in shade) for shade in shades]
names = [HOSTILE if k == K - 1 else f"{WORDS[k % 7].capitalize()} {k}" for k in range(K)]
heard = st.session_state.setdefault("heard", [])


def on_pick(pick: GlobePick) -> None:
    heard.append(pick.event)
    st.session_state.note = "3 documents selected" if pick.event == "lasso" else ""
    if pick.event in {"row", "cluster", "clear"}:
        st.session_state.row, st.session_state.cluster = pick.row, pick.cluster


left, right = st.columns([5, 2])
with right:
    assignment = refit if st.toggle("Refit") else planted
    by_value = st.toggle("Values")
    if st.button("Select cluster 3"):
        st.session_state.row, st.session_state.cluster = None, 3
    st.button("Run again")
    st.toggle("Far side", key="far")
    hidden = st.toggle("Hide")
pick = GlobePick()
if not hidden:
    with left:
        pick = globe(
            xyz=xyz,
            rows=np.arange(N) + 1000,
            cluster=assignment,
            colors=colors,
            labels=[(names[k], centers[k], k) for k in range(K)],
            caps=[(centers[k], 1.18 * spread[k]) for k in range(K)],
            values=np.clip(xyz[:, 2] / 2 + 0.5, 0, 1) if by_value else None,
            legend=("Margin, nats", "0", "4.2") if by_value else None,
            selected_row=st.session_state.get("row"),
            selected_cluster=st.session_state.get("cluster"),
            note=st.session_state.get("note", ""),
            look=-xyz.mean(axis=0) if st.session_state.get("far") else None,
            height=640,
            key="world",
            on_pick=on_pick,
        )
with right:
    last_event = {
        "event": pick.event,
        "row": pick.row,
        "cluster": pick.cluster,
        "outline": pick.outline,
        "turn": pick.turn,
        "heard": len(heard),
    }
    st.code(json.dumps(last_event), language=None)

"""Loss preview: the change from natural shares that the n-gram proxy predicts for each cluster."""

from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.charts.chart import show_chart
from app.charts.weights import LossRow, loss_chart
from app.components.poll import pulse
from app.data import mixing
from app.data.ngram_proxy import BuildStatus
from app.state.session import Session
from app.ui.errors import refusal
from app.ui.figures import finding
from gem_core._formatting import count
from gem_core.mixing import Weights
from gem_core.pipeline.mixing.domains import Domains

EVERY = 1.0  # seconds between two checks of the progress
SAME = 5e-4  # nats


@dataclass(frozen=True)
class PreviewLosses:
    """Predicted losses in nats per token: per cluster, (K,), and for the corpus, weighted by natural shares."""

    proposed: NDArray[np.float64]
    natural: NDArray[np.float64]
    whole: float
    whole_natural: float


def show_loss_preview(session: Session, losses: Weights) -> PreviewLosses | None:
    """Show the predicted losses and return them; show the progress and return None while the proxy is being built."""
    workspace, taxonomy = session.workspace, session.mixing_taxonomy
    build = mixing.ngram(workspace, taxonomy)
    if not build.wait():
        _show_progress(build)
        return None
    if build.proxy is None:
        refusal("Cannot predict the loss", build.refused)
        st.button("Try again", key="mixing-preview-again", on_click=mixing.ngram_again, args=(workspace, taxonomy))
        return None
    domains = mixing.domains(workspace, taxonomy)
    proposed, natural = build.proxy.losses(losses.weights), build.proxy.losses(domains.natural)
    preview_losses = PreviewLosses(
        proposed, natural, float(proposed @ domains.natural), float(natural @ domains.natural)
    )
    _show_losses(session, domains, preview_losses)
    return preview_losses


def _show_progress(build: BuildStatus) -> None:
    """Show the build progress; the surrounding fragment polls, since a nested one would lose button presses."""
    st.markdown("**Predicted loss**")
    part = min(1.0, build.completed / max(build.total, 1))
    progress_text = f": {count(build.completed)} of {count(build.total)} documents" if build.total else ""
    st.progress(part, f"Counting tokens, once per taxonomy{progress_text}")
    st.caption("You can set weights meanwhile.")
    pulse(EVERY, "mixing-preview")


def _show_losses(session: Session, domains: Domains, losses: PreviewLosses) -> None:
    taxonomy = session.mixing_taxonomy
    order = np.argsort(-domains.natural, kind="stable")
    rows = [
        LossRow(
            domains.names[at],
            taxonomy.cluster(domains.numbers[at]).color,
            float(losses.natural[at]),
            float(losses.proposed[at]),
        )
        for at in order
    ]
    changed = bool(np.abs(losses.proposed - losses.natural).max() >= SAME)
    finding(
        describe_losses(losses),
        f"{'Change by' if changed else 'By'} a bigram proxy, nats per token on held-out documents. Lower is better.",
    )
    show_chart(
        loss_chart(rows, changed=changed),
        key="mixing-losses",
        alt="Predicted loss of each cluster beside natural shares; the table below holds the numbers",
    )
    st.caption("Bigram proxy: use it for direction and ranking only.")


def describe_losses(losses: PreviewLosses) -> str:
    """Return the finding as a sentence."""
    change = losses.proposed - losses.natural
    if np.abs(change).max() < SAME:
        return f"Predicted loss {losses.whole:.3f} over the corpus, as with natural shares"
    falls, rises = int((change <= -SAME).sum()), int((change >= SAME).sum())
    return (
        f"Predicted loss falls for {falls} clusters, rises for {rises}; "
        f"{losses.whole - losses.whole_natural:+.3f} over the corpus"
    )

"""Mixing, live preview: the loss that an n-gram mixture predicts for each cluster, beside that of natural shares."""

from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.charts.mixing import LossRow, losses
from app.charts.style import CONFIG
from app.components.poll import pulse
from app.data import cached_results, mixing
from app.data.ngram_proxy import Making
from app.state.session import Session
from app.ui.errors import refusal
from app.ui.figures import finding
from gem_core._formatting import count
from gem_core.mixing import Weights
from gem_core.pipeline.mixing.domains import Domains

EVERY = 1.0  # seconds between two looks at how far it is
SAME = 5e-4  # nats


@dataclass(frozen=True)
class Losses:
    """Nats a token for each cluster, (K,), and for the whole corpus: clusters by their natural share."""

    proposed: NDArray[np.float64]
    natural: NDArray[np.float64]
    whole: float
    whole_natural: float


def preview(session: Session, found: Weights) -> Losses | None:
    """Show the predicted change, or how far its making is; None until it is there."""
    making = mixing.ngram(session.root)
    if not making.wait():
        _progress(making)
        return None
    if making.proxy is None:
        refusal("There is no preview of the loss", making.refused)
        st.button("Try again", key="mixing-preview-again", on_click=mixing.ngram_again, args=(session.root,))
        return None
    domains = mixing.domains(session.root)
    proposed, natural = making.proxy.losses(found.weights), making.proxy.losses(domains.natural)
    told = Losses(proposed, natural, float(proposed @ domains.natural), float(natural @ domains.natural))
    _shown(session, domains, told)
    return told


def _progress(making: Making) -> None:
    """Say how far it is; the screen around it looks again, for a fragment of its own would lose what is pressed."""
    st.markdown("**Predicted loss**")
    part = min(1.0, making.done / max(making.total, 1))
    of = f": {count(making.done)} of {count(making.total)} documents" if making.total else ""
    st.progress(part, f"Counting tokens, once for these clusters{of}")
    st.caption("Weights can be set meanwhile.")
    pulse(EVERY, "mixing-preview")


def _shown(session: Session, domains: Domains, found: Losses) -> None:
    taxonomy = cached_results.taxonomy(session.root)
    order = np.argsort(-domains.natural, kind="stable")
    rows = [
        LossRow(
            domains.names[at],
            taxonomy.cluster(domains.numbers[at]).color,
            float(found.natural[at]),
            float(found.proposed[at]),
        )
        for at in order
    ]
    changed = bool(np.abs(found.proposed - found.natural).max() >= SAME)
    finding(
        said(found),
        f"{'Change by' if changed else 'By'} an n-gram mixture, nats a token on held-out documents. "
        f"{'Left is better' if changed else 'Less is better'}.",
    )
    st.plotly_chart(
        losses(rows, changed=changed),
        key="mixing-losses",
        config=CONFIG,
        alt="Predicted loss of each cluster beside natural shares; the table below holds the numbers",
    )
    st.caption("It only counts pairs of tokens: good for direction and order, not for the loss of a large model.")


def said(found: Losses) -> str:
    """The finding in words."""
    change = found.proposed - found.natural
    if np.abs(change).max() < SAME:
        return f"Predicted loss {found.whole:.3f} over the corpus, as with natural shares"
    falls, rises = int((change <= -SAME).sum()), int((change >= SAME).sum())
    return (
        f"Predicted loss falls for {falls} clusters, rises for {rises}; "
        f"{found.whole - found.whole_natural:+.3f} over the corpus"
    )

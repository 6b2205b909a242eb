"""Results of searches and checks for a goal: only trained figures, natural shares beside the proposal."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.charts.chart import show_chart
from app.charts.weights import trained_line
from app.data import mixing
from app.state.session import Session
from app.ui.figures import finding
from app.ui.text import escape, short
from app.views.mixing.run_results import cluster_name, evidence
from gem_core._formatting import count
from gem_core.mixing.goal_search import SEEDS
from gem_core.pipeline.mixing.domains import Domains


def search_result(session: Session) -> bool:
    """Show the last search for a goal; return whether there is one."""
    return _show_trained(session, evidence(session, "regmix"), "search")


def verification_result(session: Session) -> bool:
    """Show the last verification of weights; return whether there is one."""
    return _show_trained(session, evidence(session, "verify"), "verify")


def mixmin_result(session: Session) -> bool:
    """Say whether the proxies of MixMin are there; return whether they are."""
    result = evidence(session, "mixmin")
    if result is None:
        return False
    finding(
        f"{len(result['numbers'])} proxies trained: MixMin serves any goal",
        "Choose the strategy MixMin on Weights, and a goal.",
    )
    return True


def _show_trained(session: Session, result: Mapping[str, Any] | None, kind: str) -> bool:
    if result is None or "first_gains" not in result:
        return False
    target = escape(short(str(result["target"]), 60))
    finding(
        escape(str(result["verdict"])),
        f"Goal {target}, trained with {count(result['seeds'])} fresh seeds; natural shares "
        f"{result['natural_loss']:.3f}, mixture {result['mixture_loss']:.3f} nats per token.",
    )
    show_chart(
        trained_line(
            [0.0, *result["parts"]],
            [0.0, *result["first_gains"]],
            checked=(float(result["part"]), float(result["gain"]), float(result["error"])),
            noise=float(result.get("noise", np.nan)),
        ),
        key=f"mixing-trained-{kind}",
        alt="Trained gain on the goal on the way from natural shares to the proposal, with the checked mixture",
    )
    price, error = float(result["price"]), float(result["price_error"])
    st.caption(f"Corpus loss {price:+.4f} ± {error:.4f} nats per token. " + " ".join(_distance(session, result)))
    return True


def _distance(session: Session, result: Mapping[str, Any]) -> list[str]:
    """Return sentences on how far the weights are from natural shares and from the runs."""
    domains = mixing.domains(session.workspace, session.mixing_taxonomy)
    weights = _in_order(domains, result.get("proposal", result["weights"]))
    p = domains.natural
    used = weights > 0
    divergence = float((weights[used] * np.log(weights[used] / p[used])).sum())
    ratio = weights / np.maximum(p, 1e-300)
    at = int(np.argmax(ratio))
    sentences = [
        f"Proposal: divergence {divergence:.2f} nats from natural shares; largest ratio {ratio[at]:.1f} "
        f"({cluster_name(session, domains.numbers[at])})."
    ]
    if "mixtures" in result:
        mixtures = np.asarray(result["mixtures"], dtype=np.float64)
        outside = np.flatnonzero((weights > mixtures.max(axis=0) + 1e-9) | (weights < mixtures.min(axis=0) - 1e-9))
        if outside.size:
            names = ", ".join(cluster_name(session, domains.numbers[k]) for k in outside[:4])
            more = f", and {outside.size - 4} more" if outside.size > 4 else ""
            sentences.append(f":orange[:material/warning: Outside the range of the runs: {names}{more}.]")
    if "law_error_at_natural" in result:
        sentences.append(f"Error of the law at natural shares {float(result['law_error_at_natural']):+.4f}.")
    if int(result["seeds"]) < SEEDS:
        sentences.append("Few seeds: the error itself is uncertain.")
    return sentences


def _in_order(domains: Domains, weights: Mapping[str, float]) -> NDArray[np.float64]:
    values = np.array([float(weights.get(str(number), 0.0)) for number in domains.numbers])
    return np.asarray(values / max(float(values.sum()), 1e-300))

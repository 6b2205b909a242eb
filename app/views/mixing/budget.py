"""Mixing controls: token budget, pool size and limits of the weights."""

import streamlit as st

from app.ui.glossary import HINTS
from app.ui.text import escape
from app.views.mixing.mix_settings import Mix
from gem_core._formatting import count
from gem_core.errors import InputError
from gem_core.pipeline.mixing.domains import Domains
from gem_core.pipeline.mixing.token_pool import parse_tokens, pool_tokens


def show_budget(mix: Mix, domains: Domains) -> None:
    """Show the fields of budget, pool size, epochs, smallest weight and small clusters."""
    total = int(domains.tokens.sum())
    budget = st.text_input(
        "Token budget",
        value=_amount_text(mix.initial.get("budget", float(total))),
        key=mix.field_key(f"mixing-budget-{total}"),
        max_chars=30,
        help=HINTS["budget"],
    )
    pool = st.text_input(
        "Pool size",
        value=mix.initial.get("pool", ""),
        placeholder=f"this sample: {token_size(total)}",
        key=mix.field_key("mixing-pool"),
        max_chars=300,
        help="Tokens of the pool that this workspace is a sample of: 5e12, a factor such as x1000, or the path of "
        "a labeled folder.",
    )
    try:
        mix.budget = parse_tokens(budget) if budget else float(total)
        mix.pool, mix.pool_tokens = pool, pool_tokens(domains, pool) if pool else None
    except InputError as error:
        st.caption(f":orange[:material/warning: {escape(str(error))}]")
    mix.max_epochs = st.number_input(
        "Max epochs",
        min_value=0.01,
        value=mix.initial.get("max_epochs"),
        step=1.0,
        format="%g",
        placeholder="no limit",
        key=mix.field_key("mixing-epochs"),
        persist_state="session",
        help=HINTS["epochs"],
    )
    left, right = st.columns(2, gap="small")
    with left:
        mix.floor = _percent_input(mix, "floor", "Minimum weight (%)", "Smallest weight of any cluster.")
    with right:
        mix.fold = _percent_input(mix, "fold", "Group clusters below (%)", HINTS["fold"])


def _percent_input(mix: Mix, name: str, label: str, hint: str) -> float:
    value = st.number_input(
        label,
        0.0,
        100.0,
        100 * mix.initial.get(name, 0.0),
        0.5,
        format="%g",
        key=mix.field_key(f"mixing-{name}"),
        persist_state="session",
        help=hint,
    )
    return round((value or 0.0) / 100, 12)


def _amount_text(tokens: float) -> str:
    """Format a budget so that it is read back exactly."""
    return f"{tokens:.0f}" if tokens < 1e7 else f"{tokens!r}"


def token_size(tokens: int, total: int = 0) -> str:
    """Format a number of tokens with a unit, such as 83.2k; `total` is named as the entire corpus."""
    name = next(
        (
            f"{tokens / unit:.3g}{sign}"
            for unit, sign in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
            if tokens >= unit
        ),
        count(tokens),
    )
    return f"{name}, entire corpus" if tokens == total else name

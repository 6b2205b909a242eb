"""Share editor: a Streamlit component with a slider, a number field and a lock per cluster.

`gem_core.geometry.rebalance` updates the other shares; the browser only reports the user's action.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from app.state.widget_state import widget

__all__ = ["Change", "ShareLine", "share_editor"]

_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "gem_shares",
    html='<div class="shares" role="group" aria-label="Shares of clusters"></div>',
    css=(_HERE / "share_editor.css").read_text(encoding="utf-8"),
    js=(_HERE / "share_editor.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class ShareLine:
    """One row of the editor; shares are fractions, `natural` is the tick on the slider."""

    name: str
    color: str
    share: float
    natural: float
    locked: bool


@dataclass(frozen=True)
class Change:
    """A user action: a share was set (`value`, a fraction), or its lock was toggled (`lock`)."""

    at: int
    value: float | None = None
    lock: bool | None = None


def share_editor(
    lines: Sequence[ShareLine],
    *,
    key: str,
    on_change: Callable[[Change], None],
    height: int = 330,
    what: str = "Target share",
) -> None:
    """Show the editor; `on_change` runs before the script reruns, like Streamlit callbacks.

    `what` is the screen-reader label of a share.
    """
    free = sum(not line.locked for line in lines)
    shares = [
        {
            "name": line.name[:120],
            "color": line.color,
            "share": line.share,
            "natural": line.natural,
            "locked": line.locked,
            "only": free == 1 and not line.locked,
        }
        for line in lines
    ]

    def changed() -> None:
        state = widget(key)
        change = read_change(state.get("edit") if state else None, len(lines))
        if change is not None:
            on_change(change)

    _component(
        key=key,
        on_edit_change=changed,
        data={
            "rows": shares,
            "scale": scale_of(lines),
            "height": height,
            "what": what,
            "serial": "/".join(f"{line.share:.6f}{'L' * line.locked}" for line in lines),
        },
    )


def scale_of(lines: Sequence[ShareLine]) -> float:
    """Return the maximum of the sliders: twice the largest share, rounded up to a tenth."""
    largest = max(max(line.share, line.natural) for line in lines)
    return min(1.0, math.ceil(2 * largest / 0.1 - 1e-9) * 0.1)


def read_change(value: Any, count: int) -> Change | None:
    """Return the change in a message of the browser, or None if the message is not valid."""
    if not isinstance(value, dict) or not isinstance(value.get("at"), int) or isinstance(value["at"], bool):
        return None
    at, share, lock = value["at"], value.get("value"), value.get("lock")
    if not 0 <= at < count:
        return None
    if isinstance(lock, bool):
        return Change(at, lock=lock)
    if isinstance(share, (int, float)) and not isinstance(share, bool) and math.isfinite(share):
        return Change(at, value=float(share))
    return None

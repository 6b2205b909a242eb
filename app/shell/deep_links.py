"""Deep links: the address holds what is open, selected, filtered and compared, and opens it again.

An address is input like any other: what is unknown, broken or leads outside the home folder is ignored, and a quiet
line names the part without repeating it. Browser back and forward arrive as an address too.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from app.data import cached_results, map_data
from app.data.home_folder import safe_name
from app.shell.filter_codec import decode_filter, encode_filter
from app.shell.mix_codec import decode_mix, encode_mix
from app.shell.packed_json import MAX_ENCODED
from app.state.session import Session
from app.state.widget_state import preset, widget
from gem_core.errors import GemError
from gem_core.pipeline import home
from gem_core.pipeline.search.filters import NEAREST
from gem_core.workspace import Workspace

LONGEST = 200  # characters of a value in an address
STRONGEST = 1e6
MAX_NEAREST = 1_000_000
COMPARED = ("a", "b")
SPHERE, FLAT, UMAP = "Sphere", "Flat map", "UMAP"
MAPS = {"sphere": SPHERE, "flat": FLAT, "umap": UMAP}  # by their names in links
VIEW = "explore_view"
NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass
class LinkSettings:
    """Settings of the link that was opened, until Balance and Mixing take them up."""

    strength: float | None = None
    mix: dict[str, Any] | None = None


def color_key(root: Path) -> str:
    """Key of the widget that chooses the colors of a workspace's map."""
    return f"explore_colour_{root}"


def follow(session: Session) -> None:
    """Read the address: on the first run of a tab, and when a person goes back or forward in the browser."""
    back = bool(getattr(get_script_run_ctx(), "is_history_navigation", False))
    if session.address_read and not back:
        session.link_notice = ""
        return
    first, session.address_read, session.link_notice = not session.address_read, True, ""
    link_parts = {name: value for name, value in st.query_params.to_dict().items() if name in _READ}
    if not link_parts:  # a page opened from the navigation has no parts yet: what is selected stays
        return
    if not first:
        session.clear_selection()
        session.clear_query()
        session.by_meaning = False
        preset(VIEW, SPHERE)
        preset(color_key(session.root), map_data.CLUSTER)
    if "workspace" in link_parts and not apply_link_part(session, "workspace", link_parts["workspace"]):
        session.missing_workspace = link_parts["workspace"][:LONGEST]
        return  # The other parts are about that workspace.
    ignored = [
        _SHOWN_NAMES.get(name, name)
        for name in _READ
        if name in link_parts and not apply_link_part(session, name, link_parts[name])
    ]
    if not first:
        preset("explore_query", session.query)
    if ignored:
        part_names = " and ".join(filter(None, [", ".join(ignored[:-1]), ignored[-1]]))
        session.link_notice = f"Ignored {part_names} of the link: not found in this workspace."


def keep(session: Session, strength: float | None = None, mix: Mapping[str, Any] | None = None) -> None:
    """Write what is open and selected into the address; nothing runs again for it.

    `strength` is the drafted one where it differs from the applied one; `mix` holds the settings of the Mixing view
    where they differ from the default.
    """
    present = st.query_params.to_dict()
    address = {**{name: value for name, value in present.items() if name not in _READ}, **parts(session, strength)}
    if mix and _fits(text := encode_mix(mix), MAX_ENCODED):
        address["mix"] = text
    if address != present:
        st.query_params.from_dict(address)


def parts(session: Session, strength: float | None = None) -> dict[str, str]:
    """Return the parts of the address for what is open and selected; what is as on a first visit is left out."""
    out: dict[str, str] = {}
    if session.root.parent == home().resolve():
        out["workspace"] = session.root.name
    if session.cluster is not None:
        out["cluster"] = str(session.cluster)
    elif session.group is not None:
        out["group"] = str(session.group)
    if session.row is not None:
        out["document"] = str(session.workspace.documents["id"].iloc[session.row])
    if session.query.strip():
        out["query"] = session.query
        if session.by_meaning:
            out["by"] = "meaning"
    if session.filter:
        out["filter"] = encode_filter(session.filter)
    if session.similar_to is not None:
        out["similar"] = str(session.workspace.documents["id"].iloc[session.similar_to])
    if session.is_semantic and session.nearest != NEAREST:
        out["nearest"] = str(session.nearest)
    if session.duplicate_threshold is not None:
        out["duplicates"] = f"{session.duplicate_threshold:g}"
        if session.duplicate_group is not None:
            out["duplicate-group"] = str(session.duplicate_group)
    for side, spec in zip(COMPARED, session.compared, strict=True):
        if spec:
            out[side] = spec
    view = next((name for name, view in MAPS.items() if view == widget(VIEW)), "sphere")
    if view != "sphere":
        out["map"] = view
    color = widget(color_key(session.root))
    if color and color != map_data.CLUSTER:
        out["colour"] = str(color)
    if strength is not None:
        out["strength"] = "exact" if math.isinf(strength) else f"{strength:.6g}"
    return {name: value for name, value in out.items() if _fits(value, _limit(name))}


def copy_button(key: str) -> None:
    """Offer the address of what is shown; the page's own script copies it (see `page`)."""
    if st.button(
        "Copy link",
        key=f"copylink_{key}",
        icon=":material/link:",
        type="tertiary",
        help="Copy the address of this view. It opens on this machine.",
    ):
        st.toast("Link copied", icon=":material/link:")


def _limit(name: str) -> int:
    return MAX_ENCODED if name in ("filter", "mix") else LONGEST


def _fits(value: str, limit: int) -> bool:
    """Whether a value can stand in an address: short, and text that every browser can encode."""
    return len(value) <= limit and "\0" not in value and not any("\ud800" <= c <= "\udfff" for c in value)


def apply_link_part(session: Session, name: str, value: str) -> bool:
    """Open or select what one part of an address names; return whether that could be done."""
    if not _fits(value, _limit(name)):
        return False
    try:
        return _READ[name](session, value)
    except (GemError, OSError, ValueError):
        return False


def _workspace(session: Session, name: str) -> bool:
    if not name or safe_name(name) != name:
        return False
    inside = home().resolve()
    root = (inside / name).resolve()
    if root.parent != inside or root.name != name or not (root / "manifest.json").is_file():
        return False
    if root != session.root:
        Workspace(root)  # refuses what cannot be read
        session.open_workspace(root)
    return True


def _cluster(session: Session, number: str) -> bool:
    if not NUMBER.fullmatch(number) or not session.taxonomy.has(int(number)):
        return False
    session.select(None, int(number))
    return True


def _group(session: Session, number: str) -> bool:
    group_numbers = [parent.number for parent in session.taxonomy.groups]
    if not NUMBER.fullmatch(number) or int(number) not in group_numbers:
        return False
    session.group = int(number)
    return True


def _document(session: Session, name: str) -> bool:
    row = _row_of(session, name)
    if row is None:
        return False
    session.open_document(row)
    return True


def _row_of(session: Session, name: str) -> int | None:
    ids = session.workspace.documents["id"].astype(str).to_numpy()
    rows = np.flatnonzero(ids == name)
    return int(rows[0]) if len(rows) else None


def _query(session: Session, words: str) -> bool:
    if not words.isprintable():
        return False
    session.query = words
    return True


def _by(session: Session, search_mode: str) -> bool:
    if search_mode not in ("words", "meaning"):
        return False
    session.by_meaning = search_mode == "meaning"
    return True


def _filter(session: Session, text: str) -> bool:
    session.filter = decode_filter(text)
    return True


def _similar(session: Session, name: str) -> bool:
    row = _row_of(session, name)
    session.similar_to = row
    return row is not None


def _nearest(session: Session, text: str) -> bool:
    if not NUMBER.fullmatch(text) or not 1 <= int(text) <= MAX_NEAREST:
        return False
    session.nearest = int(text)
    return True


def _duplicates(session: Session, text: str) -> bool:
    if not re.fullmatch(r"0\.[0-9]{1,4}|1", text) or float(text) < 0.5:
        return False
    session.duplicate_threshold, session.duplicate_group = float(text), None
    return True


def _duplicate_group(session: Session, number: str) -> bool:
    if session.duplicate_threshold is None or not NUMBER.fullmatch(number):
        return False
    session.duplicate_group = int(number)
    return True


def _side(side_index: int) -> Callable[[Session, str], bool]:
    def read(session: Session, spec: str) -> bool:
        if not spec or not spec.isprintable():
            return False
        sides = list(session.compared)
        sides[side_index] = spec
        session.compared = (sides[0], sides[1])
        return True

    return read


def _map(session: Session, kind: str) -> bool:
    if kind not in MAPS:
        return False
    preset(VIEW, MAPS[kind])
    return True


def _color(session: Session, choice: str) -> bool:
    if choice not in cached_results.color_choices(session.workspace, session.taxonomy):
        return False
    preset(color_key(session.root), choice)
    return True


def take_link_strength(session: Session) -> float | None:
    """Return the strength of the link that was opened, once; None if it has none."""
    link = session.drafts.get(LinkSettings)
    strength, link.strength = link.strength, None
    return strength


def take_link_mix(session: Session) -> dict[str, Any] | None:
    """Return the mix of the link that was opened, once; None if it has none."""
    link = session.drafts.get(LinkSettings)
    mix, link.mix = link.mix, None
    return mix


def _strength(session: Session, text: str) -> bool:
    strength = math.inf if text == "exact" else float(text) if re.fullmatch(r"[0-9.eE+-]{1,20}", text) else -1.0
    if not (0 <= strength <= STRONGEST or text == "exact"):
        return False
    session.drafts.get(LinkSettings).strength = strength
    return True


def _mix(session: Session, text: str) -> bool:
    session.drafts.get(LinkSettings).mix = decode_mix(text)
    return True


#: Parts of an address whose name on screen differs: old links stay valid.
_SHOWN_NAMES = {"colour": "color"}
_READ: dict[str, Callable[[Session, str], bool]] = {
    "workspace": _workspace,
    "cluster": _cluster,
    "group": _group,
    "document": _document,
    "query": _query,
    "by": _by,
    "filter": _filter,
    "similar": _similar,
    "nearest": _nearest,
    "duplicates": _duplicates,
    "duplicate-group": _duplicate_group,
    "a": _side(0),
    "b": _side(1),
    "map": _map,
    "colour": _color,
    "strength": _strength,
    "mix": _mix,
}

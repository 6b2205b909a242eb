"""Saved mixes of the Mixing view: save by name, load, delete, undo and redo, and the link to the mix."""

from typing import Any

import streamlit as st

from app.components.notice import show_notice
from app.shell import deep_links
from app.state.session import Session
from app.state.widget_state import preset, widget
from app.ui.errors import refusal
from app.ui.read_only import writing_options
from app.ui.text import short
from app.views.mixing.messages import MixMessages, MixUndo
from app.views.mixing.mix_settings import Mix
from gem_core.errors import GemError
from gem_core.export.saved_mix import mix_names, remove_mix, save_mix, saved_mix, saved_settings
from gem_core.mixing import Weights

UNSAVED = ""


def show_mix_bar(session: Session, mix: Mix) -> None:
    """Show the saved mixes with undo and redo; call before the controls, since loading replaces their fields."""
    workspace, taxonomy = session.workspace, session.mixing_taxonomy
    names = mix_names(workspace, taxonomy)
    if mix.name not in names:
        mix.name = UNSAVED
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="mixing-bar"):
        key = f"mixing-saved-{mix.revision}-{'-'.join(names)}"
        st.selectbox(
            "Mix",
            (UNSAVED, *names),
            index=(UNSAVED, *names).index(mix.name),
            format_func=lambda name: name or "Unsaved mix",
            key=key,
            on_change=lambda: _load(session, mix, str(widget(key) or "")),
            width=210,
            help="Saved mixes of this taxonomy. The mix on screen is kept across reloads, and Export carries it.",
        )
        _show_save_form(session, mix)
        st.button(
            "Undo",
            key="mixing-undo",
            icon=":material/undo:",
            disabled=not mix.undo,
            on_click=_step,
            args=(session, mix, True),
            help="Undo the last change of the mix (Ctrl+Z).",
        )
        st.button(
            "Redo",
            key="mixing-redo",
            icon=":material/redo:",
            disabled=not mix.redo,
            on_click=_step,
            args=(session, mix, False),
            help="Redo the change (Ctrl+Shift+Z).",
        )
        st.button(
            "Delete",
            key="mixing-delete",
            icon=":material/delete:",
            on_click=_remove,
            args=(session, mix),
            **writing_options(not mix.name, "Delete the saved mix; the settings on screen stay."),
        )
        deep_links.copy_button("mixing")
    refusal_text = session.drafts.get(MixMessages).refusal
    if refusal_text:
        refusal("Cannot use this mix", refusal_text)


def show_mix_notice(session: Session, mix: Mix) -> None:
    """Show what was saved or deleted last with its Undo, and listen for Ctrl+Z and Ctrl+Shift+Z."""
    serial, sentence = session.drafts.get(MixMessages).notice
    show_notice(
        short(sentence, 120),
        "Undo",
        serial=serial,
        key="mixing_notice",
        on_undo=lambda: _undo_notice(session, mix),
        on_redo=lambda: _step(session, mix, False),
    )


def _show_save_form(session: Session, mix: Mix) -> None:
    with st.popover("Save", icon=":material/save:", key="mixing-save-form", help="Save the mix by name."):
        name = st.text_input("Name", mix.name, key=f"mixing-save-name-{mix.name}", max_chars=60)
        st.button(
            "Save mix",
            key="mixing-save",
            type="primary",
            on_click=_save,
            **writing_options(not name or not mix.weights),
            args=(session, mix, str(name or "").strip()),
        )


def _save(session: Session, mix: Mix, name: str) -> None:
    session.drafts.get(MixMessages).refusal = ""
    workspace, taxonomy = session.workspace, session.mixing_taxonomy
    weights = mix.weights
    assert isinstance(weights, Weights)  # The button is disabled otherwise.
    before = None
    try:
        if name in mix_names(workspace, taxonomy):
            before = _saved(session, name)
        save_mix(workspace, weights, mix.to_settings(), name)
    except GemError as error:
        session.drafts.get(MixMessages).refusal = str(error)
        return
    mix.name = name
    preset("mixing-save-form", False)
    _notify(session, mix, f"Replaced {name}" if before else f"Saved as {name}", (name, before))


def _load(session: Session, mix: Mix, name: str) -> None:
    """Load a saved mix, for a callback; without a name the settings on screen stay."""
    session.drafts.get(MixMessages).refusal = ""
    mix.name = name
    if not name:
        return
    workspace, taxonomy = session.workspace, session.mixing_taxonomy
    try:
        mix.load(saved_settings(workspace, taxonomy, name))
    except GemError as error:
        session.drafts.get(MixMessages).refusal = str(error)


def _remove(session: Session, mix: Mix) -> None:
    name = mix.name
    before = _saved(session, name)
    workspace, taxonomy = session.workspace, session.mixing_taxonomy
    remove_mix(workspace, taxonomy, name)
    mix.name = UNSAVED
    _notify(session, mix, f"Deleted {name}", (name, before))


def _saved(session: Session, name: str) -> tuple[Weights, dict[str, Any]] | None:
    """Return a saved mix so that it can be put back; None if its file is damaged."""
    workspace, taxonomy = session.workspace, session.mixing_taxonomy
    try:
        weights = saved_mix(workspace, taxonomy, name)
        return None if weights is None else (weights, saved_settings(workspace, taxonomy, name))
    except GemError:  # A damaged mix may be replaced or deleted, and cannot come back.
        return None


def _notify(session: Session, mix: Mix, sentence: str, file: tuple[str, tuple[Weights, dict[str, Any]] | None]) -> None:
    messages = session.drafts.get(MixMessages)
    messages.notice, messages.undo = (messages.notice[0] + 1, sentence), MixUndo(*file, mix.recorded)


def _undo_notice(session: Session, mix: Mix) -> None:
    """Undo what was done last: the save or deletion of a mix, or the last change of the settings."""
    messages = session.drafts.get(MixMessages)
    undo, messages.undo = messages.undo, None
    if undo is None or undo.recorded != mix.recorded:
        _step(session, mix, True)
        return
    workspace, taxonomy = session.workspace, session.mixing_taxonomy
    if undo.before is None:
        remove_mix(workspace, taxonomy, undo.name)
        mix.name = UNSAVED
    else:
        save_mix(workspace, *undo.before, undo.name)
        mix.name = undo.name


def _step(session: Session, mix: Mix, back: bool) -> None:
    messages = session.drafts.get(MixMessages)
    messages.refusal, messages.undo = "", None
    mix.step(back)

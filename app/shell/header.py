"""Header above every view: the open workspace, background jobs, glossary and help."""

import streamlit as st

from app.shell import deep_links, shortcuts, tour
from app.shell.activity import show_activity
from app.state.session import Session
from app.state.widget_state import preset
from app.ui.glossary import matching
from app.ui.text import escape, short
from gem_core._formatting import count, strength_text
from gem_core.errors import WorkspaceError


def header(session: Session, view: str) -> None:
    """Read the address; show the workspace, the jobs, the glossary and help."""
    deep_links.follow(session)
    with st.container(key="gem-header", horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(_describe_workspace(session), width="stretch")
        with st.container(width="content", key="gem-header-jobs"):
            show_activity(session)
        with st.popover("Glossary", type="tertiary", icon=":material/dictionary:", key="glossary_open"):
            _glossary()
        with st.container(width="content"):
            _help(session)
        shortcuts.shortcut_listener()
    if session.link_notice:
        st.caption(f":material/link_off: {session.link_notice}")
    tour.tour_card(session, view)


def _describe_workspace(session: Session) -> str:
    """Name and figures of the open workspace."""
    if session.missing_workspace:
        return ":gray[No workspace open]"
    try:
        workspace = session.workspace
        manifest = workspace.manifest
        facts = [f"{count(manifest.documents)} documents", f"{count(manifest.tokens)} tokens"]
        if workspace.fitted():
            taxonomy = session.taxonomy
            facts += [
                f"{len(taxonomy.clusters)} clusters in {len(taxonomy.groups)} groups",
                f"balance strength {strength_text(taxonomy.settings.strength)}",
            ]
    except WorkspaceError:  # the screen below says why; Corpus opens another
        return ":gray[No workspace open]"
    quiet = "  ·  ".join(facts)
    return f"**{escape(short(manifest.name))}** &nbsp; :gray[{quiet}]"


@st.fragment
def _glossary() -> None:
    words = st.text_input(
        "Find a term",
        key="glossary_words",
        live="200ms",
        max_chars=40,
        placeholder="Find a term",
        label_visibility="collapsed",
        icon=":material/search:",
    )
    terms = matching(str(words or ""))
    with st.container(height=380, border=False, gap="xsmall", key="glossary_terms"):
        for term in terms:
            st.markdown(f"**{term.name}**  \n:small[{term.line}]")
        if not terms:
            st.caption("No matching term")


@st.fragment
def _help(session: Session) -> None:
    with st.popover("Help", type="tertiary", icon=":material/help:", key="help_open", on_change="rerun"):
        for scope, keys in shortcuts.KEYS:
            st.markdown(f"**{scope}**")
            st.markdown("  \n".join(f"`{key}` &nbsp; {does}" for key, does in keys))
        if st.button(
            "Start the tour", icon=":material/tour:", key="tour_again", on_click=_first_steps, args=(session,)
        ):
            st.switch_page(f"views/{tour.STEPS[0].view}/page.py")


def _first_steps(session: Session) -> None:
    preset("help_open", False)  # An open popover would cover the card.
    tour.start_tour(session)

"""Polling: rerun a fragment every few seconds, never during a user action.

Streamlit's own ``run_every`` asks at any moment. A request that comes while a press waits for the server takes the
press's place, and a link to another page is lost.
"""

import streamlit as st

# It travels with every beat, so all it does is call the page's own script (shell/shortcuts.js).
_component = st.components.v2.component(
    "gem_pulse",
    html="<span hidden></span>",
    js="""export default (component) => {
  let stop, wait = setInterval(() => {
    if (window.gemPulse) { clearInterval(wait); stop = window.gemPulse(component); }
  }, 50);
  return () => { clearInterval(wait); stop?.(); };
}""",
)


def pulse(seconds: float, key: str, *, hidden: bool = False) -> None:
    """Run the fragment this stands in again after `seconds` without a run or a press.

    `hidden`: also while the tab is not on screen, where no press can be on its way.
    """
    with st.container(key=f"pulse_{key}", height="content", width=1):
        _component(key=f"pulse-{key}", data={"seconds": seconds, "hidden": hidden}, on_beat_change=_nothing)


def _nothing() -> None:
    """Do nothing: Streamlit delivers a trigger value only if a callback is registered."""

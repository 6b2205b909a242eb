"""Error boxes: our own errors with their hint, unexpected ones with a pointer to the log."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit.errors import FragmentHandledException

from app.ui.text import short
from gem_core.errors import GemError

LOG = logging.getLogger("gem_explorer")


@contextmanager
def guarded() -> Iterator[None]:
    """Show our own errors as what must hold, what came and what to do; another goes to the log, its name on screen."""
    try:
        yield
    except GemError as error:
        refusal("Cannot complete this action", str(error))
    except FragmentHandledException:  # has been shown already
        raise
    except Exception as error:
        LOG.exception("A screen failed")
        refusal(
            "Unexpected error",
            f"{type(error).__name__}: {short(str(error), 300)}\nNo partial "
            "changes were saved. Reload the page; if the error persists, see the gem-explorer log.",
        )


def refusal(heading: str, reason: str) -> None:
    """Show an error: `heading` is ours, `reason` may hold corpus text."""
    with st.container(border=True, gap="xsmall"):
        st.markdown(f":red[:material/error:] **{heading}**")
        st.text(reason)

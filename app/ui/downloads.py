"""Files that are made when their button is pressed, and stay until the browser has fetched them."""

import logging
from collections.abc import Callable
from contextlib import suppress
from itertools import count

from streamlit import runtime

# The thread that makes a file belongs to no page, and Streamlit would say so in the log each time.
logging.getLogger("streamlit.runtime.scriptrunner_utils.script_run_context").setLevel(logging.ERROR)

KEPT = 8  # files kept at once; the oldest is dropped
_turn = count()


def retained_download(make: Callable[[], bytes], name: str, mime: str) -> Callable[[], bytes]:
    """Wrap what a download button calls, so that its file cannot vanish before it is fetched.

    Streamlit makes such a file on the press, tells the browser its address, and drops it after two runs of any page:
    with pages that look around every second that can be before a busy browser has asked for it. A reference of our
    own holds it.
    """

    def make_and_hold() -> bytes:
        data = make()
        with suppress(AttributeError, RuntimeError):  # a Streamlit that keeps its files elsewhere
            if runtime.exists():
                runtime.get_instance().media_file_mgr.add(
                    data, mime, f"kept-{next(_turn) % KEPT}", file_name=name, is_for_static_download=True
                )
        return data

    return make_and_hold

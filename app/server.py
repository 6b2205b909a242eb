"""The app's server, as a program: `python app/server.py run app/main.py ...` in place of `streamlit run ...`.

The libraries of the first page are loaded before it answers, so that a person's first look does not wait; those of the
other screens a little later, while the first page is read.
"""

import threading
from importlib import import_module

import gem_core.pipeline  # noqa: F401

LATER = ("torch", "sklearn.metrics", "plotly.graph_objects")
SECONDS = 4.0  # from the start: the first page stands by then


def _load() -> None:
    for name in LATER:
        import_module(name)


if __name__ == "__main__":
    from streamlit.web.cli import main

    timer = threading.Timer(SECONDS, _load)
    timer.daemon = True
    timer.start()
    main(prog_name="streamlit")

"""The app's server, as a program: `python app/server.py run app/main.py ...` in place of `streamlit run ...`.

It answers when the libraries of all screens are loaded, and the app's own parts. That costs the start two seconds;
loaded later they cost more, in the middle of what a person does: the first page of one kind, or a search while they
load behind it.
"""

import os
from importlib import import_module
from pathlib import Path

LIBRARIES = ("gem_core.pipeline", "torch", "faiss", "sklearn.metrics", "plotly.graph_objects")
PARTS = Path(__file__).parent / "views"

if __name__ == "__main__":
    # Read when torch is loaded: threads that wait for each other sleep instead of turning in place. Alone on a machine
    # a fit takes a quarter longer; beside a background job it takes a fifth of the time.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    from streamlit.web.cli import main

    for name in (*LIBRARIES, *(f"views.{part.stem}" for part in sorted(PARTS.glob("*_*.py")))):
        import_module(name)
    main(prog_name="streamlit")

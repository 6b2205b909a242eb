"""Start the app's server: `python app/server.py run app/main.py ...` in place of `streamlit run ...`.

The server answers once the libraries and views are loaded. That costs the start two seconds; loaded later they would
cost more, in the middle of a person's first page or search.
"""

import os
import sys
from importlib import import_module
from pathlib import Path

LIBRARIES = ("gem_core.pipeline", "torch", "faiss", "sklearn.metrics", "plotly.graph_objects")
APP = Path(__file__).resolve().parent

if __name__ == "__main__":
    # The package `app` is imported from the folder that holds it, not from inside itself.
    sys.path[0] = str(APP.parent)
    # Read when torch is loaded: threads that wait for each other sleep instead of spinning. Alone on a machine a fit
    # takes a quarter longer; beside a background job it takes a fifth of the time.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    from streamlit.web.cli import main

    views = sorted(path for path in (APP / "views").glob("*/*.py") if path.stem not in ("page", "__init__"))
    for name in (*LIBRARIES, *(f"app.views.{path.parent.name}.{path.stem}" for path in views)):
        import_module(name)
    main(prog_name="streamlit")

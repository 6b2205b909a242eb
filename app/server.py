"""Start the app's server: `python app/server.py --workspace DIR`, with its options in the environment.

The server answers once the libraries and views are loaded. That costs the start two seconds; loaded later they would
cost more, in the middle of a person's first page or search. With GEM_EXPLORER_TOKEN set, only who knows the token gets
an answer (`app.shell.access`); it travels in the environment, which other accounts cannot read.
"""

import os
import sys
import threading
import time
import webbrowser
from importlib import import_module
from pathlib import Path
from urllib.request import urlopen

LIBRARIES = ("gem_core.pipeline", "torch", "faiss", "sklearn.metrics", "plotly.graph_objects")
APP = Path(__file__).resolve().parent


def open_browser(address: str, health: str) -> None:
    """Open a browser on `address` once the server answers; give up after a minute."""
    for _ in range(240):
        try:
            with urlopen(health, timeout=1):
                webbrowser.open(address)
                return
        except OSError:
            time.sleep(0.25)


if __name__ == "__main__":
    # The package `app` is imported from the folder that holds it, not from inside itself.
    sys.path[0] = str(APP.parent)
    # Read when torch is loaded: threads that wait for each other sleep instead of spinning. Alone on a machine a fit
    # takes a quarter longer; beside a background job it takes a fifth of the time.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    import streamlit as st
    from starlette.middleware import Middleware

    from app.data.map_requests import MAP_REQUESTS
    from app.shell.access import HEALTH, TOKEN, AccessGuard

    views = sorted(path for path in (APP / "views").glob("*/*.py") if path.stem not in ("page", "__init__"))
    for name in (*LIBRARIES, *(f"app.views.{path.parent.name}.{path.stem}" for path in views)):
        import_module(name)
    # Programs that the app starts must not inherit the token.
    token = os.environ.pop("GEM_EXPLORER_TOKEN", "")
    port, host = os.environ.get("GEM_EXPLORER_PORT", "8501"), os.environ.get("GEM_EXPLORER_HOST", "127.0.0.1")
    base = os.environ.get("GEM_EXPLORER_BASE_PATH", "").strip("/")
    root = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}/{base}".rstrip("/")
    address = f"{root}/?{TOKEN}={token}" if token else f"{root}/"
    guard = Middleware(AccessGuard, token=token, cookie=f"gem-explorer-{port}", path=f"/{base}")
    print(f"GEM Explorer: {address}", flush=True)
    if os.environ.pop("GEM_EXPLORER_BROWSER", ""):
        threading.Thread(target=open_browser, args=(address, root + HEALTH), daemon=True).start()
    st.App(str(APP / "main.py"), routes=MAP_REQUESTS.routes(), middleware=[guard] if token else []).run(
        config={
            "server.port": int(port),
            "server.address": host,
            "server.baseUrlPath": base,
            "server.headless": True,
            "logger.hideWelcomeMessage": True,
        }
    )

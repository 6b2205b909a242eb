"""The app without a browser: open a screen, and read what it says."""

import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

APP = Path(__file__).resolve().parents[2] / "app"


def opened(root: Path, monkeypatch: pytest.MonkeyPatch, screen: str = "explore", *, timeout: float = 120) -> AppTest:
    """A screen of the app on a workspace, run once."""
    monkeypatch.setattr(sys, "argv", ["main.py", "--workspace", str(root)])
    app = AppTest.from_file(str(APP / "main.py"), default_timeout=timeout)
    if screen != "explore":
        first_page(app, screen)
    app.run()
    assert not app.exception
    return app


def first_page(app: AppTest, screen: str) -> AppTest:
    """Set the screen of the first run; `AppTest.switch_page` knows a custom `url_path` from the second run on only."""
    app._page_hash = calc_hash(screen)
    return app


def words(app: AppTest) -> str:
    """Everything the page says in Markdown, captions and text."""
    return "\n".join(
        str(item.value) for kind in (app.markdown, app.subheader, app.caption, app.text, app.code) for item in kind
    )


def table(app: AppTest, key: str) -> Any:
    """Table with a key as a data frame: a row list of the app, or one of Streamlit's own."""
    rows = row_list(app, key)
    return next(frame for frame in app.dataframe if frame.key == key).value if rows is None else rows


def row_list(app: AppTest, key: str) -> pd.DataFrame | None:
    """Return a row list with its values as a data frame, or None if the page has none with this key."""
    for element in app.get("bidi_component"):
        if element.key == key:
            columns = json.loads(element.proto.json)["columns"]
            return pd.DataFrame({column["name"]: column["values"] for column in columns})
    return None

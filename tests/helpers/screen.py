"""The app without a browser: open a screen, and read what it says."""

import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("streamlit")
from streamlit.testing.v1 import AppTest

APP = Path(__file__).resolve().parents[2] / "app"


def opened(root: Path, monkeypatch: pytest.MonkeyPatch, screen: str = "explore", *, timeout: float = 120) -> AppTest:
    """A screen of the app on a workspace, run once."""
    monkeypatch.setattr(sys, "argv", ["main.py", "--workspace", str(root)])
    app = AppTest.from_file(str(APP / "main.py"), default_timeout=timeout)
    if screen != "explore":
        app.switch_page(f"views/{screen}/page.py")
    app.run()
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    """Everything the page says in Markdown, captions and text."""
    return "\n".join(str(item.value) for kind in (app.markdown, app.caption, app.text, app.code) for item in kind)


def table(app: AppTest, key: str) -> Any:
    return next(frame for frame in app.dataframe if frame.key == key).value

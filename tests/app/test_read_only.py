"""A server that only shows workspaces: no screen offers what would change one."""

import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from gem_core.workspace import Workspace
from gem_core.workspace.store import READ_ONLY

APP = Path(__file__).parents[2] / "app"
VIEWS = ("balance", "mixing", "taxonomy", "compare", "student", "corpus", "export", "explore")
HARMLESS = {
    *("tour_again", "balance-off", "balance-default", "balance-exact", "balance-suggest", "balance-reset"),
    *("copylink_mixing", "compare_swap", "corpus_sample", "explore_twins"),
}  # keys of buttons without the number that some end with


def turn_balance_off(app: AppTest) -> None:
    next(button for button in app.button if button.key.startswith("balance-off")).click().run()


def test_no_screen_has_an_enabled_button_that_writes(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["main.py", "--workspace", str(sample.root)])
    monkeypatch.setenv(READ_ONLY, "1")
    app = AppTest.from_file(str(APP / "main.py"), default_timeout=120).run()
    for view in VIEWS:
        app.switch_page(f"views/{view}/page.py").run()
        assert not app.exception
        if view == "balance":
            turn_balance_off(app)  # With a changed setting, Apply would be enabled.
        assert {button.key.rstrip("-0123456789") for button in app.button if not button.disabled} <= HARMLESS, view


def test_apply_is_enabled_elsewhere(sample: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["main.py", "--workspace", str(sample.root)])
    app = AppTest.from_file(str(APP / "main.py"), default_timeout=120).run()
    app.switch_page("views/balance/page.py").run()
    turn_balance_off(app)
    assert not app.button(key="balance-apply").disabled

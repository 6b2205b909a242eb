"""A slow connection: answers arrive late, a person goes on pressing meanwhile, and the page stays alive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.helpers.pages import ready

pytestmark = pytest.mark.browser
GLOBE = "canvas[role=application]"
LATE = """
window.WebSocket = class extends WebSocket {
    addEventListener(type, hear, ...rest) {
        super.addEventListener(type, type === "message" ? (e) => setTimeout(() => hear(e), 700) : hear, ...rest);
    }
};
"""


def test_presses_that_overtake_late_answers_keep_the_page(serve: Any, browser_page: Any, built_sample: Path) -> None:
    served = serve("app/main.py", "--workspace", str(built_sample))
    page = browser_page()
    page.set_default_timeout(120_000)  # Late answers on a busy machine; a dead page fails all the same.
    page.add_init_script(LATE)
    page.goto(served.url)
    page.locator(GLOBE).wait_for()
    ready(page)
    box = page.locator(GLOBE).bounding_box()
    for turn in range(20):
        page.mouse.click(
            box["x"] + box["width"] * (0.35 + 0.1 * (turn % 3)), box["y"] + box["height"] * (0.4 + 0.02 * (turn % 7))
        )
        page.wait_for_timeout(330)
    ready(page)
    for name in ("Balance", "Explore", "Taxonomy", "Export", "Explore") * 2:
        page.get_by_role("link", name=name, exact=True).click()
        page.wait_for_timeout(900)
    page.locator(GLOBE).wait_for()
    ready(page)
    assert page.errors == []

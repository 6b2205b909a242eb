"""What the tests of the browser rely on: nothing leaves this machine, and who tries is written down."""

from typing import Any

import pytest

pytestmark = pytest.mark.browser
ASK = """(url) => new Promise((done) => {
    const picture = new Image();
    picture.onload = () => done("loaded"), picture.onerror = () => done("refused"), picture.src = url;
})"""


@pytest.mark.parametrize("url", ["http://evil.example/a.png", "https://evil.example/a.png", "http://192.0.2.1/a.png"])
def test_a_request_to_another_machine_fails_and_is_noted(browser_page: Any, url: str) -> None:
    page = browser_page("about:blank", streamlit=False)
    assert page.evaluate(ASK, url) == "refused"
    assert page.outside == [url]
    assert page.errors == ["Failed to load resource: net::ERR_NAME_NOT_RESOLVED"]


def test_own_pages_are_no_news(browser_page: Any) -> None:
    page = browser_page("about:blank", streamlit=False)
    assert page.evaluate(ASK, "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=") == "loaded"
    assert page.evaluate(ASK, "http://127.0.0.1:9/a.png") == "refused"  # nobody listens there
    assert page.outside == []

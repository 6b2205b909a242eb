"""A first visit, keys, addresses that can be copied, and the browser's own back and forward."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from gem_core.workspace import Workspace
from tests.helpers.pages import ready, until

pytestmark = pytest.mark.browser


@pytest.fixture
def home(built_sample: Path, tmp_path: Path) -> Path:
    """A home folder with the sample in it that nobody has visited yet."""
    shutil.copytree(built_sample, tmp_path / "home" / "sample")
    return tmp_path / "home"


def parts(page: Any) -> dict[str, str]:
    """Parts of the page's address."""
    href = page.evaluate("() => location.href")  # `page.url` only moves while Playwright is asked something
    return {name: values[0] for name, values in parse_qs(urlsplit(href).query).items()}


def opened(browser_page: Any, url: str, **options: Any) -> Any:
    page = browser_page(None, **options)
    page.set_default_timeout(120_000)
    page.goto(url, wait_until="domcontentloaded", timeout=240_000)
    page.locator(".st-key-gem-header").wait_for()
    page.locator("body[data-keys=heard]").wait_for(state="attached")
    ready(page)
    return page


def test_the_first_steps_lead_through_the_screens_once(serve: Any, browser_page: Any, home: Path) -> None:
    served = serve("app/main.py", env={"GEM_EXPLORER_HOME": str(home)})
    page = opened(browser_page, served.url, width=900)
    card = page.locator(".st-key-tour-card")
    card.wait_for()
    screens = []
    for step in range(5):
        page.get_by_text(f"{step + 1} of 5").wait_for()
        ready(page)
        screens.append(urlsplit(page.url).path)
        ringed = page.evaluate(
            "() => [...document.querySelectorAll('*')].filter((e) => "
            "getComputedStyle(e).outlineWidth === '2px' && e.offsetWidth > 40).length"
        )
        assert ringed >= 1, f"step {step + 1} rings a real control"
        if step < 4:
            card.get_by_role("button", name="Next").click()
    assert screens == ["/", "/", "/balance", "/taxonomy", "/export"]
    card.get_by_role("button", name="Done").click()
    card.wait_for(state="detached")
    assert (home / "first-visit-done").exists()

    again = opened(browser_page, served.url)
    again.locator("canvas[role=application]").wait_for()
    assert again.locator(".st-key-tour-card").count() == 0
    again.mouse.click(4, 300)  # the focus leaves every field
    again.keyboard.press("?")
    again.get_by_text("draw a lasso").wait_for()
    again.get_by_role("button", name="Start the tour").click()
    again.locator(".st-key-tour-card").wait_for()
    again.locator(".st-key-tour-card").get_by_role("button", name="Close").click()
    again.locator(".st-key-tour-card").wait_for(state="detached")
    again.get_by_role("button", name="Glossary").click()
    again.get_by_placeholder("Find a term").fill("rand index")
    again.get_by_text("Adjusted Rand index").wait_for()
    until(lambda: again.locator(".st-key-glossary_terms strong").all_inner_texts() == ["ARI"], "one term is left")
    assert [error for error in page.errors + again.errors if "404" not in error] == []


def test_keys_addresses_back_and_forward(serve: Any, browser_page: Any, home: Path) -> None:
    (home / "first-visit-done").touch()
    workspace = Workspace(home / "sample")
    cluster = workspace.taxonomy().clusters[1]
    names = [str(workspace.documents["id"].iloc[row]) for row in cluster.exemplars]
    served = serve("app/main.py", env={"GEM_EXPLORER_HOME": str(home)})
    page = opened(browser_page, f"{served.url}/?cluster={cluster.number}&document={names[0]}&colour=nonsense")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=served.url)
    page.get_by_text("Ignored color of the link").wait_for()
    page.get_by_text("Similar documents").first.wait_for()
    until(
        lambda: parts(page) == {"workspace": "sample", "cluster": str(cluster.number), "document": names[0]},
        "the address is put right",
    )
    page.locator(".st-key-reader_next button").first.wait_for()
    ready(page)

    page.keyboard.press("j")
    second = until(lambda: parts(page)["document"] != names[0] and parts(page)["document"], "j opens the next")
    ready(page)
    page.keyboard.press("k")
    until(lambda: parts(page)["document"] == names[0], "k opens previous document")
    ready(page)
    page.keyboard.press("ArrowRight")
    until(lambda: parts(page)["document"] == second, "so does an arrow")
    ready(page)

    page.get_by_role("button", name="Copy link").click()
    page.get_by_text("Link copied").wait_for()
    copied = page.evaluate("() => navigator.clipboard.readText()")
    assert copied == page.url
    other = opened(browser_page, copied)
    other.get_by_text("Similar documents").first.wait_for()
    assert parts(other) == parts(page)

    ready(page)
    page.go_back()
    until(lambda: parts(page)["document"] == names[0], "back goes to the document before")
    ready(page)
    page.go_forward()
    until(lambda: parts(page)["document"] == second, "forward returns")
    ready(page)
    until(lambda: page.get_by_text("Similar documents").count(), "and the document is shown")

    page.keyboard.press("Escape")
    until(lambda: "document" not in parts(page), "Escape closes the document")
    ready(page)
    page.keyboard.press("Escape")
    until(lambda: "cluster" not in parts(page), "Escape clears the selection")
    ready(page)
    page.keyboard.press("/")
    until(
        lambda: page.evaluate("() => document.activeElement?.placeholder") == "Search document text", "/ is for search"
    )
    page.keyboard.type("water/jk?")  # these keys are letters in a field
    until(lambda: parts(page).get("query") == "water/jk?", "the words stand in the address")
    assert page.get_by_text("draw a lasso").count() == 0
    assert [error for error in page.errors if "404" not in error] == []

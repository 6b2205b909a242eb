"""A person sets shares by hand, follows the suggested strength, and reads a document that would move."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from gem_core.clustering import suggest_strength
from gem_core.pipeline import Rename, edit, ensure_path, natural_shares
from gem_core.workspace import Workspace
from tests.helpers.pages import ready, until

pytestmark = pytest.mark.browser
SLIDER = "[data-testid=stSlider] input[type=range]"
HOSTILE = "<img src=x onerror=alert(1)> **bold**"


@pytest.fixture
def workspace(built_sample: Path, tmp_path: Path) -> Workspace:
    shutil.copytree(built_sample, tmp_path / "corpus")
    opened = Workspace(tmp_path / "corpus")
    ensure_path(opened)
    return opened


@pytest.fixture
def balance(serve: Any, browser_page: Any, workspace: Workspace) -> Any:
    edit(workspace, Rename("cluster", workspace.taxonomy().clusters[1].number, HOSTILE))
    page = browser_page(f"{serve('app/main.py', '--workspace', str(workspace.root)).url}/balance")
    page.wait_for_selector(SLIDER, state="attached")
    ready(page)
    yield page
    assert page.outside == []
    assert not [text for text in page.errors if "404" not in text]


def insist(act: Any, holds: Any) -> None:
    """Do something, and again after a while, until `holds()` is true: a part that is drawn anew loses a press."""
    for _ in range(6):
        act()
        with suppress(AssertionError):
            until(holds, seconds=20)
            return
    pytest.fail("it did not come to hold")


def read_figure(page: Any) -> list[float]:
    """Shares in the editor, percent, as the sliders hold them."""
    return [float(v) for v in page.locator(".shares input[type=range]").evaluate_all("all => all.map(e => e.value)")]


def serial(page: Any) -> str:
    return str(page.locator(".shares").get_attribute("data-serial"))


def change(page: Any, act: Any) -> None:
    """Do something to the editor and wait for what Python answers."""
    before = serial(page)
    act()
    until(lambda: serial(page) != before)
    ready(page)


def test_shares_by_slider_number_and_lock(balance: Any, workspace: Workspace) -> None:
    balance.get_by_text("Custom", exact=True).click()
    balance.wait_for_selector(".shares .row")
    natural = natural_shares(workspace, workspace.taxonomy())
    assert natural is not None
    assert read_figure(balance) == pytest.approx((100 * natural).tolist(), abs=0.01)
    assert balance.locator(".shares .name").nth(1).inner_text() == HOSTILE
    assert balance.locator(".shares img").count() == 0

    number = balance.locator(".shares input[type=number]").first
    change(balance, lambda: (number.fill("30"), number.press("Enter")))
    after = read_figure(balance)
    assert after[0] == pytest.approx(30, abs=0.01)
    assert sum(after) == pytest.approx(100, abs=0.1)
    assert after[3] / after[4] == pytest.approx(natural[3] / natural[4], abs=0.01)

    change(balance, lambda: balance.locator(".shares button").first.click())
    assert balance.locator(".shares button").first.get_attribute("aria-pressed") == "true"
    assert balance.locator(".shares input[type=range]").first.is_disabled()
    second = balance.locator(".shares input[type=range]").nth(1)
    change(balance, lambda: second.press("Home"))  # by keyboard
    assert read_figure(balance)[:2] == pytest.approx([30, 0], abs=0.01)
    assert sum(read_figure(balance)) == pytest.approx(100, abs=0.1)
    third = balance.locator(".shares input[type=number]").nth(2)
    change(balance, lambda: (third.fill("95"), third.press("Enter")))
    assert read_figure(balance)[2] == pytest.approx(70, abs=0.01)
    until(lambda: balance.get_by_text("At most 70.0%: locked shares take the rest.").count() == 1)
    change(balance, lambda: balance.get_by_role("button", name="All equal").click())
    assert read_figure(balance) == pytest.approx([100 / 12] * 12, abs=0.01)


def test_suggest_read_what_moves_apply_and_undo(balance: Any, workspace: Workspace) -> None:
    before = workspace.taxonomy()
    suggestion = suggest_strength(before.path)
    balance.get_by_role("button", name="Suggest strength").click()
    until(lambda: balance.get_by_text(suggestion.sentence).count() == 1)
    until(lambda: balance.locator(SLIDER).count() == 1)  # the old slider has gone
    ready(balance)
    insist(
        lambda: (balance.locator(SLIDER).focus(), balance.keyboard.press("End")),
        lambda: balance.get_by_text("Solid: preview, strength exact").count() == 1,
    )
    ready(balance)
    row = balance.locator(".st-key-balance-moved tbody tr").first
    row.focus()
    row.press("Enter")
    until(lambda: balance.locator(".st-key-balance-reader").count() == 1)
    ready(balance)
    reader = balance.locator(".st-key-balance-reader")
    assert reader.get_by_text("1 of").count() == 1
    assert reader.locator("[data-testid=stText]").count() >= 1
    balance.get_by_role("button", name="Next", exact=True).click()
    until(lambda: reader.get_by_text("2 of").count() == 1)

    balance.get_by_role("button", name="Apply", exact=True).click()
    until(lambda: workspace.taxonomy().key != before.key and workspace.taxonomy().has_path)
    until(lambda: balance.get_by_text("No changes. Adjust a setting").count() == 1)
    assert workspace.taxonomy().settings.strength == float("inf")
    balance.get_by_role("button", name="Undo", exact=True).click()
    until(lambda: workspace.taxonomy().key == before.key)

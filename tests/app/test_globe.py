"""The globe inside a real Streamlit page, driven by a real browser."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gem_core.pipeline.search.filters import Outline

HERE = Path(__file__).resolve().parent
N, K = 24_000, 24

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(chromium: Any, serve_module: Any) -> str:
    return serve_module(HERE / "globe_page.py", str(N), str(K)).url


class Screen:
    """The page with the globe on it, and where its documents are."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.canvas = page.locator("canvas[data-points]")
        self.canvas.wait_for()
        page.wait_for_timeout(300)

    def data(self, name: str) -> str:
        return self.canvas.get_attribute(f"data-{name}")

    def read_state(self) -> dict[str, Any]:
        return json.loads(self.page.locator("code").first.inner_text())

    def until(self, key: str, value: Any) -> dict[str, Any]:
        for _ in range(600):
            if self.read_state()[key] == value:
                return self.read_state()
            self.page.wait_for_timeout(100)
        pytest.fail(f"{key} never became {value!r}: {self.read_state()}")

    def until_data(self, name: str, value: str) -> None:
        for _ in range(600):
            if self.data(name) == value:
                return
            self.page.wait_for_timeout(100)
        pytest.fail(f"data-{name} is {self.data(name)!r}, never {value!r}")

    def places(self, xyz: np.ndarray) -> np.ndarray:
        """Page coordinates and depth of directions, from the rotation and radius that the canvas tells."""
        w, x, y, z = (float(v) for v in self.data("rotation").split(","))
        m = np.array([
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ])  # fmt: skip
        box, rotated = self.canvas.bounding_box(), xyz @ m.T
        r = float(self.data("radius"))
        centre = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        return np.column_stack([centre[0] + r * rotated[:, 0], centre[1] - r * rotated[:, 1], rotated[:, 2]])


@pytest.fixture
def screen(browser_page: Any, address: str) -> Any:
    page = browser_page(address)
    yield Screen(page)
    assert page.outside == []
    assert page.errors == []


@pytest.fixture(scope="module")
def world() -> tuple[np.ndarray, ...]:
    """The planted mixture of globe_page.py: its own function, without Streamlit's cache."""
    source = (HERE / "globe_page.py").read_text(encoding="utf-8")
    start = source.index("def world(")
    scope: dict[str, Any] = {"np": np}
    exec(source[start : source.index("st.set_page_config")], scope)
    world_data: tuple[np.ndarray, ...] = scope["world"](N, K)
    return world_data


def lonely(places: np.ndarray, labels: np.ndarray) -> int:
    """A document on the front that stands apart from every other and from the labels."""
    front = np.flatnonzero(places[:, 2] > 0.3)
    for i in front[:4000]:
        near = np.abs(places[front, :2] - places[i, :2]).max(1) < 14
        if near.sum() == 1 and (np.abs(labels[:, :2] - places[i, :2]) > [150, 40]).any(1).all():
            return int(i)
    raise AssertionError("no document stands apart")


def test_a_click_tells_python_the_row(screen: Any, world: Any) -> None:
    centres, _, planted, _, xyz = world
    places = screen.places(xyz)
    i = lonely(places, screen.places(centres))
    screen.page.mouse.click(places[i, 0] + 1, places[i, 1] + 1)
    event = screen.until("event", "row")
    assert (event["row"], event["cluster"]) == (1000 + i, planted[i])
    assert event["heard"] == 1
    screen.until_data("selected-row", str(1000 + i))
    screen.page.get_by_text("Run again").click()
    assert screen.until("event", None)["row"] is None  # a pick is told once
    assert screen.data("selected-row") == str(1000 + i)


def test_a_click_on_nothing_clears(screen: Any) -> None:
    screen.page.get_by_text("Select cluster 3").click()
    screen.until_data("selected-cluster", "3")
    box = screen.canvas.bounding_box()
    screen.page.mouse.click(box["x"] + 12, box["y"] + box["height"] - 60)
    screen.until("event", "clear")
    screen.until_data("selected-cluster", "")


def test_drag_turns_and_the_camera_survives_reruns_and_a_refit(screen: Any) -> None:
    before, box = screen.data("rotation"), screen.canvas.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    screen.page.mouse.move(x, y)
    screen.page.mouse.down()
    screen.page.mouse.move(x + 120, y + 30, steps=8)
    screen.page.mouse.up()
    screen.page.mouse.wheel(0, -400)
    screen.page.wait_for_timeout(400)
    rotation, zoom = screen.data("rotation"), screen.data("zoom")
    assert rotation != before
    assert float(zoom) > 1.3
    assert screen.read_state()["heard"] == 0  # a drag is no click
    screen.page.get_by_text("Refit").click()
    screen.page.wait_for_timeout(1500)
    screen.page.get_by_text("Hide").click()
    screen.canvas.wait_for(state="detached")
    screen.page.get_by_text("Hide").click()
    screen.canvas.wait_for()
    assert (screen.data("rotation"), screen.data("zoom")) == (rotation, zoom)


def test_keyboard_walks_the_clusters_and_selects(screen: Any, world: Any) -> None:
    order = np.argsort(-np.bincount(world[2], minlength=K), kind="stable")
    screen.canvas.focus()
    screen.page.keyboard.press("]")
    screen.page.keyboard.press("]")
    screen.until_data("focus-cluster", str(order[1]))
    assert screen.places(world[0])[order[1], 2] > 0.99  # it was turned to the front
    screen.page.keyboard.press("Enter")
    event = screen.until("event", "cluster")
    assert (event["row"], event["cluster"]) == (None, order[1])
    turned = screen.data("rotation")
    screen.page.keyboard.press("ArrowLeft")
    screen.page.keyboard.press("+")
    screen.page.wait_for_timeout(300)
    assert screen.data("rotation") != turned
    assert float(screen.data("zoom")) == pytest.approx(1.5)
    screen.page.keyboard.press("Escape")
    screen.until("event", "clear")
    screen.until_data("selected-cluster", "")


def test_tab_passes_the_globe_in_one_press(screen: Any, world: Any) -> None:
    largest = int(np.argsort(-np.bincount(world[2], minlength=K), kind="stable")[0])
    screen.canvas.focus()
    screen.page.keyboard.press("]")
    screen.until_data("focus-cluster", str(largest))
    screen.page.keyboard.press("Tab")
    screen.until_data("focus-cluster", "")
    inside = "e => e.getRootNode().activeElement !== null"
    assert not screen.canvas.evaluate(inside), "neither the globe nor one of its buttons has the focus"


def test_shift_drag_lassos_the_front(screen: Any, world: Any) -> None:
    places, box = screen.places(world[4]), screen.canvas.bounding_box()
    x, y = round(box["x"] + box["width"] / 2), round(box["y"] + box["height"] / 2)
    corners = [(x - 110, y - 90), (x + 130, y - 90), (x + 130, y + 110), (x - 110, y + 110)]
    screen.page.keyboard.down("Shift")
    screen.page.mouse.move(*corners[0])
    screen.page.mouse.down()
    for corner in [*corners[1:], corners[0]]:
        screen.page.mouse.move(*corner, steps=4)
    screen.page.mouse.up()
    screen.page.keyboard.up("Shift")
    event = screen.until("event", "lasso")
    inside = (np.abs(places[:, 0] - x - 10) < 120) & (np.abs(places[:, 1] - y - 10) < 100) & (places[:, 2] > 0)
    enclosed = Outline(tuple(map(tuple, event["outline"])), tuple(event["turn"])).holds(world[4])
    assert enclosed.sum() == pytest.approx(inside.sum(), abs=4)  # half a pixel either way at the border
    assert (enclosed & inside).sum() >= inside.sum() - 4
    chip = screen.page.locator(".chip")
    chip.filter(has_text="3 documents selected").wait_for()  # Python's word replaces the browser's count
    screen.until_data("lasso", "0")
    screen.canvas.focus()
    screen.page.keyboard.press("Escape")
    screen.until("event", "clear")
    chip.wait_for(state="hidden")


def test_python_turns_the_globe_to_a_selected_cluster(screen: Any, world: Any) -> None:
    box = screen.canvas.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for _ in range(4):  # to the far side
        if screen.places(world[0])[3, 2] < -0.2:
            break
        screen.page.mouse.move(x - 200, y)
        screen.page.mouse.down()
        screen.page.mouse.move(x + 150, y, steps=5)
        screen.page.mouse.up()
        screen.page.wait_for_timeout(200)
    assert screen.places(world[0])[3, 2] < 0
    screen.page.get_by_text("Select cluster 3").click()
    screen.until_data("selected-cluster", "3")
    assert screen.places(world[0])[3, 2] > 0.99


def test_the_globe_turns_to_what_is_out_of_sight_once(screen: Any, world: Any) -> None:
    away = -world[4].mean(axis=0, keepdims=True)
    away = away / np.linalg.norm(away)
    screen.page.get_by_text("Far side").click()
    for _ in range(50):
        if screen.places(away)[0, 2] > 0.99:
            break
        screen.page.wait_for_timeout(100)
    assert screen.places(away)[0, 2] > 0.99
    screen.page.locator("[data-do=reset]").click()
    screen.page.wait_for_timeout(500)
    turned = screen.data("rotation")
    screen.page.get_by_text("Run again").click()
    screen.page.wait_for_timeout(1500)
    assert screen.data("rotation") == turned  # the same direction again is no news


def test_every_document_is_drawn(screen: Any) -> None:
    assert screen.data("points") == str(N)
    assert float(screen.data("frame-ms")) > 0
    coloured = screen.canvas.evaluate(
        """e => { const d = e.getContext('2d').getImageData(0, 0, e.width, e.height).data; let n = 0;
        for (let i = 0; i < d.length; i += 4)
          if (Math.max(d[i], d[i+1], d[i+2]) - Math.min(d[i], d[i+1], d[i+2]) > 70) n++;
        return n; }"""
    )
    assert coloured > 20_000  # about half the documents face the reader, some pixels each


def test_names_are_text_only(screen: Any) -> None:
    assert screen.page.locator("img[src='x']").count() == 0
    screen.canvas.focus()
    live = screen.page.locator(".live")
    for _ in range(K):
        screen.page.keyboard.press("]")
        if live.inner_text().startswith("<img src=x onerror=alert(1)> **bold**"):
            break
    else:
        pytest.fail("the hostile name was never read out")
    assert live.locator("*").count() == 0


def test_a_removed_globe_stops_listening(screen: Any) -> None:
    canvas = screen.canvas.element_handle()
    screen.page.get_by_text("Hide").click()
    screen.canvas.wait_for(state="detached")
    was = canvas.get_attribute("data-rotation")
    canvas.evaluate("e => e.dispatchEvent(new KeyboardEvent('keydown', {key: 'ArrowLeft'}))")
    screen.page.wait_for_timeout(300)
    assert canvas.get_attribute("data-rotation") == was


def test_slow_turn_until_touched(browser_page: Any, address: str) -> None:
    screen = Screen(browser_page(address, dark=True, calm=False))
    assert screen.data("theme") == "dark"
    first = screen.data("rotation")
    screen.page.wait_for_timeout(600)
    assert screen.data("rotation") != first
    screen.canvas.focus()
    screen.page.keyboard.press("+")
    screen.page.wait_for_timeout(1500)
    still = screen.data("rotation")
    screen.page.wait_for_timeout(500)
    assert screen.data("rotation") == still
    assert screen.data("turning") == "false"

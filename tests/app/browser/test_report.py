"""The report in a real browser, from a file and without a network: it works, and nothing from a corpus does."""

import base64
import json
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gem_core.export import write_report
from gem_core.workspace import Workspace
from tests.helpers.hostile_corpus import hostile_workspace

pytestmark = pytest.mark.browser
Open = Callable[..., Any]


@pytest.fixture
def opened(chromium: Any) -> Iterator[Open]:
    """Opens a report with the network shut; the page carries every request, dialog and complaint in `told`."""
    contexts = []

    def open_file(path: Path, *, width: int = 1440, dark: bool = False, script: bool = True, fragment: str = "") -> Any:
        context = chromium.new_context(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            offline=True,
            reduced_motion="reduce",
            java_script_enabled=script,
            has_touch=width < 500,
        )
        contexts.append(context)
        dialogs: list[str] = []
        address = path.resolve().as_uri()

        def guard(route: Any) -> None:
            if route.request.url.split("#")[0] == address:
                route.continue_()
            else:
                dialogs.append(f"request {route.request.url[:200]}")
                route.abort()

        context.route("**/*", guard)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.on("dialog", lambda d: (dialogs.append(f"dialog {d.message}"), d.dismiss()))
        page.on(
            "console", lambda m: dialogs.append(f"console {m.text[:300]}") if m.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda e: dialogs.append(f"error {e}"[:300]))
        context.on("page", lambda p: dialogs.append(f"window {p.url}") if p is not page else None)
        page.console_lines = dialogs
        page.goto(address + fragment)
        if script:
            page.wait_for_selector("canvas[data-points]")
        return page

    yield open_file
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def sample_report(built_sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(Workspace(built_sample), tmp_path_factory.mktemp("report") / "sample.html")


@pytest.fixture(scope="module")
def hostile_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    return write_report(hostile_workspace(folder / "corpus"), folder / "hostile report.html")


def settled(page: Any) -> dict[str, str]:
    """What the map says of itself once two frames have gone by."""
    page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => requestAnimation"
        "Frame(done))))"
    )
    return dict(page.evaluate("() => ({...document.querySelector('canvas').dataset})"))


def data_of(path: Path) -> Any:
    script_match = re.search(
        r'<script type="application/json" id="data">(.*?)</script>', path.read_text(encoding="utf-8")
    )
    assert script_match
    return json.loads(script_match[1])


def on_screen(page: Any, data: Any) -> np.ndarray:
    """Where every document stands on the globe in CSS pixels, (m, 3) with the depth; NaN behind it."""
    state, box = settled(page), page.locator("canvas").bounding_box()
    yaw, pitch, radius = (float(state[name]) for name in ("yaw", "pitch", "radius"))
    angles = np.frombuffer(base64.b64decode(data["points"]["sphere"]), "<i2").reshape(-1, 2) / 65535.0
    lon, lat = 2 * math.pi * angles[:, 0] - yaw, math.pi * angles[:, 1]
    x, depth = np.cos(lat) * np.sin(lon), np.cos(lat) * np.cos(lon) * math.cos(pitch) + np.sin(lat) * math.sin(pitch)
    y = np.sin(lat) * math.cos(pitch) - np.cos(lat) * np.cos(lon) * math.sin(pitch)
    out = np.stack((box["x"] + box["width"] / 2 + radius * x, box["y"] + box["height"] / 2 - radius * y, depth), 1)
    out[depth < 0.3] = np.nan
    return out


def apart(places: np.ndarray, distance: float) -> list[int]:
    """Documents in front with no other nearer than `distance` pixels."""
    front = np.flatnonzero(np.isfinite(places[:, 0]))
    gaps = np.linalg.norm(places[front, None, :2] - places[None, front, :2], axis=2)
    np.fill_diagonal(gaps, np.inf)
    return [int(i) for i in front[gaps.min(axis=1) > distance]]


def test_pointing_and_clicking_finds_the_right_cluster(opened: Open, sample_report: Path, built_sample: Path) -> None:
    page, data = opened(sample_report), data_of(sample_report)
    taxonomy = Workspace(built_sample).taxonomy()
    rows = np.argsort(taxonomy.positions, kind="stable")  # the order in which the report holds the documents
    numbers = taxonomy.documents["cluster_id"].to_numpy()
    places, hit = on_screen(page, data), []
    for i in apart(places, 7.0)[:40]:
        page.mouse.move(*places[i, :2])
        state = settled(page)
        if state["point"] == "":  # the name of a cluster lies over it
            continue
        assert (int(state["point"]), int(state["hover"])) == (i, int(numbers[rows[i]]))
        assert taxonomy.cluster(int(state["hover"])).label in page.locator(".tip").inner_text()
        hit.append(i)
    assert len(hit) >= 15
    page.mouse.click(*places[hit[-1], :2])
    right = taxonomy.cluster(int(numbers[rows[hit[-1]]]))
    assert page.locator(".reading h3").inner_text() == right.label
    assert settled(page)["selected"] == str(right.number)
    assert page.url.endswith(f"#cluster-{right.number}")
    page.locator("canvas").press("Escape")
    assert page.locator(".reading").is_hidden()
    assert page.console_lines == []


def test_the_flat_map_the_list_and_the_tiles_choose_the_same_cluster(opened: Open, sample_report: Path) -> None:
    page, data = opened(sample_report), data_of(sample_report)
    page.get_by_role("button", name="Flat map").click()
    assert settled(page)["view"] == "flat"
    box = page.locator("canvas").bounding_box()
    selected_numbers = set()
    for step in range(60):  # across the middle of the map
        page.mouse.move(box["x"] + box["width"] * (0.1 + 0.8 * step / 60), box["y"] + box["height"] * 0.5)
        selected_numbers.add(settled(page)["hover"])
    assert len(selected_numbers - {""}) >= 2
    cluster = data["clusters"][3]
    tile = page.locator(".tile[data-index='3']")
    tile.click()
    assert page.locator(".reading h3").inner_text() == cluster["label"]
    assert tile.get_attribute("aria-pressed") == "true"
    assert settled(page)["selected"] == str(cluster["number"])
    page.get_by_role("button", name="All clusters").click()
    row = page.locator(".row").first
    row.click()
    assert page.locator(".reading h3").inner_text() == row.locator(".name").text_content()
    assert page.console_lines == []


def test_tiles_have_the_sizes_of_the_shares(opened: Open, sample_report: Path) -> None:
    page, data = opened(sample_report), data_of(sample_report)
    for size in ("Documents", "Tokens", "Mass"):
        page.locator("#tree").get_by_role("button", name=size, exact=True).click()
        tiles = page.locator(".tile").evaluate_all("(all) => all.map((t) => t.offsetWidth * t.offsetHeight)")
        values = np.array([c[size.lower()] for c in data["clusters"]], dtype=float)
        assert np.corrcoef(tiles, values)[0, 1] > 0.95
        assert (
            data["clusters"][0]["shares"][("Documents", "Tokens", "Mass").index(size)]
            in page.locator(".tile[data-index='0']").text_content()
        )
    boxes = page.locator(".tile").evaluate_all(
        "(all) => all.map((t) => [t.offsetLeft, t.offsetTop, t.offsetLeft + "
        "t.offsetWidth, t.offsetTop + t.offsetHeight])"
    )
    for i, a in enumerate(boxes):
        for b in boxes[i + 1 :]:
            assert min(a[2], b[2]) - max(a[0], b[0]) <= 1 or min(a[3], b[3]) - max(a[1], b[1]) <= 1


def test_light_and_dark(opened: Open, sample_report: Path) -> None:
    page = opened(sample_report, dark=True)
    ground = "() => getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(ground) == "rgb(14, 20, 32)"
    assert settled(page)["theme"] == "#0e1420"
    page.get_by_role("button", name="Dark theme").click()
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    assert settled(page)["theme"] == "#ffffff"
    corner = page.evaluate("() => [...document.querySelector('canvas').getContext('2d').getImageData(2, 2, 1, 1).data]")
    assert corner == [255, 255, 255, 255]
    page.emulate_media(color_scheme="light")
    page.get_by_role("button", name="Dark theme").click()
    assert page.evaluate(ground) == "rgb(14, 20, 32)"


def test_keys_do_what_the_pointer_does(opened: Open, sample_report: Path) -> None:
    page = opened(sample_report)
    canvas = page.locator("canvas")
    before = settled(page)
    canvas.press("ArrowLeft")
    canvas.press("+")
    after = settled(page)
    assert after["yaw"] != before["yaw"]
    assert float(after["radius"]) > float(before["radius"])
    order = page.locator(".row").evaluate_all("(all) => all.map((r) => r.querySelector('.name').textContent)")
    for label in order[:3]:
        canvas.press("]")
        assert page.locator(".reading h3").inner_text() == label
    canvas.press("[")
    assert page.locator(".reading h3").inner_text() == order[1]
    canvas.press("Escape")
    page.locator(".row").nth(2).focus()
    page.keyboard.press("Enter")
    assert page.locator(".reading h3").inner_text() == order[2]
    page.keyboard.press("Enter")  # the way back has the focus
    assert page.locator(".reading").is_hidden()
    assert page.evaluate("() => document.activeElement.querySelector('.name').textContent") == order[2]


def test_filter_sort_and_a_link_to_a_cluster(opened: Open, sample_report: Path) -> None:
    data = data_of(sample_report)
    number, label = data["clusters"][0]["number"], data["clusters"][0]["label"]
    page = opened(sample_report, fragment=f"#cluster-{number}")
    assert page.locator(".reading h3").inner_text() == label
    page.get_by_role("button", name="All clusters").click()
    page.get_by_role("searchbox").fill(label.lower())
    assert page.locator(".row:visible .name").all_inner_texts() == [label]
    page.get_by_role("searchbox").fill("no such words")
    assert page.get_by_text("No cluster matches.").is_visible()
    page.locator("#tree summary").click()
    page.locator("#tree th").get_by_role("button", name="Tokens", exact=True).click()
    tokens = [int(t.replace(",", "")) for t in page.locator("#tree tbody tr td:nth-child(5)").all_inner_texts()]
    assert tokens == sorted(tokens, reverse=True)


@pytest.mark.parametrize("width", [390, 900, 1440])
def test_nothing_in_a_hostile_corpus_runs_or_asks(opened: Open, hostile_report: Path, width: int) -> None:
    page = opened(hostile_report, width=width)
    data = data_of(hostile_report)
    ends = np.cumsum(data["points"]["counts"])
    for row in range(page.locator(".row").count()):
        page.locator(".row").nth(row).click()
        if width == 1440:  # its documents face us: point at one
            index = next(k for k, c in enumerate(data["clusters"]) if str(c["number"]) == settled(page)["selected"])
            inside = on_screen(page, data)[ends[index] - data["points"]["counts"][index] : ends[index]]
            page.mouse.move(*inside[np.nanargmax(inside[:, 2]), :2])
            settled(page)
            assert page.locator(".tip span").inner_text() == data["clusters"][index]["label"]
        assert page.locator(".reading .documents li").count() >= 3
        page.locator(".reading .documents li").first.hover()
        page.locator(".back").click()
    tiles = page.locator(".tile:visible")
    assert tiles.count() == page.locator(".row").count() - 1  # one cluster is excluded
    for index in range(tiles.count()):
        tiles.nth(index).click()
    page.get_by_role("button", name="Flat map").click()
    for summary in page.locator("main section summary").all():
        if summary.is_visible():
            summary.click()
    for step in range(12):
        box = page.locator("canvas").bounding_box()
        page.mouse.move(box["x"] + box["width"] * step / 12, box["y"] + box["height"] * 0.5)
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    assert page.pdf()[:4] == b"%PDF"
    assert page.evaluate("() => window.hacked") is None
    assert "hacked" in page.content()
    assert "<script>alert('name')</script>" in page.locator("h1").inner_text()
    assert page.console_lines == []


def test_the_policy_stops_what_would_get_in(opened: Open, hostile_report: Path, tmp_path: Path) -> None:
    text = hostile_report.read_text(encoding="utf-8")
    broken = tmp_path / "broken.html"
    attack = "<script>window.hacked = 1</script><img src='http://evil.example/x.png' onerror='window.hacked = 1'>"
    broken.write_text(text.replace("</main>", attack + "</main>"), encoding="utf-8")
    page = opened(broken)
    assert page.evaluate("() => window.hacked") is None
    assert not any(line.startswith("request") for line in page.console_lines)
    assert any("Content Security Policy" in line for line in page.console_lines)


def test_without_scripts_the_words_are_all_there(opened: Open, sample_report: Path) -> None:
    page = opened(sample_report, script=False)
    assert page.locator(".card").count() == len(data_of(sample_report)["clusters"])
    assert page.locator(".treemap").is_hidden()
    page.locator(".row").nth(4).click()
    assert re.search(r"#cluster-\d+$", page.url)
    assert page.locator(".chart").is_visible()

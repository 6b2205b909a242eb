"""Take the pictures of the documentation from the running app: python -m docs.screenshots (needs Chromium)."""

import io
from pathlib import Path

from PIL import Image

from benchmarks._harness import READY, app_server, browser

IMAGES = Path(__file__).parent / "images"
# File name, address on the sample, and what must be visible before the picture is taken.
PICTURES = (
    ("explore", "/?cluster=4", "canvas[data-points]"),
    ("balance", "/balance", ".st-key-balance-shares .main-svg"),
    ("taxonomy", "/taxonomy", ".st-key-gem-header"),
    ("compare", "/compare", ".st-key-compare_overlap .main-svg"),
    ("mixing", "/mixing", ".st-key-mixing-weights .main-svg"),
)


def main() -> None:
    """Write one picture per view, as a palette image to keep the repository small."""
    with browser() as chromium, app_server() as server:
        page = chromium.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce").new_page()
        page.set_default_timeout(120_000)
        page.goto(server.url, wait_until="domcontentloaded")
        page.wait_for_selector("canvas[data-points]")
        page.keyboard.press("Escape")  # closes the first steps, where they are shown
        for name, address, shown in PICTURES:
            page.goto(server.url + address, wait_until="domcontentloaded")
            page.wait_for_selector(shown)
            page.wait_for_function(READY)
            page.wait_for_timeout(2500)  # the last transition of a chart or of the globe
            picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            picture.quantize(256, dither=Image.Dither.NONE).save(IMAGES / f"{name}.png", optimize=True)
            print(name)


if __name__ == "__main__":
    main()

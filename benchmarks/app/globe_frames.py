"""Time of a frame of the globe in headless Chromium (software rendering), against canvas arcs in the same page.

    python -m benchmarks.app.globe_frames [--points 520 24000 100000] [--scale 1 2] [--seed 0]

Prints medians and 95th percentiles of the drawing call (what data-frame-ms tells), and of the time between two frames
on the screen. The peer draws the same documents as one ``arc`` each, and as one ``fillRect`` each.
"""

from __future__ import annotations

import argparse
import base64
import datetime
import platform
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]

SCRIPT = """async ([html, css, js, message, frames]) => {
  document.body.innerHTML = `<style>${css}</style><div id=root>${html}</div>`;
  const root = document.querySelector('#root');
  const bytes = Uint8Array.from(atob(message), (c) => c.charCodeAt(0));
  const module = await import(URL.createObjectURL(new Blob([js], {type: 'text/javascript'})));
  module.default({data: bytes, parentElement: root, setTriggerValue: () => {}});
  const canvas = root.querySelector('canvas'), box = canvas.getBoundingClientRect();
  const frame = () => new Promise((r) => requestAnimationFrame(r));
  const fire = (type, x) => canvas.dispatchEvent(new PointerEvent(type, {clientX: x, clientY: box.top + box.height / 2,
    pointerId: 1, bubbles: true}));
  canvas.setPointerCapture = () => {};
  const quantile = (v, p) => [...v].sort((a, b) => a - b)[Math.floor(v.length * p)];
  await frame(); await frame();
  fire('pointerdown', 300);
  const draw = [], gap = []; let last = 0;
  for (let i = 0; i < frames; i++) {
    fire('pointermove', 300 + (i % 90) * 3);
    const now = await frame();
    if (i > frames / 4) { draw.push(+canvas.dataset.frameMs); gap.push(now - last); }
    last = now;
  }
  fire('pointerup', 300);
  const size = `${canvas.width}x${canvas.height}`;
  // the peers: same places, same sizes, plain canvas calls, flushed by reading one pixel
  const [w, x, y, z] = canvas.dataset.rotation.split(',').map(Number), n = +canvas.dataset.points;
  const view = new DataView(bytes.buffer), length = view.getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const q = new Int16Array(bytes.buffer.slice(header.arrays.xyz[1], header.arrays.xyz[1] + 6 * n));
  const g = new Uint16Array(bytes.buffer.slice(header.arrays.cluster[1], header.arrays.cluster[1] + 2 * n));
  const other = document.createElement('canvas');
  other.width = box.width * devicePixelRatio; other.height = box.height * devicePixelRatio;
  const ctx = other.getContext('2d', {willReadFrequently: true}), r = canvas.dataset.radius * devicePixelRatio;
  const dot = Math.max(0.95, 35 * n ** -0.31) * devicePixelRatio;
  const peer = (one) => {
    const start = performance.now();
    ctx.clearRect(0, 0, other.width, other.height);
    for (let k = 0; k < header.colors.length; k++) {
      ctx.fillStyle = header.colors[k];
      for (let i = 0; i < n; i++) {
        if (g[i] !== k || q[3 * i + 2] <= 0) continue;
        one(other.width / 2 + (r * q[3 * i]) / 32767, other.height / 2 - (r * q[3 * i + 1]) / 32767);
      }
    }
    ctx.getImageData(0, 0, 1, 1);
    return performance.now() - start;
  };
  const arcs = [], rects = [];
  for (let i = 0; i < 12; i++) {
    arcs.push(peer((u, v) => { ctx.beginPath(); ctx.arc(u, v, dot, 0, 7); ctx.fill(); }));
    rects.push(peer((u, v) => ctx.fillRect(u - dot, v - dot, 2 * dot, 2 * dot)));
  }
  return {size, draw: [quantile(draw, .5), quantile(draw, .95)], gap: [quantile(gap, .5), quantile(gap, .95)],
    arcs: quantile(arcs, .5), rects: quantile(rects, .5)};
}"""


def mixture(n: int, k: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Centers, clusters and directions of a planted mixture on the sphere."""
    centers = rng.normal(size=(k, 3))
    centers /= np.linalg.norm(centers, axis=1, keepdims=True)
    z = rng.integers(0, k, n)
    x = centers[z] + 0.16 * rng.normal(size=(n, 3))
    return centers, z, x / np.linalg.norm(x, axis=1, keepdims=True)


def message(n: int, seed: int) -> str:
    from app.components.globe.message import pack

    centers, z, x = mixture(n, 24, np.random.default_rng(seed))
    labels = [(f"Cluster {k}", tuple(c), k) for k, c in enumerate(centers)]
    packed = pack(
        xyz=x,
        rows=np.arange(n),
        cluster=z,
        colors=[f"#{40 + 8 * k:02x}80{230 - 8 * k:02x}" for k in range(24)],
        labels=labels,
        values=None,
        legend=None,
        sizes=None,
        caps=[(c, 0.19) for c in centers],
        row=None,
        selected=None,
        dark=False,
        height=640,
        key="bench",
    )
    return base64.b64encode(packed).decode()


def measure(browser: Any, n: int, scale: float, seed: int, frames: int) -> dict[str, Any]:
    from app.components.globe.message import joined_script

    folder = ROOT / "app" / "components" / "globe"
    page = browser.new_page(viewport={"width": 914, "height": 700}, device_scale_factor=scale)
    html, css = ((folder / name).read_text(encoding="utf-8") for name in ("globe.html", "globe.css"))
    figures: dict[str, Any] = page.evaluate(SCRIPT, [html, css, joined_script(folder), message(n, seed), frames])
    page.close()
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, nargs="+", default=[520, 24_000, 100_000])
    parser.add_argument("--scale", type=float, nargs="+", default=[1, 2])
    parser.add_argument("--frames", type=int, default=160)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    sys.path.insert(0, str(ROOT))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), headless=True, args=FLAGS)
        print(f"{datetime.date.today()}, {platform.machine()}, Chromium {browser.version}, seed {options.seed}")
        print("points   scale  canvas       frame ms (p95)   between frames (p95)   arcs ms  rects ms  arcs/frame")
        for n in options.points:
            for scale in options.scale:
                r = measure(browser, n, scale, options.seed, options.frames)
                (draw, late), (gap, slow) = r["draw"], r["gap"]
                print(
                    f"{n:7,}  {scale:4.1f}   {r['size']:11s}  {draw:6.1f} ({late:5.1f})   {gap:10.1f} ({slow:5.1f})"
                    f"      {r['arcs']:10.1f} {r['rects']:9.1f} {r['arcs'] / draw:10.1f}",
                    flush=True,
                )
        browser.close()


if __name__ == "__main__":
    main()

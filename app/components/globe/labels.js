// Names of the clusters on the globe: where they stand, which are visibleLabels, how they come and go.
import { placeLabels, rotate } from "../../../gem_core/export/globe_modules/geometry.js";
import { cssOf, labelSprite } from "./theme_and_data.js";

export function spriteOf(globe, label, strong) {
  const key = `${label.group} ${strong} ${label.text}`;
  if (!globe.sprites.has(key)) {
    const color = cssOf(globe.colors[label.group] ?? globe.theme.gray);
    globe.sprites.set(key, labelSprite(label.text, color, globe.theme, globe.dpr, strong, globe.canvas.width));
  }
  return globe.sprites.get(key);
}

// Only the cluster's own name stands out, not those of its subtopics.
const isStrong = (label, focus) => label.group === focus && label.documents === undefined;

// Larger clusters first, none over another; one that is on stays on while it can (no flicker while the globe turns).
// Returns whether some label is still fading.
export function drawLabels(globe, m, cx, cy, r) {
  const { ctx, canvas, dpr, calm, counts, strength } = globe,
    w = canvas.width,
    h = canvas.height;
  const focus = globe.focused,
    boxes = [],
    of = [],
    labels = [...globe.labels, ...globe.subtopics.visible(m)];
  for (const l of labels) {
    const p = rotate(m, l.at),
      strong = isStrong(l, focus);
    l.goal = 0;
    l.depth = p[2];
    l.x = cx + r * p[0];
    l.y = cy - r * p[1];
    if (p[2] < 0.2 || l.x < 0 || l.y < 0 || l.x > w || l.y > h) continue;
    const s = spriteOf(globe, l, strong),
      half = s.width / 2 + 2 * dpr;
    // towards the rim a name leans inwards, and none leaves the canvas
    l.x -= Math.sign(p[0]) * (1 - p[2]) * s.width * 0.3;
    // the chosen cluster's name stands above it
    if (strong) l.y -= Math.min(0.3 * h, r * Math.max(0.09, Math.sin(globe.capOf.get(l.group) ?? 0)) * p[2] + 17 * dpr);
    l.x = Math.min(w - half, Math.max(half, l.x));
    l.y = Math.min(h - s.height / 2, Math.max(s.height / 2, l.y));
    const size = (l.documents ?? counts[l.group] ?? 0) * (0.25 + 0.75 * p[2]) * (l.alpha > 0.5 ? 1.6 : 1);
    const rank = strong ? 1e12 : l.group === globe.hoverGroup ? 1e11 + size : size;
    boxes.push({ x: l.x, y: l.y, w: s.width + 2 * dpr, h: s.height - 2 * dpr, rank });
    of.push(l);
  }
  // Zooming in leaves room for more names.
  const most = Math.max(5, Math.round(((w * h) / (dpr * dpr) / 17000) * Math.min(4, Math.max(1, globe.cam.zoom))));
  for (const i of placeLabels(boxes, most)) of[i].goal = 1;
  let fading = false;
  for (const l of labels) {
    const gap = l.goal - l.alpha;
    if (Math.abs(gap) < 0.04 || calm.matches) l.alpha = l.goal;
    else {
      l.alpha += gap * 0.22;
      fading = true;
    }
  }
  const visibleLabels = labels.filter((l) => l.alpha > 0.03 && l.depth > 0.16);
  for (const l of visibleLabels.sort((a, b) => a.goal - b.goal || a.depth - b.depth)) {
    const strong = isStrong(l, focus),
      s = spriteOf(globe, l, strong);
    const loud = strong || l.group === globe.hoverGroup ? 1 : 0.35 + (0.65 * (strength[l.group] ?? 256)) / 256;
    ctx.globalAlpha = l.alpha * Math.min(1, (l.depth - 0.16) * 4) * loud;
    ctx.drawImage(s, Math.round(l.x - s.width / 2), Math.round(l.y - s.height / 2));
  }
  ctx.globalAlpha = 1;
  return fading;
}

// The label under a pixel
export function labelAt(globe, x, y) {
  return globe.labels
    .filter((l) => l.goal && l.depth > 0.2)
    .find((l) => {
      const s = spriteOf(globe, l, l.group === globe.focused);
      return Math.abs(l.x - x) * 2 < s.width && Math.abs(l.y - y) * 2 < s.height - 4 * globe.dpr;
    });
}

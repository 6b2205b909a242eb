// Pixels by hand, in one Int32Array of opaque RGBA: thousands of soft dots cost a few milliseconds, on any machine.

const OPAQUE = 0xff000000 | 0;
const SUB = 4; // sub-pixel places a side, so that dots glide

function pixel(text) {
  const hex = /^#([0-9a-f]{6})$/i.exec(text.trim()),
    v = parseInt(hex ? hex[1] : "888888", 16);
  return OPAQUE | ((v & 255) << 16) | (v & 0xff00) | (v >> 16);
}

// a in 0..256: how much of `over` lies on `under`
function mix(under, over, a) {
  const b = 256 - a;
  const rb = ((Math.imul(over & 0xff00ff, a) + Math.imul(under & 0xff00ff, b)) >>> 8) & 0xff00ff;
  const g = (Math.imul((over >>> 8) & 255, a) + Math.imul((under >>> 8) & 255, b)) & 0xff00;
  return OPAQUE | rb | g;
}

// Coverage of a dot at each sub-pixel place; wide dots are lit from the upper left like beads
function makeDot(radius) {
  const half = Math.max(1, Math.ceil(radius + 0.875) - 1),
    size = 2 * half + 1;
  const cover = new Uint8Array(SUB * SUB * size * size),
    light = radius >= 3.4 ? new Uint8Array(cover.length) : null;
  const soft = radius < 1.2 ? 1.6 : 1;
  for (let s = 0, k = 0; s < SUB * SUB; s++) {
    const ox = ((s % SUB) + 0.5) / SUB - 0.5,
      oy = (Math.floor(s / SUB) + 0.5) / SUB - 0.5;
    for (let y = -half; y <= half; y++)
      for (let x = -half; x <= half; x++, k++) {
        const dx = x - ox,
          dy = y - oy,
          d = Math.hypot(dx, dy);
        cover[k] = Math.round(255 * Math.min(1, Math.max(0, (radius + 0.5 - d) / soft)));
        if (light) {
          const shine = Math.max(0, 1 - Math.hypot(dx + 0.35 * radius, dy + 0.4 * radius) / (0.9 * radius));
          const edge = Math.max(0, d / radius - 0.62) / 0.38;
          light[k] = Math.max(0, Math.min(255, Math.round(128 + 66 * shine * shine - 44 * Math.min(1.2, edge) ** 2)));
        }
      }
  }
  return { half, size, cover, light };
}

function stamp(buf, w, h, dot, x, y, colour, alpha) {
  const bx = Math.floor(x),
    by = Math.floor(y),
    { half, size, cover, light } = dot;
  const x0 = bx - half,
    y0 = by - half;
  if (x0 >= w || y0 >= h || x0 + size <= 0 || y0 + size <= 0) return;
  const base = ((((y - by) * SUB) | 0) * SUB + (((x - bx) * SUB) | 0)) * size * size;
  const fromX = x0 < 0 ? -x0 : 0,
    toX = x0 + size > w ? w - x0 : size;
  const fromY = y0 < 0 ? -y0 : 0,
    toY = y0 + size > h ? h - y0 : size;
  for (let j = fromY; j < toY; j++) {
    let p = (y0 + j) * w + x0 + fromX,
      k = base + j * size + fromX;
    for (let i = fromX; i < toX; i++, p++, k++) {
      const a = (cover[k] * alpha) >> 8;
      if (a === 0) continue;
      let over = colour;
      if (light !== null) {
        const l = light[k];
        over = l > 128 ? mix(colour, -1, (l - 128) << 1) : mix(colour, OPAQUE, (128 - l) << 1);
      }
      buf[p] = mix(buf[p], over, a);
    }
  }
}

// Pixels of the globe, written into one Int32Array (little-endian RGBA, as ImageData holds it). No DOM, no state.
//
// Why by hand: in software rendering 12,000 antialiased canvas arcs cost ~25 ms, the same discs blended here ~2 ms,
// and a page keeps its one WebGL context for the flat map.

const OPAQUE = 0xff000000 | 0;

export function packed(r, g, b) {
  return OPAQUE | (b << 16) | (g << 8) | r;
}

export function parseHex(hex) {
  const v = parseInt(hex.slice(1), 16);
  return packed((v >> 16) & 255, (v >> 8) & 255, v & 255);
}

// a in 0..256: how much of `over` is laid on `under`; both opaque
export function mix(under, over, a) {
  const b = 256 - a;
  const rb = ((Math.imul(over & 0xff00ff, a) + Math.imul(under & 0xff00ff, b)) >>> 8) & 0xff00ff;
  const g = (Math.imul((over >>> 8) & 255, a) + Math.imul((under >>> 8) & 255, b)) & 0xff00;
  return OPAQUE | rb | g;
}

// The ball: shaded from a light at the upper left, a thin rim, a soft glow around it; outside, the page shows through.
export function paintBall(out, w, h, cx, cy, r, look) {
  const steps = 1024,
    reach = r * (1 + look.glow),
    ramp = new Int32Array(steps + 1);
  for (let i = 0; i <= steps; i++) {
    const t = i / steps,
      s = t * t * (3 - 2 * t);
    ramp[i] = mix(look.inner, look.outer, Math.round(256 * s));
  }
  const lx = cx - 0.32 * r,
    ly = cy - 0.36 * r,
    far = 1.5 * r;
  const [gr, gg, gb] = [look.halo & 255, (look.halo >> 8) & 255, (look.halo >> 16) & 255];
  const clear = look.page & 0xffffff,
    glowAt = (t) => look.glowAlpha * (1 - t) * (1 - t);
  for (let y = 0; y < h; y++) {
    const dy = y + 0.5 - cy,
      dyl = y + 0.5 - ly;
    for (let x = 0, p = y * w; x < w; x++, p++) {
      const dx = x + 0.5 - cx,
        d = Math.sqrt(dx * dx + dy * dy);
      if (d >= reach) {
        out[p] = clear;
        continue;
      }
      let ball = 0;
      if (d < r + 0.5) {
        const dxl = x + 0.5 - lx;
        // half a level of ordered noise: no bands in the shade
        const noise = (((x * 7 + y * 13) & 15) / 16 - 0.5) * look.noise;
        let t = (Math.sqrt(dxl * dxl + dyl * dyl) / far) * steps + noise;
        t = t < 0 ? 0 : t > steps ? steps : t;
        ball = ramp[t | 0];
        const edge = d / r;
        if (edge > 0.9) {
          const e = (edge - 0.9) * 10;
          ball = mix(ball, look.rim, Math.min(256, look.rimAlpha * e * e * e) | 0);
        }
        if (d <= r - 0.5) {
          out[p] = ball;
          continue;
        }
      }
      const a = glowAt(Math.max(0, (d - r) / (reach - r)));
      const glow = ((a * 255) << 24) | (gb << 16) | (gg << 8) | gr;
      if (!ball) {
        out[p] = glow;
        continue;
      }
      const k = r + 0.5 - d,
        alpha = Math.round(255 * (k + a * (1 - k)));
      out[p] = (alpha << 24) | (mix(packed(gr, gg, gb), ball, Math.round(256 * k)) & 0xffffff);
    }
  }
}

// Antialiased line of one pixel, a in 0..256. Half-open along its longer axis, so that the pieces of a curve meet
// without a pixel being painted twice.
export function strokeLine(buf, w, h, x0, y0, x1, y1, color, a) {
  const steep = Math.abs(y1 - y0) > Math.abs(x1 - x0);
  let u0 = steep ? y0 : x0,
    u1 = steep ? y1 : x1,
    v0 = steep ? x0 : y0,
    v1 = steep ? x1 : y1;
  if (u0 > u1) {
    let t = u0;
    u0 = u1;
    u1 = t;
    t = v0;
    v0 = v1;
    v1 = t;
  }
  const slope = (v1 - v0) / (u1 - u0 || 1),
    most = (steep ? h : w) - 1,
    side = (steep ? w : h) - 2;
  const along = steep ? w : 1,
    across = steep ? 1 : w;
  for (let u = Math.max(0, Math.ceil(u0 - 0.5)); u + 0.5 < u1 && u <= most; u++) {
    const v = v0 + (u + 0.5 - u0) * slope - 0.5,
      at = Math.floor(v);
    if (at < 0 || at > side) continue;
    const b = (a * (v - at)) | 0,
      p = u * along + at * across,
      q = p + across;
    buf[p] = (buf[p] & OPAQUE) | (mix(buf[p], color, a - b) & 0xffffff);
    buf[q] = (buf[q] & OPAQUE) | (mix(buf[q], color, b) & 0xffffff);
  }
}

// Polyline of directions; the part on the front hemisphere, fading towards the rim
export function strokePath(buf, w, h, line, m, cx, cy, r, color, alpha) {
  let px = 0,
    py = 0,
    pen = false;
  for (let j = 0; j < line.length; j += 3) {
    const x = line[j],
      y = line[j + 1],
      z = line[j + 2];
    const depth = m[6] * x + m[7] * y + m[8] * z;
    if (depth <= 0) {
      pen = false;
      continue;
    }
    const sx = cx + r * (m[0] * x + m[1] * y + m[2] * z),
      sy = cy - r * (m[3] * x + m[4] * y + m[5] * z);
    if (pen) strokeLine(buf, w, h, px, py, sx, sy, color, (alpha * Math.min(1, 0.25 + 1.6 * depth)) | 0);
    px = sx;
    py = sy;
    pen = true;
  }
}

const SUB = 4; // sub-pixel positions a side: points glide instead of jumping from pixel to pixel

// Discs of one radius: coverage 0..255 and, for discs wide enough to be seen as beads, light (128 = the color itself)
export function makeDisc(radius) {
  const half = Math.max(1, Math.ceil(radius + 0.875) - 1),
    size = 2 * half + 1,
    bead = radius >= 3.6;
  const cover = new Uint8Array(SUB * SUB * size * size),
    light = bead ? new Uint8Array(cover.length) : null;
  for (let s = 0, k = 0; s < SUB * SUB; s++) {
    const ox = ((s % SUB) + 0.5) / SUB - 0.5,
      oy = (((s / SUB) | 0) + 0.5) / SUB - 0.5;
    for (let y = -half; y <= half; y++)
      for (let x = -half; x <= half; x++, k++) {
        const dx = x - ox,
          dy = y - oy,
          d = Math.hypot(dx, dy);
        const soft = radius < 1.2 ? 1.6 : 1;
        cover[k] = Math.round(255 * Math.min(1, Math.max(0, (radius + 0.5 - d) / soft)));
        if (light) {
          const shine = Math.max(0, 1 - Math.hypot(dx + 0.35 * radius, dy + 0.4 * radius) / (0.9 * radius));
          const edge = Math.max(0, d / radius - 0.62) / 0.38;
          light[k] = Math.max(0, Math.min(255, Math.round(128 + 66 * shine * shine - 44 * Math.min(1.2, edge) ** 2)));
        }
      }
  }
  return { radius, half, size, cover, light };
}

export function stamp(buf, w, h, disc, x, y, color, alpha) {
  const bx = Math.floor(x),
    by = Math.floor(y),
    half = disc.half,
    size = disc.size;
  const s = (((y - by) * SUB) | 0) * SUB + (((x - bx) * SUB) | 0);
  const x0 = bx - half,
    y0 = by - half;
  const fromX = x0 < 0 ? -x0 : 0,
    toX = x0 + size > w ? w - x0 : size;
  const fromY = y0 < 0 ? -y0 : 0,
    toY = y0 + size > h ? h - y0 : size;
  const cover = disc.cover,
    light = disc.light,
    base = s * size * size;
  const rb = color & 0xff00ff,
    g = (color >>> 8) & 255;
  for (let j = fromY; j < toY; j++) {
    let p = (y0 + j) * w + x0 + fromX,
      k = base + j * size + fromX;
    for (let i = fromX; i < toX; i++, p++, k++) {
      let a = cover[k];
      if (a === 0) continue;
      a = (a * alpha) >> 8;
      const d = buf[p],
        b = 256 - a;
      let srb = rb,
        sg = g;
      if (light !== null) {
        const l = light[k],
          lit = l > 128 ? mix(color, -1, (l - 128) << 1) : mix(color, OPAQUE, (128 - l) << 1);
        srb = lit & 0xff00ff;
        sg = (lit >>> 8) & 255;
      }
      const top = d >>> 24,
        through = top === 255 ? OPAQUE : Math.min(255, top + (((255 - top) * a) >> 8)) << 24;
      buf[p] =
        through |
        (((Math.imul(srb, a) + Math.imul(d & 0xff00ff, b)) >>> 8) & 0xff00ff) |
        ((Math.imul(sg, a) + Math.imul((d >>> 8) & 255, b)) & 0xff00);
    }
  }
}

// Every point of one hemisphere. strength[group] in 0..256 is how much a group stands out; those that are dimmed are
// painted first, so that the rest lie on top.
export function paintPoints(buf, w, h, f) {
  const { n, sx, sy, sz, color, group, strength, keep, discs, bin } = f,
    fade = f.fade.map((v) => (v * f.alpha) / 256);
  let dimmed = keep !== null;
  for (let k = 0; k < strength.length; k++) if (strength[k] < 250) dimmed = true;
  for (let pass = dimmed ? 0 : 1; pass < 2; pass++) {
    for (let i = 0; i < n; i++) {
      const z = sz[i];
      if (z <= 0) continue;
      let s = strength[group[i]];
      if (keep !== null && keep[i] === 0) s = Math.min(s, f.dim);
      if (dimmed && s < 250 !== (pass === 0)) continue;
      const a = (fade[(z * 255) | 0] * s) >> 8;
      if (a > 1) stamp(buf, w, h, discs[bin === null ? 0 : bin[i]], sx[i], sy[i], color[i], a);
    }
  }
}

// The far side, faint, as through glass: only where documents are few
export function paintFarSide(buf, w, h, f, alpha) {
  for (let i = 0; i < f.n; i++) {
    const z = f.sz[i];
    if (z > 0) continue;
    const a = (alpha * f.strength[f.group[i]] * (0.35 - 0.65 * z)) >> 8;
    if (a > 1) stamp(buf, w, h, f.discs[0], f.sx[i], f.sy[i], f.color[i], a);
  }
}

// Colors between two assignments, t in 0..1
export function blendColors(from, to, out, t) {
  const a = Math.round(256 * t);
  for (let i = 0; i < to.length; i++) out[i] = from[i] === to[i] ? to[i] : mix(from[i], to[i], a);
}

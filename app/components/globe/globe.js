// The globe: draws documents on a sphere and tells Python what was picked. See __init__.py for what travels.
import {
  circleAround,
  corners,
  enclosed,
  facing,
  graticule,
  matrixOf,
  project,
  quatBetween,
  quatMultiply,
  quatNormalize,
  quatSlerp,
  rotate,
  spun,
  turned,
  unproject,
} from "../../../gem_core/export/globe_modules/geometry.js";
import {
  blendColors,
  makeDisc,
  mix,
  paintBall,
  paintFarSide,
  paintPoints,
  parseHex,
  strokePath,
} from "../../../gem_core/export/globe_modules/pixels.js";
import { cssOf, directions, makeRamp, number, readTheme, unpack } from "./theme_and_data.js";
import { drawLabels } from "./labels.js";
import { listen } from "./input_events.js";

const LINES = graticule();
const CAMERAS = new Map(); // by the component's key: outlives reruns, new data and a change of page
const LIVE = new WeakMap(); // canvas -> Globe
const ZOOM = [0.7, 14];
const FADE = Float32Array.from({ length: 256 }, (_, i) => {
  const t = Math.min(1, i / 255 / 0.55);
  return 256 * (0.16 + 0.84 * t * t * (3 - 2 * t));
});

export class Globe {
  constructor(root, canvas) {
    this.root = root;
    this.canvas = canvas;
    this.ctx = canvas.getContext("2d", { willReadFrequently: true });
    this.part = (name) => root.querySelector(name);
    this.n = 0;
    this.digest = {};
    this.groups = [];
    this.labels = [];
    this.caps = [];
    this.sprites = new Map();
    this.selected = { row: null, group: null };
    this.seen = { row: null, group: null };
    this.hover = -1;
    this.hoverGroup = -1;
    this.focus = -1;
    this.lasso = null;
    this.keep = null;
    this.strength = new Float32Array(1);
    this.motion = null;
    this.spin = null;
    this.fadeStart = 0;
    this.raf = 0;
    this.last = 0;
    this.slow = 0;
    this.coarse = false;
    this.moving = false;
    this.turning = false;
    this.pointerOver = false;
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.off = new AbortController();
    this.resize = new ResizeObserver(() => {
      this.measure();
      this.later();
    });
    this.resize.observe(canvas);
    this.visible = true;
    this.sight = new IntersectionObserver((e) => {
      this.visible = e[e.length - 1].isIntersecting;
      this.later();
    });
    this.sight.observe(canvas);
    listen(this);
    document.fonts?.ready.then(() => {
      this.sprites.clear();
      this.later();
    });
  }

  destroy() {
    this.off.abort();
    this.resize.disconnect();
    this.sight.disconnect();
    cancelAnimationFrame(this.raf);
    this.raf = -1;
    LIVE.delete(this.canvas);
  }

  // ---- what Python sent -------------------------------------------------------------------------------------------
  update(component) {
    this.send = component.setTriggerValue;
    const { header: h, array } = unpack(component.data),
      fresh = (name) => {
        const now = h.arrays[name] ? h.arrays[name][3] : null,
          same = this.digest[name] === now;
        this.digest[name] = now;
        return !same;
      };
    if (this.header && this.header.note !== h.note) this.setLasso([]); // Python's answer shows in colors and sizes
    this.header = h;
    this.theme = readTheme(this.canvas, h.dark);
    const moved = fresh("xyz");
    if (moved) this.place(directions(array("xyz")));
    if (fresh("rows") || moved) {
      this.rows = array("rows");
      this.setLasso([]);
    }
    if (fresh("sizes") || moved) this.sizes = h.arrays.sizes ? array("sizes") : null;
    this.colors = h.colors.map(parseHex);
    if (fresh("cluster") || moved) {
      this.group = array("cluster");
      this.counts = new Int32Array(h.colors.length + 1);
      for (let i = 0; i < this.n; i++) this.counts[this.group[i]]++;
      this.order = h.colors
        .map((_, k) => k)
        .filter((k) => this.counts[k] > 0)
        .sort((a, b) => this.counts[b] - this.counts[a]);
    }
    if (fresh("values") || moved) this.values = h.arrays.values ? array("values") : null;
    if (this.strength.length !== h.colors.length + 1) this.strength = new Float32Array(h.colors.length + 1).fill(256);
    this.recolor(moved);
    this.name(h);
    if (this.hover >= this.n) this.hover = -1;
    this.camera(h.key);
    this.adopt(h.row, h.cluster);
    this.look(h.look);
    this.dress();
    this.measure();
    this.later();
  }

  // Names and circles; a rerun that brings the same ones leaves them alone (no second fade-in).
  name(h) {
    const now = JSON.stringify([h.labels, h.caps, h.colors, this.theme]);
    if (now === this.named) return;
    const was = new Map(this.labels.map((l) => [`${l.group} ${l.text}`, l.alpha]));
    this.labels = h.labels.map(([text, at, group]) => ({ text, at, group, alpha: was.get(`${group} ${text}`) ?? 0 }));
    this.names = new Map(this.labels.map((l) => [l.group, l.text]));
    this.caps = h.caps.map(([at, angle, group]) => ({ line: circleAround(at, angle, 96), group }));
    this.capOf = new Map(h.caps.map(([, angle, group]) => [group, angle]));
    this.sprites.clear();
    this.named = now;
  }

  place(xyz) {
    this.xyz = xyz;
    this.n = xyz.length / 3;
    this.hover = -1;
    this.sx = new Float32Array(this.n);
    this.sy = new Float32Array(this.n);
    this.sz = new Float32Array(this.n);
    const mean = [0, 0, 0];
    for (let i = 0; i < xyz.length; i++) mean[i % 3] += xyz[i];
    const length = Math.hypot(...mean),
      flat = 0.35 * Math.hypot(mean[0], mean[1]);
    this.home = facing(
      length > 1e-6 * this.n ? [mean[0], mean[1], Math.min(flat, Math.max(-flat, mean[2])) + 1e-6 * length] : [1, 0, 0],
      0.2,
    );
  }

  recolor(moved) {
    const to = new Int32Array(this.n),
      gray = this.theme.gray,
      ramp = this.values ? makeRamp(this.theme.dark) : null;
    for (let i = 0; i < this.n; i++) to[i] = ramp ? ramp[this.values[i]] : (this.colors[this.group[i]] ?? gray);
    const from = this.color,
      steady = moved || !from || this.calm.matches;
    if (!steady && from.every((c, i) => c === to[i])) return;
    this.target = to;
    this.from = steady ? null : from.slice();
    this.color = steady ? to : from.slice();
    this.fadeStart = steady ? 0 : performance.now();
  }

  camera(key) {
    if (!CAMERAS.has(key)) CAMERAS.set(key, { q: this.home, zoom: 1, touched: this.calm.matches });
    if (this.cam === CAMERAS.get(key)) return;
    this.cam = CAMERAS.get(key);
    this.turning = !this.cam.touched;
    this.part(".hint").classList.toggle("gone", this.cam.touched && !this.calm.matches);
  }

  // Python's selection counts when Python changed it; what was clicked here stays otherwise.
  adopt(row, group) {
    const was = this.selected,
      first = this.seen.row !== row,
      second = this.seen.group !== group;
    const next = { row: first ? row : was.row, group: second ? group : was.group };
    if (first && row === null && group === null) next.group = null;
    this.seen = { row, group };
    const target =
      next.row !== was.row && next.row !== null
        ? this.atRow(next.row)
        : next.group !== was.group && next.group !== null
          ? this.center(next.group)
          : null;
    this.selected = next;
    if (target) {
      this.touch();
      if (rotate(matrixOf(this.cam.q), target)[2] < 0.45) this.face(target);
    }
  }

  // What is selected lies out of sight: turn to it, once.
  look(to) {
    const now = JSON.stringify(to);
    if (to && now !== this.looked && this.selected.row === null && rotate(matrixOf(this.cam.q), to)[2] < 0.2) {
      this.touch();
      this.face(to);
    }
    this.looked = now;
  }

  dress() {
    const t = this.theme,
      style = this.part(".globe").style,
      h = this.header;
    style.setProperty("--globe-height", `${h.height}px`);
    for (const name of ["text", "quiet", "panel", "edge"]) style.setProperty(`--globe-${name}`, t[name]);
    this.canvas.setAttribute(
      "aria-label",
      `Globe of ${number(this.n)} documents in ${this.order.length} clusters; similar documents lie close together`,
    );
    if (!this.lassoed) {
      const chip = this.part(".chip"),
        said = this.n > 0 ? h.note : "No documents to show";
      chip.hidden = !said;
      chip.textContent = said;
      if (said) this.part(".hint").classList.add("gone");
    }
    const legend = this.part(".legend");
    legend.hidden = !(this.values && h.legend);
    if (!legend.hidden) {
      const ramp = makeRamp(t.dark),
        stops = Array.from({ length: 12 }, (_, i) => cssOf(ramp[Math.round((i * 254) / 11)]));
      style.setProperty("--globe-ramp", `linear-gradient(90deg, ${stops.join(", ")})`);
      [".title", ".low", ".high"].forEach((c, i) => {
        legend.querySelector(c).textContent = h.legend[i];
      });
    }
    this.part("[data-do=turn]").setAttribute("aria-pressed", String(this.turning));
  }

  // ---- where things are -------------------------------------------------------------------------------------------
  atRow(row) {
    const i = this.rows.indexOf(row);
    return i < 0 ? null : [this.xyz[3 * i], this.xyz[3 * i + 1], this.xyz[3 * i + 2]];
  }

  center(group) {
    const label = this.labels.find((l) => l.group === group);
    if (label) return label.at;
    const sum = [0, 0, 0];
    for (let i = 0; i < this.n; i++)
      if (this.group[i] === group) for (let k = 0; k < 3; k++) sum[k] += this.xyz[3 * i + k];
    return Math.hypot(...sum) > 0 ? sum : null;
  }

  nameOf(group) {
    return this.names.get(group) ?? (group < this.colors.length ? `Cluster ${group + 1}` : "No cluster");
  }

  measure() {
    const c = this.canvas,
      w = c.clientWidth,
      h = c.clientHeight;
    if (!w || !h) return;
    let dpr = Math.min(window.devicePixelRatio || 1, 3);
    if (this.coarse) dpr = Math.max(1, dpr * 0.65);
    dpr = Math.min(dpr, Math.sqrt(7e6 / (w * h)));
    const W = Math.round(w * dpr),
      H = Math.round(h * dpr);
    if (c.width !== W || c.height !== H || this.dpr !== dpr) {
      c.width = W;
      c.height = H;
      this.dpr = dpr;
      this.sprites.clear();
      this.ballKey = "";
      this.image = new ImageData(W, H);
      this.buf = new Int32Array(this.image.data.buffer);
      this.ball = new Int32Array(W * H);
    }
  }

  // the group that stands out: the one the keyboard is on, else the selected one
  get focused() {
    return this.focus >= 0 ? this.focus : this.selected.group;
  }

  get radius() {
    return Math.min(this.canvas.width, this.canvas.height) * 0.455 * this.cam.zoom;
  }

  // ---- motion -----------------------------------------------------------------------------------------------------
  touch() {
    this.spin = null;
    this.motion = null;
    if (!this.cam.touched) this.setTurning(false);
    this.part(".hint").classList.add("gone");
  }

  setTurning(on) {
    this.turning = on;
    this.cam.touched = !on;
    this.part("[data-do=turn]").setAttribute("aria-pressed", String(on));
    this.later();
  }

  face(direction, zoom = this.cam.zoom) {
    this.glide(facing(direction, 0), zoom);
  }

  glide(q, zoom) {
    this.spin = null;
    if (this.calm.matches) {
      this.cam.q = q;
      this.cam.zoom = zoom;
    } else
      this.motion = {
        from: this.cam.q,
        to: q,
        zoomFrom: this.cam.zoom,
        zoomTo: zoom,
        start: performance.now(),
        span: 560,
      };
    this.later();
  }

  zoomBy(factor, x = null, y = null) {
    const z = this.cam.zoom,
      next = Math.min(ZOOM[1], Math.max(ZOOM[0], z * factor));
    if (next === z) return false;
    const w = this.canvas.width / 2,
      h = this.canvas.height / 2,
      m = matrixOf(this.cam.q);
    const before = x === null ? null : unproject(x, y, m, w, h, this.radius);
    this.cam.zoom = next;
    const after = before && unproject(x, y, m, w, h, this.radius);
    // what lies under the pointer stays there
    if (after) this.cam.q = quatNormalize(quatMultiply(quatBetween(rotate(m, before), rotate(m, after)), this.cam.q));
    this.later();
    return true;
  }

  step(now) {
    const dt = Math.min(60, Math.max(1, now - (this.last || now - 16)));
    let busy = false;
    this.drifting = false;
    if (this.motion) {
      const m = this.motion,
        t = Math.min(1, (now - m.start) / m.span),
        e = t < 0.5 ? 4 * t ** 3 : 1 - (2 - 2 * t) ** 3 / 2;
      this.cam.q = quatSlerp(m.from, m.to, e);
      this.cam.zoom = m.zoomFrom * (m.zoomTo / m.zoomFrom) ** e;
      if (t >= 1) this.motion = null;
      else busy = true;
    } else if (this.spin) {
      this.cam.q = turned(this.cam.q, this.spin[0] * dt, this.spin[1] * dt, this.radius);
      const keep = Math.exp(-dt / 260);
      this.spin = Math.hypot(...this.spin) * keep < 0.012 ? null : [this.spin[0] * keep, this.spin[1] * keep];
      busy = this.spin !== null;
    } else if (this.turning && !this.pointerOver && this.visible) {
      this.cam.q = spun(this.cam.q, ((-4.5 * Math.PI) / 180) * (dt / 1000));
      busy = this.drifting = true;
    }
    if (this.fadeStart) {
      const t = Math.min(1, (now - this.fadeStart) / 400);
      if (t >= 1) {
        this.color = this.target;
        this.fadeStart = 0;
      } else {
        blendColors(this.from, this.target, this.color, t * t * (3 - 2 * t));
        busy = true;
      }
    }
    const lean = this.calm.matches ? 1 : 1 - Math.exp(-dt / 90),
      focus = this.focused;
    for (let k = 0; k < this.strength.length; k++) {
      let goal = 256;
      if (focus !== null && k !== focus) goal = 256 * (k === this.hoverGroup ? 0.6 : this.theme.dim);
      else if (focus === null && this.hoverGroup >= 0 && k !== this.hoverGroup) goal = 256 * this.theme.hoverDim;
      const gap = goal - this.strength[k];
      if (Math.abs(gap) < 2) this.strength[k] = goal;
      else {
        this.strength[k] += gap * lean;
        busy = true;
      }
    }
    return busy;
  }

  later() {
    if (this.raf || !this.header) return;
    this.raf = requestAnimationFrame((now) => {
      this.raf = 0;
      // the slow turn needs no more than 30 frames a second
      if (this.drifting && this.last && now - this.last < 28) {
        this.later();
        return;
      }
      const busy = this.step(now) || this.moving;
      this.last = now;
      if (this.coarse && !busy) {
        this.coarse = false;
        this.measure();
      }
      const fading = this.draw();
      // too slow while it moves: fewer pixels until it rests
      this.run = busy ? (this.run ?? 0) + 1 : 0;
      this.slow = this.run < 8 ? 0 : 0.85 * (this.slow || this.frame) + 0.15 * this.frame;
      if (this.run > 16 && !this.coarse && this.slow > 18 && this.dpr > 1) {
        this.coarse = true;
        this.measure();
      }
      if ((busy && !this.moving) || fading) this.later();
      else if (!busy) this.last = 0;
    });
  }

  // ---- drawing ----------------------------------------------------------------------------------------------------
  prepare(w, h, r) {
    const ballKey = `${w} ${h} ${r} ${this.theme.dark} ${this.theme.page}`;
    if (ballKey !== this.ballKey) {
      paintBall(this.ball, w, h, w / 2, h / 2, r, this.theme.ball);
      this.ballKey = ballKey;
    }
    const room = Math.min(w, h) / this.dpr / 600;
    const dot =
      Math.min(5.6, Math.max(0.95, 35 * Math.max(1, this.n) ** -0.31)) *
      Math.sqrt(this.cam.zoom) *
      Math.min(1.3, Math.max(0.7, room));
    this.dot = Math.min(12, Math.round(dot * 10) / 10) * this.dpr;
    const discKey = `${this.dot} ${this.digest.sizes}`;
    if (discKey === this.discKey) return;
    this.discKey = discKey;
    this.discs = this.sizes
      ? Array.from({ length: 8 }, (_, k) => makeDisc(Math.max(0.7, this.dot * 2 ** ((k - 3) / 2))))
      : [makeDisc(this.dot)];
  }

  draw() {
    const start = performance.now(),
      c = this.canvas,
      w = c.width,
      h = c.height;
    if (!this.buf) return false;
    const r = this.radius,
      cx = w / 2,
      cy = h / 2,
      m = matrixOf(this.cam.q),
      t = this.theme,
      buf = this.buf;
    this.prepare(w, h, r);
    project(this.xyz, this.n, m, cx, cy, r, this.sx, this.sy, this.sz);
    buf.set(this.ball);
    const f = {
      n: this.n,
      sx: this.sx,
      sy: this.sy,
      sz: this.sz,
      color: this.color,
      group: this.group,
      strength: this.strength,
      keep: this.keep,
      discs: this.discs,
      bin: this.sizes,
      fade: FADE,
      dim: 256 * t.dim,
      alpha: this.n < 3000 ? 256 : 216,
    };
    if (this.n <= 4000) paintFarSide(buf, w, h, f, t.dark ? 30 : 34);
    for (const line of LINES) strokePath(buf, w, h, line, m, cx, cy, r, t.grid, t.gridAlpha);
    paintPoints(buf, w, h, f);
    for (const cap of this.caps) {
      const s = this.strength[cap.group] ?? 256,
        ink = mix(this.colors[cap.group] ?? t.gray, t.ink, 110);
      strokePath(buf, w, h, cap.line, m, cx, cy, r, ink, 0.38 * s);
    }
    this.ctx.putImageData(this.image, 0, 0);
    this.overlay(m, cx, cy, r);
    const fading = drawLabels(this, m, cx, cy, r);
    this.frame = performance.now() - start;
    this.report();
    return fading;
  }

  overlay(m, cx, cy, r) {
    const ctx = this.ctx,
      d = this.dpr,
      focus = this.focused;
    for (const cap of this.caps)
      if (cap.group === focus) {
        ctx.strokeStyle = cssOf(this.colors[cap.group] ?? this.theme.gray);
        ctx.lineWidth = 1.6 * d;
        ctx.beginPath();
        let pen = false;
        for (let j = 0; j < cap.line.length; j += 3) {
          const p = rotate(m, [cap.line[j], cap.line[j + 1], cap.line[j + 2]]);
          if (p[2] <= 0) {
            pen = false;
            continue;
          }
          ctx[pen ? "lineTo" : "moveTo"](cx + r * p[0], cy - r * p[1]);
          pen = true;
        }
        ctx.stroke();
      }
    const ring = (i, wide) => {
      if (i < 0 || this.sz[i] <= 0) return;
      const s = Math.max(this.dot, 2.2 * d) * 1.25;
      ctx.beginPath();
      ctx.arc(this.sx[i], this.sy[i], s + 3 * d, 0, 7);
      ctx.fillStyle = this.theme.panel;
      ctx.fill();
      ctx.lineWidth = wide * d;
      ctx.strokeStyle = this.theme.text;
      ctx.stroke();
      ctx.beginPath();
      ctx.arc(this.sx[i], this.sy[i], s, 0, 7);
      ctx.fillStyle = cssOf(this.color[i]);
      ctx.fill();
    };
    if (this.selected.row !== null) ring(this.rows.indexOf(this.selected.row), 2);
    ring(this.hover, 1.2);
    if (this.lasso && this.lasso.length > 2) {
      ctx.beginPath();
      for (let i = 0; i < this.lasso.length; i += 2) ctx.lineTo(this.lasso[i], this.lasso[i + 1]);
      ctx.closePath();
      ctx.globalAlpha = 0.14;
      ctx.fillStyle = this.theme.accent;
      ctx.fill();
      ctx.globalAlpha = 1;
      ctx.strokeStyle = this.theme.accent;
      ctx.lineWidth = 1.6 * d;
      ctx.setLineDash([5 * d, 4 * d]);
      ctx.stroke();
      ctx.setLineDash([]);
    }
  }

  report() {
    const d = this.canvas.dataset;
    d.frameMs = this.frame.toFixed(2);
    d.points = this.n;
    d.rotation = this.cam.q.map((v) => v.toFixed(5)).join(",");
    d.radius = (this.radius / this.dpr).toFixed(2);
    d.zoom = this.cam.zoom.toFixed(3);
    d.theme = this.theme.dark ? "dark" : "light";
    d.selectedRow = this.selected.row ?? "";
    d.selectedCluster = this.selected.group ?? "";
    d.focusCluster = this.focus < 0 ? "" : this.focus;
    d.hoverRow = this.hover < 0 ? "" : this.rows[this.hover];
    d.lasso = this.lassoed ?? 0;
    d.turning = this.turning && !this.pointerOver;
  }

  // ---- what is told to Python -------------------------------------------------------------------------------------
  tell(event, more = {}) {
    this.send?.("pick", { event, row: null, cluster: null, outline: [], turn: [], ...more });
  }

  pickPoint(i) {
    const group = this.group[i] < this.colors.length ? this.group[i] : null;
    this.focus = -1;
    this.setLasso([]);
    this.selected = { row: this.rows[i], group };
    this.tell("row", { row: this.rows[i], cluster: group });
    this.later();
  }

  pickCluster(group) {
    this.focus = -1;
    this.setLasso([]);
    this.selected = { row: null, group };
    this.tell("cluster", { cluster: group });
    this.later();
  }

  clear() {
    const any = this.selected.row !== null || this.selected.group !== null || this.lassoed || this.header.note;
    this.selected = { row: null, group: null };
    this.focus = -1;
    this.setLasso([]);
    if (any) this.tell("clear");
    this.later();
  }

  setLasso(indices) {
    this.lassoed = indices.length;
    this.keep = null;
    if (indices.length) {
      this.keep = new Uint8Array(this.n);
      for (const i of indices) this.keep[i] = 1;
    }
    const chip = this.part(".chip");
    chip.hidden = !indices.length;
    chip.textContent = `${number(indices.length)} document${indices.length === 1 ? "" : "s"} in the lasso`;
  }

  endLasso() {
    const found = enclosed(this.sx, this.sy, this.sz, this.n, this.lasso),
      turn = [...matrixOf(this.cam.q)];
    const outline = corners(this.lasso, this.canvas.width / 2, this.canvas.height / 2, this.radius, this.header.most);
    this.lasso = null;
    this.focus = -1;
    if (!found.length) {
      this.later();
      return;
    }
    this.selected = { row: null, group: null };
    this.setLasso(found);
    this.tell("lasso", { outline, turn });
    this.later(); // Python finds all documents inside, also those not drawn
  }

  // The next cluster by size; past either end it stays.
  stepCluster(by) {
    const at = this.order.indexOf(this.focus >= 0 ? this.focus : (this.selected.group ?? -1));
    const next = at < 0 ? (by > 0 ? 0 : this.order.length - 1) : at + by;
    if (next < 0 || next >= this.order.length) return;
    this.focus = this.order[next];
    const to = this.center(this.focus);
    if (to) this.face(to);
    this.part(".live").textContent =
      `${this.nameOf(this.focus)}, ${number(this.counts[this.focus])} documents. Enter selects.`;
    this.later();
  }
}

export default function (component) {
  const root = component.parentElement,
    canvas = root.querySelector("canvas");
  let globe = LIVE.get(canvas);
  if (!globe) {
    globe = new Globe(root, canvas);
    LIVE.set(canvas, globe);
  }
  globe.turn = (globe.turn ?? 0) + 1;
  const turn = globe.turn;
  globe.update(component);
  // A cleanup belongs to one call: one that a later call has replaced must not take the globe down.
  return () => {
    if (globe.turn === turn) globe.destroy();
  };
}

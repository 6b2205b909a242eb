// The globe: draws documents on a sphere and tells Python what was picked. See __init__.py for what travels.
import {
  corners,
  enclosed,
  graticule,
  matrixOf,
  project,
  rotate,
} from "../../../gem_core/export/globe_modules/geometry.js";
import {
  makeDisc,
  mix,
  paintBall,
  paintFarSide,
  paintPoints,
  strokePath,
} from "../../../gem_core/export/globe_modules/pixels.js";
import { cssOf, number } from "./theme_and_data.js";
import { drawLabels } from "./labels.js";
import { listen } from "./input_events.js";
import { GlobeMotion } from "./globe_motion.js";
import { SubtopicNames } from "./subtopic_names.js";

const LINES = graticule();
const LIVE = new WeakMap(); // canvas -> Globe
const FADE = Float32Array.from({ length: 256 }, (_, i) => {
  const t = Math.min(1, i / 255 / 0.55);
  return 256 * (0.16 + 0.84 * t * t * (3 - 2 * t));
});

export class Globe extends GlobeMotion {
  constructor(root, canvas) {
    super();
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
    this.subtopics = new SubtopicNames(this);
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

  // A line of packed directions, as far as it runs on the near side
  strokeFront(line, color, m, cx, cy, r, alpha) {
    const ctx = this.ctx;
    ctx.globalAlpha = alpha;
    ctx.strokeStyle = color;
    ctx.lineWidth = 1.6 * this.dpr;
    ctx.beginPath();
    let pen = false;
    for (let j = 0; j < line.length; j += 3) {
      const p = rotate(m, [line[j], line[j + 1], line[j + 2]]);
      if (p[2] > 0) ctx[pen ? "lineTo" : "moveTo"](cx + r * p[0], cy - r * p[1]);
      pen = p[2] > 0;
    }
    ctx.stroke();
    ctx.globalAlpha = 1;
  }

  overlay(m, cx, cy, r) {
    const ctx = this.ctx,
      d = this.dpr,
      focus = this.focused;
    for (const [color, lines] of this.header?.outlines ?? []) for (const line of lines) this.strokeFront(line, color, m, cx, cy, r, 0.5);
    for (const cap of this.caps)
      if (cap.group === focus) this.strokeFront(cap.line, cssOf(this.colors[cap.group] ?? this.theme.gray), m, cx, cy, r, 1);
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
    const indices = enclosed(this.sx, this.sy, this.sz, this.n, this.lasso),
      turn = [...matrixOf(this.cam.q)];
    const outline = corners(this.lasso, this.canvas.width / 2, this.canvas.height / 2, this.radius, this.header.most);
    this.lasso = null;
    this.focus = -1;
    if (!indices.length) {
      this.later();
      return;
    }
    this.selected = { row: null, group: null };
    this.setLasso(indices);
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

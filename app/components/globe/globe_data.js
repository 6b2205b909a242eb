// What Python sent to the globe: documents, colors, names, camera and selection.
import { circleAround, facing, matrixOf, rotate } from "../../../gem_core/export/globe_modules/geometry.js";
import { parseHex } from "../../../gem_core/export/globe_modules/pixels.js";
import { cssOf, directions, makeRamp, number, readTheme, unpack } from "./theme_and_data.js";

const CAMERAS = new Map(); // by the component's key: outlives reruns, new data and a change of page

export class GlobeData {
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
    const newPositions = fresh("xyz");
    if (newPositions) this.setPositions(directions(array("xyz")));
    if (fresh("rows") || newPositions) {
      this.rows = array("rows");
      this.setLasso([]);
    }
    if (fresh("sizes") || newPositions) this.sizes = h.arrays.sizes ? array("sizes") : null;
    this.colors = h.colors.map(parseHex);
    if (fresh("cluster") || newPositions) {
      this.group = array("cluster");
      this.counts = new Int32Array(h.colors.length + 1);
      for (let i = 0; i < this.n; i++) this.counts[this.group[i]]++;
      this.order = h.colors
        .map((_, k) => k)
        .filter((k) => this.counts[k] > 0)
        .sort((a, b) => this.counts[b] - this.counts[a]);
    }
    if (fresh("values") || newPositions) this.values = h.arrays.values ? array("values") : null;
    if (this.strength.length !== h.colors.length + 1) this.strength = new Float32Array(h.colors.length + 1).fill(256);
    this.recolor(newPositions);
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

  setPositions(xyz) {
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

  recolor(newPositions) {
    const to = new Int32Array(this.n),
      gray = this.theme.gray,
      ramp = this.values ? makeRamp(this.theme.dark) : null;
    for (let i = 0; i < this.n; i++) to[i] = ramp ? ramp[this.values[i]] : (this.colors[this.group[i]] ?? gray);
    const from = this.color,
      steady = newPositions || !from || this.calm.matches;
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
}

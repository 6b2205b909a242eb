// Layer over a Plotly chart: more names the closer a person comes, outlines, the beginning of the document pointed at.
import { placeLabels } from "../../../gem_core/export/globe_modules/geometry.js";

const LAYERS = new WeakMap(); // root -> FlatNames
const RETRY = 150; // milliseconds until the chart is looked for again
const REST = 140; // milliseconds the pointer rests on a document before its text is asked for
const PAUSE = 300; // milliseconds without a movement before subtopics are asked for
const SUBTOPIC_ZOOM = 1.9;
const NEAREST = 3; // clusters around the middle whose subtopics are asked for
const AREA = 17000; // square pixels for a name
const MAX_EXCERPTS = 200;
const EVENTS = ["plotly_relayouting", "plotly_relayout", "plotly_afterplot"];

class FlatNames {
  constructor(root) {
    this.root = root;
    this.layer = root.querySelector(".layer");
    this.svg = root.querySelector("svg");
    this.names = root.querySelector(".names");
    this.tip = root.querySelector(".tip");
    this.parts = new Map(); // index of a group -> names of its subtopics; empty while they are on their way
    this.excerpts = new Map(); // address -> text
    this.measure = document.createElement("canvas").getContext("2d");
    this.measure.font = "12px sans-serif";
  }

  update(data) {
    if (this.data?.subtopics !== data.subtopics) this.parts.clear();
    this.data = data;
    this.tip.hidden = true;
    this.attach();
  }

  attach() {
    if (!this.layer.isConnected) return;
    const chart = document.querySelector(`.st-key-${CSS.escape(this.data.container)} .js-plotly-plot`);
    if (!chart?._fullLayout?.xaxis || !chart.on) {
      setTimeout(() => this.attach(), RETRY);
      return;
    }
    if (chart !== this.chart) {
      this.chart = chart;
      for (const event of EVENTS) chart.on(event, () => this.draw());
      chart.on("plotly_hover", (event) => this.point(event));
      chart.on("plotly_unhover", () => this.leave());
    }
    this.draw();
  }

  // Pixels in the layer of a place on the map
  pixels([x, y]) {
    const { xaxis, yaxis } = this.chart._fullLayout;
    return [this.left + xaxis._offset + xaxis.l2p(x), this.top + yaxis._offset + yaxis.l2p(y)];
  }

  draw() {
    if (!this.layer.isConnected || !this.chart._fullLayout?.xaxis) return;
    const chart = this.chart.getBoundingClientRect(),
      own = this.layer.getBoundingClientRect(),
      [low, high] = this.chart._fullLayout.xaxis.range;
    this.left = chart.left - own.left;
    this.top = chart.top - own.top;
    this.zoom = this.data.span / Math.max(high - low, 1e-9);
    this.outline();
    this.write(own.width, own.height);
  }

  outline() {
    this.svg.replaceChildren(
      ...this.data.outlines.map(({ color, lines }) => {
        const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
        path.setAttribute("stroke", color);
        path.setAttribute(
          "d",
          lines.map((line) => `M${line.map((at) => this.pixels(at).map((v) => v.toFixed(1)).join(",")).join("L")}Z`).join(""),
        );
        return path;
      }),
    );
  }

  write(wide, high) {
    const labels = [...this.data.names, ...this.subtopics(wide, high)]
      .map((name) => {
        const [x, y] = this.pixels(name.at),
          strong = name.index === this.data.selected && !name.part,
          w = Math.min(240, this.measure.measureText(name.text).width + 14);
        return { ...name, x, y, w, h: 19, strong, rank: strong ? 1e12 : name.count };
      })
      .filter(({ x, y }) => x > 0 && y > 0 && x < wide && y < high);
    for (const label of labels) {
      label.x = Math.min(wide - label.w / 2, Math.max(label.w / 2, label.x));
      label.y = Math.min(high - 10, Math.max(10, label.y));
    }
    const most = Math.max(5, Math.round(((wide * high) / AREA) * Math.min(4, Math.max(1, this.zoom))));
    this.names.replaceChildren(
      ...[...placeLabels(labels, most)].map((i) => {
        const { text, x, y, w, strong, part } = labels[i],
          span = document.createElement("span");
        span.textContent = text;
        span.className = strong ? "strong" : part ? "part" : "";
        span.style.transform = `translate(${Math.round(x - w / 2)}px, ${Math.round(y - 9)}px)`;
        return span;
      }),
    );
  }

  subtopics(wide, high) {
    clearTimeout(this.timer);
    if (!this.data.subtopics || this.zoom < SUBTOPIC_ZOOM) return [];
    const distance = ({ at }) => {
      const [x, y] = this.pixels(at);
      return Math.hypot(x - wide / 2, y - high / 2);
    };
    const missing = [...this.data.names]
      .sort((a, b) => distance(a) - distance(b))
      .slice(0, NEAREST)
      .filter(({ index }) => !this.parts.has(index));
    if (missing.length) this.timer = setTimeout(() => missing.forEach(({ index }) => this.fetchParts(index)), PAUSE);
    return [...this.parts.values()].flat();
  }

  // Without an answer the names of the clusters stay alone.
  async fetchParts(index) {
    const base = this.data.subtopics;
    this.parts.set(index, []);
    const response = await fetch(`${base}/${this.data.numbers[index]}`).catch(() => null);
    if (!response?.ok || base !== this.data.subtopics) return;
    const { names } = await response.json();
    if (names.length > 1)
      this.parts.set(
        index,
        names.map(([text, , count, at]) => ({ text: String(text), at, count, index, part: true })),
      );
    this.draw();
  }

  point({ points, event }) {
    const row = [points[0]?.customdata].flat()[0],
      base = this.data.excerpts;
    clearTimeout(this.rest);
    this.tip.hidden = true;
    if (!base || !Number.isInteger(row)) return;
    this.address = `${base}/${row}`;
    const own = this.layer.getBoundingClientRect(),
      at = [event.clientX - own.left, event.clientY - own.top, own.width, own.height];
    this.rest = setTimeout(() => this.fetchExcerpt(this.address, at), REST);
  }

  leave() {
    clearTimeout(this.rest);
    this.address = "";
    this.tip.hidden = true;
  }

  async fetchExcerpt(address, at) {
    if (!this.excerpts.has(address)) {
      const response = await fetch(address).catch(() => null);
      if (!response?.ok) return;
      const { excerpt } = await response.json();
      if (this.excerpts.size >= MAX_EXCERPTS) this.excerpts.delete(this.excerpts.keys().next().value);
      this.excerpts.set(address, String(excerpt));
    }
    if (address === this.address) this.say(this.excerpts.get(address), at);
  }

  say(text, [x, y, wide, high]) {
    this.tip.textContent = text;
    this.tip.hidden = !text;
    const left = Math.max(4, Math.min(wide - this.tip.offsetWidth - 4, x - this.tip.offsetWidth / 2)),
      below = y + 26,
      top = below + this.tip.offsetHeight > high ? y - 26 - this.tip.offsetHeight : below;
    this.tip.style.transform = `translate(${left}px, ${Math.max(2, top)}px)`;
  }
}

export default function (component) {
  const root = component.parentElement;
  let layer = LAYERS.get(root);
  if (!layer?.layer.isConnected) {
    layer = new FlatNames(root);
    LAYERS.set(root, layer);
  }
  layer.update(component.data);
}

// Names of subtopics: when a person has come close to a cluster, its subtopics are asked for and named on the globe.
import { rotate } from "../../../gem_core/export/globe_modules/geometry.js";

const FROM_ZOOM = 1.9;
const NEAREST = 2; // clusters next to the middle that are asked for
const PAUSE = 300; // milliseconds without a new frame

export class SubtopicNames {
  constructor(globe) {
    this.globe = globe;
    this.reset("");
  }

  reset(base) {
    this.base = base;
    this.labels = new Map(); // group -> labels; an empty list while they are on their way
    clearTimeout(this.timer);
  }

  // The labels to draw beside those of the clusters, under the rotation m
  visible(m) {
    const { globe } = this,
      base = globe.header.subtopics ?? "";
    if (base !== this.base) this.reset(base);
    if (!base || globe.cam.zoom < FROM_ZOOM) return [];
    clearTimeout(this.timer);
    const near = globe.labels
      .map((label) => [rotate(m, label.at)[2], label.group])
      .sort((a, b) => b[0] - a[0])
      .slice(0, NEAREST)
      .map(([, group]) => group)
      .filter((group) => !this.labels.has(group));
    if (near.length) this.timer = setTimeout(() => near.forEach((group) => this.fetch(group)), PAUSE);
    return [...this.labels.values()].flat();
  }

  // Without an answer the names of the clusters stay alone.
  async fetch(group) {
    const base = this.base;
    this.labels.set(group, []);
    const response = await fetch(`${base}/${this.globe.header.numbers[group]}`).catch(() => null);
    if (!response?.ok || base !== this.base) return;
    const { names } = await response.json();
    const labels = names.map(([text, at, documents]) => ({ text: String(text), at, documents, group, alpha: 0 }));
    this.labels.set(group, labels.length > 1 ? labels : []);
    this.globe.later();
  }
}

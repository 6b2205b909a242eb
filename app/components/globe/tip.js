// The tip beside the pointer: the cluster, and how the document under the pointer begins, asked for when it rests there.
import { cssOf, number } from "./theme_and_data.js";

const REST_TIME = 140; // milliseconds the pointer rests on a document before its text is asked for
const MAX_EXCERPTS = 200; // excerpts

export class Tip {
  constructor(globe) {
    this.globe = globe;
    this.box = globe.part(".tip");
    this.text = this.box.querySelector("p");
    this.excerpts = new Map(); // by address
    this.timer = 0;
    this.address = "";
  }

  show(i, group, e, changed) {
    const { globe, box } = this;
    box.hidden = group < 0;
    if (changed) this.ask(i, e);
    if (group < 0) return;
    box.querySelector("i").style.background = cssOf(globe.colors[group] ?? globe.theme.gray);
    box.querySelector("span").textContent = globe.nameOf(group);
    box.querySelector("small").textContent = number(globe.counts[group]);
    this.moveTo(e);
  }

  moveTo(e) {
    const b = this.globe.canvas.getBoundingClientRect(),
      x = e.clientX - b.left,
      y = e.clientY - b.top,
      w = this.box.offsetWidth,
      h = this.box.offsetHeight;
    this.at = e;
    this.box.style.transform = `translate(${Math.max(4, x + 16 + w > b.width ? x - w - 14 : x + 16)}px, ${y + 16 + h > b.height ? y - h - 10 : y + 16}px)`;
  }

  ask(i, e) {
    const { globe } = this,
      base = globe.header?.excerpts;
    clearTimeout(this.timer);
    this.at = e;
    this.address = base && i >= 0 ? `${base}/${globe.rows[i]}` : "";
    this.say(this.excerpts.get(this.address) ?? "");
    if (this.address && !this.excerpts.has(this.address)) this.timer = setTimeout(() => this.fetch(this.address), REST_TIME);
  }

  // Without an answer the tip stays as it is: the cluster's name alone.
  async fetch(address) {
    const response = await fetch(address).catch(() => null);
    if (!response?.ok) return;
    const { excerpt } = await response.json();
    if (this.excerpts.size >= MAX_EXCERPTS) this.excerpts.delete(this.excerpts.keys().next().value);
    this.excerpts.set(address, String(excerpt));
    if (address === this.address && !this.box.hidden) {
      this.say(String(excerpt));
      this.moveTo(this.at);
    }
  }

  say(words) {
    this.text.hidden = !words;
    this.text.textContent = words;
  }
}

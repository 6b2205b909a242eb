// Shares of clusters: a slider, a number and a lock for each. What a change does to the others is decided in Python;
// here only the row that is moved follows the hand. Names are put in as text, whatever they hold.

const EDITORS = new WeakMap();
const STEP = 0.01; // percent
const LOCK =
  '<svg viewBox="0 0 16 16" aria-hidden="true"><rect x="3.5" y="7.2" width="9" height="6" rx="1.4"/>' +
  '<path class="shut" d="M5.4 7V5.2a2.6 2.6 0 0 1 5.2 0V7"/><path class="open" d="M5.4 7V4.6a2.6 2.6 0 0 1 5-1"/></svg>';

function make(tag, name, more = {}) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  for (const [key, value] of Object.entries(more)) node.setAttribute(key, value);
  return node;
}

class Editor {
  constructor(root) {
    this.box = root.querySelector(".shares");
    this.rows = [];
  }

  update({ data, setTriggerValue }) {
    this.send = setTriggerValue;
    this.box.style.setProperty("--shares-height", `${data.height}px`);
    if (this.rows.length !== data.rows.length) this.build(data.rows.length);
    data.rows.forEach((row, at) => {
      this.show(at, row, data);
    });
    this.box.dataset.serial = data.serial; // for tests: which state is shown
  }

  build(count) {
    this.box.replaceChildren();
    this.rows = Array.from({ length: count }, (_, at) => this.row(at));
  }

  row(at) {
    const box = make("div", "row"),
      lock = make("button", "lock", { type: "button" });
    lock.innerHTML = LOCK;
    const dot = make("span", "dot"),
      name = make("span", "name"),
      value = make("label", "value");
    const number = make("input", "", { type: "number", min: 0, step: "any" }),
      sign = make("span", "");
    sign.textContent = "%";
    value.append(number, sign);
    const track = make("div", "track"),
      natural = make("i", "natural");
    const range = make("input", "", { type: "range", min: 0, step: STEP });
    track.append(range, natural);
    box.append(lock, dot, name, value, track);
    this.box.append(box);
    range.addEventListener("input", () => {
      number.value = Number(range.value).toFixed(1);
      this.fill(range);
    });
    range.addEventListener("change", () => this.tell(at, Number(range.value)));
    number.addEventListener("change", () => this.tell(at, Number(number.value)));
    lock.addEventListener("click", () => this.send("edit", { at, lock: lock.getAttribute("aria-pressed") !== "true" }));
    return { box, lock, dot, name, number, range, natural };
  }

  tell(at, percent) {
    if (Number.isFinite(percent)) this.send("edit", { at, value: percent / 100 });
  }

  fill(range) {
    range.style.setProperty("--filled", `${(100 * Number(range.value)) / Number(range.max)}%`);
  }

  show(at, row, data) {
    const part = this.rows[at],
      share = 100 * row.share,
      fixed = row.locked || row.only;
    part.box.classList.toggle("locked", row.locked);
    part.dot.style.background = row.color;
    part.box.style.setProperty("--color", row.color);
    part.name.textContent = row.name;
    part.name.title = `${row.name}: natural share ${(100 * row.natural).toFixed(1)}%`;
    part.lock.setAttribute("aria-pressed", String(row.locked));
    part.lock.title = row.locked ? "Unlock" : "Lock: others make room, this one stays";
    part.lock.setAttribute("aria-label", `Lock ${row.name}`);
    part.range.max = 100 * data.scale;
    part.range.value = share;
    part.range.disabled = part.number.disabled = fixed;
    part.range.setAttribute("aria-label", `${data.what} of ${row.name}`);
    part.number.setAttribute("aria-label", `${data.what} of ${row.name}, percent`);
    part.range.setAttribute("aria-valuetext", `${share.toFixed(1)}%`);
    part.number.value = share.toFixed(share > 0 && share < 0.1 ? 2 : 1);
    part.natural.style.left = `calc(6px + (100% - 12px) * ${Math.min(1, row.natural / data.scale)})`;
    this.fill(part.range);
  }
}

export default function (component) {
  const root = component.parentElement;
  let editor = EDITORS.get(root);
  if (!editor?.box.isConnected) {
    editor = new Editor(root);
    EDITORS.set(root, editor);
  }
  editor.update(component);
}

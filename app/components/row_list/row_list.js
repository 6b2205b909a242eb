// A table whose rows open something. Arrow keys move the focus, Enter and a click open a row, a heading sorts.

const LISTS = new WeakMap(); // root -> RowList
const MEMORY = new Map(); // by key: sorting, scroll position, the row that had the focus; outlives a remount
const ANNOUNCE = 200; // milliseconds
const PAGE = 10; // rows that Page Up and Page Down move

const make = (tag, name = "") => Object.assign(document.createElement(tag), { className: name });

// Whether nothing a person could be using has the focus.
const isIdle = (element) => !element || element === document.body || element.tagName === "MAIN";

// Text with the words of a search marked, as nodes: nothing in it is read as HTML.
function markWords(text, pattern) {
  const span = make("span");
  let end = 0;
  if (pattern) {
    for (const match of text.matchAll(pattern)) {
      const start = match.index + match[1].length;
      span.append(text.slice(end, start), Object.assign(make("mark"), { textContent: match[2] }));
      end = start + match[2].length;
    }
  }
  span.append(text.slice(end));
  return span;
}

class RowList {
  constructor(root) {
    this.box = root.querySelector(".box");
    this.live = root.querySelector(".live");
    this.table = root.querySelector("table");
    this.head = root.querySelector("thead");
    this.body = root.querySelector("tbody");
    this.body.addEventListener("click", (event) => this.open(event.target.closest("tr")));
    this.body.addEventListener("keydown", (event) => this.press(event));
    this.body.addEventListener("focusin", (event) => this.reach(event.target.closest("tr")));
    this.box.addEventListener("scroll", () => {
      this.memory.scroll = this.box.scrollTop;
    });
  }

  update({ data, setTriggerValue }) {
    this.send = setTriggerValue;
    const text = JSON.stringify(data);
    if (text === this.text) return;
    const first = this.text === undefined;
    this.text = text;
    this.data = data;
    if (!MEMORY.has(data.key)) MEMORY.set(data.key, { column: null, down: true, scroll: 0, index: 0, keys: false });
    this.memory = MEMORY.get(data.key);
    if (this.memory.announced !== data.announce) {
      this.memory.announced = data.announce;
      // A text that comes together with its region is not read, so it comes a moment later.
      setTimeout(() => {
        this.live.textContent = data.announce;
      }, ANNOUNCE);
    }
    const rows = JSON.stringify(data.columns.map((column) => column.values));
    if (this.memory.rows !== rows)
      Object.assign(this.memory, { rows, scroll: 0, index: 0, keys: !first && this.memory.keys });
    this.table.setAttribute("aria-label", data.label);
    this.table.setAttribute("role", data.opens ? "grid" : "table");
    this.box.classList.toggle("opens", data.opens);
    this.box.classList.toggle("dense", !data.opens);
    this.table.setAttribute("aria-rowcount", data.columns[0]?.values.length ?? 0);
    this.box.style.maxHeight = data.height ? `${data.height}px` : "";
    const words = data.highlight.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    this.pattern = words.length ? new RegExp(`(^|[^\\p{L}\\p{N}])(${words.join("|")})`, "giu") : null;
    const focused = this.body.contains(this.body.getRootNode().activeElement);
    this.build();
    this.box.scrollTop = this.memory.scroll;
    // Whoever left the list by keyboard comes back to the row they opened.
    if (focused || (first && this.memory.keys && isIdle(document.activeElement))) this.focus(this.memory.index);
  }

  build() {
    const { columns } = this.data;
    const heads = columns.map((column, at) => {
      const cell = make("th", column.optional ? `${column.kind} optional` : column.kind);
      cell.scope = "col";
      if (column.width) cell.style.width = `${column.width}px`;
      if (column.kind === "dot") return cell;
      const button = Object.assign(make("button"), { type: "button", textContent: column.name, title: column.hint });
      button.addEventListener("click", () => this.sort(at));
      if (this.memory.column === at) cell.setAttribute("aria-sort", this.memory.down ? "descending" : "ascending");
      cell.append(button);
      return cell;
    });
    const row = make("tr");
    row.append(...heads);
    this.head.replaceChildren(row);
    const largest = columns.map((column) => (column.kind === "bar" ? Math.max(...column.values, 1e-12) : 1));
    this.body.replaceChildren(...this.order().map((index) => this.row(index, largest)));
    this.focusable(this.memory.index);
  }

  order() {
    const order = Array.from({ length: this.data.columns[0]?.values.length ?? 0 }, (_, i) => i),
      { column, down } = this.memory;
    if (column === null || !this.data.columns[column]) return order;
    const { values } = this.data.columns[column],
      sign = down ? -1 : 1;
    return order.sort((i, j) => {
      const a = values[i],
        b = values[j];
      return sign * (typeof a === "number" ? a - b : String(a).localeCompare(String(b))) || i - j;
    });
  }

  row(index, largest) {
    const row = make("tr");
    row.dataset.index = index;
    if (this.data.opens) row.tabIndex = -1;
    this.data.columns.forEach((column, at) => {
      const cell = make("td", column.optional ? `${column.kind} optional` : column.kind),
        value = column.values[index],
        text = column.texts?.[index] ?? String(value ?? "");
      if (column.kind === "dot") {
        const dot = make("i");
        dot.style.setProperty("--color", value);
        cell.append(dot);
      } else if (column.kind === "bar") {
        const bar = make("div");
        bar.append(Object.assign(make("b"), { textContent: text }));
        bar.style.setProperty("--part", `${(100 * value) / largest[at]}%`);
        cell.append(bar);
      } else if (column.kind === "text") {
        const words = markWords(text, this.pattern);
        words.style.setProperty("--lines", column.lines);
        words.dir = "auto";
        cell.append(words);
        cell.title = text.length > 40 ? text : "";
      } else cell.textContent = text;
      row.append(cell);
    });
    return row;
  }

  sort(at) {
    const { column, down } = this.memory,
      numeric = typeof this.data.columns[at].values[0] === "number";
    Object.assign(this.memory, { column: at, down: column === at ? !down : numeric });
    this.build();
    this.head.querySelectorAll("th")[at].querySelector("button").focus();
  }

  focusable(index) {
    const rows = [...this.body.rows],
      reached = rows.find((row) => Number(row.dataset.index) === index) ?? rows[0];
    if (this.data.opens) for (const row of rows) row.tabIndex = row === reached ? 0 : -1;
    return reached;
  }

  focus(index) {
    this.focusable(index)?.focus();
  }

  reach(row) {
    if (!row || !this.data.opens) return;
    this.memory.index = Number(row.dataset.index);
    this.focusable(this.memory.index);
  }

  press(event) {
    const row = event.target.closest("tr"),
      rows = [...this.body.rows],
      at = rows.indexOf(row);
    if (at < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const steps = { ArrowDown: 1, ArrowUp: -1, PageDown: PAGE, PageUp: -PAGE, Home: -rows.length, End: rows.length };
    if (event.key === "Enter" || event.key === " ") {
      this.memory.keys = true;
      this.open(row);
    } else if (steps[event.key]) rows[Math.max(0, Math.min(rows.length - 1, at + steps[event.key]))].focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  open(row) {
    if (!row || !this.data.opens) return;
    this.memory.index = Number(row.dataset.index);
    this.send("open", this.memory.index);
  }
}

export default function (component) {
  const root = component.parentElement;
  let list = LISTS.get(root);
  if (!list?.box.isConnected) {
    list = new RowList(root);
    LISTS.set(root, list);
  }
  list.update(component);
}
